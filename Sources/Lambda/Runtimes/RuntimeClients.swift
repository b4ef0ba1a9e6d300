import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The Runtime API clients that this binary brings for languages whose functions have none, each in a directory that sandboxes mount as
/// /var/runtime. Python's is the public one, of the virtual environment.
struct RuntimeClients: Sendable {
  enum Language: String, CaseIterable { case nodejs, ruby, java }

  private let directory: String

  init(directory: String) { self.directory = directory }

  /// The host directory with the client of a language.
  func directory(of language: Language) -> String { "\(directory)/\(language.rawValue)" }

  /// Writes the clients, over whatever an older release left.
  func install() throws {
    for language in Language.allCases {
      switch language {
      case .nodejs: try write(PackageResources.runtime_mjs, to: "runtime.mjs", language)
      case .ruby: try write(PackageResources.runtime_rb, to: "runtime.rb", language)
      case .java: try write(PackageResources.runtime_jar, to: "runtime.jar", language)
      }
    }
  }

  private func write(_ bytes: [UInt8], to name: String, _ language: Language) throws {
    var path = ""
    for part in directory(of: language).split(separator: "/") {
      path += "/\(part)"
      if mkdir(path, 0o755) != 0, errno != EEXIST { throw LaunchFailure.sandbox("mkdir \(path): errno \(errno)") }
    }
    let file = "\(path)/\(name)"
    let fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw LaunchFailure.sandbox("open \(file): errno \(errno)") }
    defer { close(fd) }
    try Unpacker.writeAll(bytes[...], to: fd, path: file)
  }
}
