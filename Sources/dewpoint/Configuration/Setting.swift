import Base
import Gateway

/// One thing that the operator may choose. The table of them (`Settings.swift`) is all that the file, the environment, the flags,
/// `dewpoint config` and docs/CONFIGURATION.md know of.
struct Setting: Sendable {
  enum Kind: Sendable {
    case text
    case integer(ClosedRange<Int>)
    /// As a flag it takes no value and may be turned off with `--no-` before its name.
    case toggle
    case choice([String])
    /// `90s`, `5m`, `1h30m`.
    case duration
    /// Several texts: a list in the file, one flag for each, and separated in the environment.
    case list(separator: Character)
    /// More than a text can say: YAML, in the environment and as a flag on one line. JSON is YAML, too.
    case structure(String)
  }

  /// In the file: words with hyphens. In the environment: `DEWPOINT_` and the words in capitals.
  let name: String
  let kind: Kind
  /// Nil: there is none, and `help` says what happens then.
  let standard: String?
  let help: String
  /// Not shown.
  let isSecret: Bool
  /// What the flag is called when the name is a plural.
  private let singular: String?
  /// Checks the texts and puts them into the settings. Throws `ConfigurationError`.
  let apply: @Sendable (_ texts: [String], _ settings: inout ServerSettings) throws -> Void

  init(
    _ name: String, _ kind: Kind, _ standard: String? = nil, flag: String? = nil, isSecret: Bool = false, help: String,
    _ apply: @escaping @Sendable (SettingValue, inout ServerSettings) throws -> Void
  ) {
    (self.name, self.kind, self.standard, self.help, self.isSecret, singular) = (name, kind, standard, help, isSecret, flag)
    self.apply = { texts, settings in try apply(try SettingValue(texts, name, kind), &settings) }
  }

  var flag: String { singular ?? name }
  var variable: String { "DEWPOINT_" + name.uppercased().replacing("-", with: "_") }
  var isToggle: Bool { if case .toggle = kind { true } else { false } }

  /// For people: `number from 0 to 65535`.
  var form: String {
    switch kind {
    case .text: "text"
    case .integer(let range): range.upperBound == .max ? "number from \(range.lowerBound)" : "number from \(range.lowerBound) to \(range.upperBound)"
    case .toggle: "true or false"
    case .choice(let names): names.joined(separator: ", ")
    case .duration: "duration, such as 90s"
    case .structure(let form): form
    case .list(let separator): "list; in the environment separated by '\(separator)'"
    }
  }

  /// The texts that one text of the environment stands for.
  func split(_ text: String) -> [String] {
    guard case .list(let separator) = kind else { return [text] }
    return text.split(separator: separator).map { String($0).trimmed }.filter { !$0.isEmpty }
  }
}

/// Texts that have the form of their setting.
struct SettingValue: Sendable {
  let texts: [String]
  private let name: String

  /// Throws `ConfigurationError` for texts that do not have the form.
  init(_ texts: [String], _ name: String, _ kind: Setting.Kind) throws {
    (self.texts, self.name) = (texts, name)
    if case .list = kind { return }
    guard texts.count == 1, let text = texts.first else { throw ConfigurationError("\(name) takes one value.") }
    switch kind {
    case .text, .structure: guard !text.isEmpty else { throw ConfigurationError("\(name) must not be empty.") }
    case .integer(let range):
      guard let number = Int(text), range.contains(number) else {
        let end = range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        throw ConfigurationError("\(name) must be a number, \(end), not '\(text)'.")
      }
    case .toggle: guard Self.toggle(text) != nil else { throw ConfigurationError("\(name) must be true or false, not '\(text)'.") }
    case .choice(let names):
      guard names.contains(text) else {
        throw ConfigurationError("\(name) must be one of \(names.joined(separator: ", ")), not '\(text)'.")
      }
    case .duration: guard parseDuration(text) != nil else { throw ConfigurationError("\(name) must be a duration such as 90s, not '\(text)'.") }
    case .list: break
    }
  }

  var text: String { texts.first ?? "" }
  /// Only for settings of that kind, as the initialiser has seen to it.
  var number: Int { Int(text) ?? 0 }
  var isOn: Bool { Self.toggle(text) ?? false }
  var duration: Duration { parseDuration(text) ?? .zero }

  private static func toggle(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }
}

struct ConfigurationError: Error, CustomStringConvertible, Equatable {
  var description: String
  init(_ description: String) { self.description = description }
}
