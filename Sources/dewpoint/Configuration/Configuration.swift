import Base

/// The choices of the operator, each with where it comes from: flags win over the environment, that over the file, that over defaults.
struct Configuration: Sendable {
  enum Origin: Sendable, Equatable {
    case standard
    case file(String)
    case environment(String)
    case flag(String)

    /// The greater wins.
    var rank: Int {
      switch self {
      case .standard: 0
      case .file: 1
      case .environment: 2
      case .flag: 3
      }
    }

    var text: String {
      switch self {
      case .standard: "default"
      case .file(let path): path
      case .environment(let name): name
      case .flag(let name): name
      }
    }
  }
  struct Choice: Sendable {
    var setting: Setting
    /// Empty for a setting without default that nobody has set, and for an empty list.
    var texts: [String]
    var origin: Origin
  }

  private(set) var choices: [Choice]

  /// - Parameters:
  ///   - file: its path and content.
  ///   - arguments: of the command line, without those that are no settings.
  /// Throws `ConfigurationError` for what no setting is called, and for values that no setting takes.
  init(file: (path: String, content: [UInt8])?, environment: [String: String], arguments: [String]) throws {
    choices = Settings.all.map { Choice(setting: $0, texts: $0.standard.map($0.split) ?? [], origin: .standard) }
    for index in choices.indices where choices[index].texts == [""] { choices[index].texts = [] }
    if let file { try take(ConfigurationFile.read(file.content, file.path), .file(file.path)) }
    try takeEnvironment(environment)
    for (name, texts) in try ConfigurationFlags.read(arguments) { choose(name, texts, .flag("--" + ConfigurationFlags.name(name))) }
  }

  /// What the server is started with. Throws `ConfigurationError`, naming where a value comes from.
  func settings() throws -> ServerSettings {
    var settings = ServerSettings()
    for choice in choices where !choice.texts.isEmpty || choice.setting.isList {
      do { try choice.setting.apply(choice.texts, &settings) } catch let error as ConfigurationError {
        throw ConfigurationError(choice.origin == .standard ? error.description : "\(choice.origin.text): \(error.description)")
      }
    }
    try settings.settle(dataOrigin: origin("data"), ephemeralOrigin: origin("ephemeral"))
    return settings
  }

  private func origin(_ name: String) -> Origin { choices.first { $0.setting.name == name }?.origin ?? .standard }

  private mutating func choose(_ name: String, _ texts: [String], _ origin: Origin) {
    guard let index = choices.firstIndex(where: { $0.setting.name == name }) else { return }
    (choices[index].texts, choices[index].origin) = (texts, origin)
  }

  private mutating func take(_ values: [(name: String, texts: [String])], _ origin: Origin) throws {
    for (name, texts) in values { choose(name, texts, origin) }
  }

  /// Variables of ours that are no settings of the server.
  private static let otherVariables: Set<String> = [
    "DEWPOINT_CONFIG", "DEWPOINT_ENDPOINT", "DEWPOINT_SANDBOX_INIT", "DEWPOINT_BINARY",
  ]

  private mutating func takeEnvironment(_ environment: [String: String]) throws {
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("DEWPOINT_") {
      guard !Self.otherVariables.contains(name) else { continue }
      guard let setting = Settings.all.first(where: { $0.variable == name }) else {
        throw ConfigurationError.unknown("The environment variable \(name)", name, among: Settings.all.map(\.variable))
      }
      choose(setting.name, setting.split(text), .environment(name))
    }
  }
}

extension Setting {
  var isList: Bool { if case .list = kind { true } else { false } }
}

extension ConfigurationError {
  static func unknown(_ what: String, _ name: String, among known: [String]) -> Self {
    let nearest = known.min { distance($0, name) < distance($1, name) }
    let advice = nearest.flatMap { distance($0, name) <= max(2, name.count / 3) ? " Did you mean \($0)?" : nil } ?? ""
    return Self("\(what) is not a setting.\(advice)")
  }

  /// How many letters must be changed, added or removed (Levenshtein).
  static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for (i, letter) in a.utf8.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let change = diagonal + (letter == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j + 1] + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }
}
