import Base

/// The settings of a command line: `--name value`, `--name=value`, and toggles as `--name` or `--no-name`.
enum ConfigurationFlags {
  /// The name of a setting as its flag has it.
  static func name(_ setting: String) -> String { Settings.all.first { $0.name == setting }?.flag ?? setting }

  /// Each setting once, in the order of its first flag. Throws `ConfigurationError`.
  static func read(_ arguments: [String]) throws -> [(name: String, texts: [String])] {
    var found: [(name: String, texts: [String])] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else { throw ConfigurationError("'\(argument)' is not expected here.") }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (setting, text) = try value(parts[0], parts.count > 1 ? parts[1] : nil, &rest)
      if let index = found.firstIndex(where: { $0.name == setting.name }) {
        guard setting.isList else { throw ConfigurationError("--\(setting.flag) is given twice.") }
        found[index].texts.append(text)
      } else {
        found.append((setting.name, [text]))
      }
    }
    return found
  }

  private static func value(
    _ name: String, _ text: String?, _ rest: inout ArraySlice<String>
  ) throws -> (setting: Setting, text: String) {
    if let setting = Settings.all.first(where: { $0.flag == name }) {
      if setting.isToggle { return (setting, text ?? "true") }
      guard let text = text ?? rest.popFirst() else { throw ConfigurationError("--\(name) needs a value: \(setting.form).") }
      return (setting, text)
    }
    if text == nil, name.hasPrefix("no-"), let setting = Settings.all.first(where: { $0.flag == name.dropFirst(3) && $0.isToggle }) {
      return (setting, "false")
    }
    throw ConfigurationError.unknown("--\(name)", "--" + name, among: Settings.all.map { "--" + $0.flag })
  }

  /// What `--help` shows of them.
  static var help: String {
    Settings.all.map { setting in
      let value = setting.isToggle ? "" : " <\(setting.isList ? "each" : "value")>"
      let standard = setting.standard.flatMap { $0.isEmpty ? nil : " (default: \($0))" } ?? ""
      return "  --\(setting.flag)\(value)\n      \(setting.help)\(standard)"
    }.joined(separator: "\n")
  }
}
