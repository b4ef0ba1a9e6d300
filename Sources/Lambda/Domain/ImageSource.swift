/// How a container is run: what the image says, or what a function says instead of it (`ImageConfig`). Nil where nothing is said.
struct ContainerSettings: Sendable, Equatable {
  var entryPoint: [String]?
  var command: [String]?
  var workingDirectory: String?

  var isEmpty: Bool { entryPoint == nil && command == nil && workingDirectory == nil }

  /// These settings where they say something, and the others where they do not.
  func over(_ others: ContainerSettings) -> ContainerSettings {
    ContainerSettings(
      entryPoint: entryPoint ?? others.entryPoint, command: command ?? others.command,
      workingDirectory: workingDirectory ?? others.workingDirectory)
  }

  var byteCount: Int {
    ((entryPoint ?? []) + (command ?? []) + [workingDirectory ?? ""]).reduce(0) { $0 + $1.utf8.count + 1 }
  }
}

/// The image of a function. Its digest is the function's `codeHash`.
struct ImageSource: Sendable, Equatable {
  /// As the user named it.
  var uri: String
  /// What the image itself says.
  var settings: ContainerSettings
  var environment: [String: String]
  /// What the function says instead.
  var overrides = ContainerSettings()
}
