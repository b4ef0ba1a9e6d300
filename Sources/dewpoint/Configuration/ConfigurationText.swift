import Base

/// The configuration as people read it.
enum ConfigurationText {
  /// One line for each setting: its value, and where that comes from.
  static func values(_ configuration: Configuration) -> String {
    let rows = configuration.choices.map { choice in
      ("\(choice.setting.name): \(value(choice))", choice.origin.text, block(choice))
    }
    let width = rows.map { $0.0.count }.max() ?? 0
    return rows.map { "\($0)\(String(repeating: " ", count: width - $0.count))  # \($1)\($2)" }.joined(separator: "\n")
  }

  /// A structure stands below its name.
  private static func block(_ choice: Configuration.Choice) -> String {
    guard case .structure = choice.setting.kind else { return "" }
    return choice.texts.joined().split(separator: "\n").map { "\n  \($0)" }.joined()
  }

  private static func value(_ choice: Configuration.Choice) -> String {
    if case .structure = choice.setting.kind { return "" }
    if choice.setting.isList { return "[" + choice.texts.map(quoted).joined(separator: ", ") + "]" }
    guard let text = choice.texts.first else { return "" }
    return choice.setting.isSecret ? "(set, not shown)" : quoted(text)
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"\"'#:,[]{}&*!|>%@`".utf8.contains($0) } && !text.isEmpty
    return isPlain ? text : "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }

  /// docs/CONFIGURATION.md.
  static var documentation: String {
    var text = """
      # Configuration

      Made by `make configuration` from the table of settings; do not edit.

      Every setting can stand in a file, in the environment and as a flag of `dewpoint up`. Flags win over the environment, the environment
      wins over the file. The file is YAML, one `name: value` for each setting: `--config FILE`, else `DEWPOINT_CONFIG`, else
      `~/.dewpoint/config.yaml` if it is there. A name that is not in this table is an error. `dewpoint config` takes the same flags as
      `dewpoint up` and shows what holds, and from where; secrets are not shown.

      Toggles are flags without a value, and `--no-NAME` turns one off. A flag of a list may be given several times.

      | file | environment | flag | value | default | |
      |---|---|---|---|---|---|

      """
    for setting in Settings.all {
      let standard = setting.standard.map { $0.isEmpty ? "empty" : "`\($0)`" } ?? ""
      text += "| `\(setting.name)` | `\(setting.variable)` | `--\(setting.flag)` | \(setting.form) | \(standard) | \(setting.help) |\n"
    }
    return text + """

      For example:

      ```yaml
      port: 4566
      data: /var/lib/dewpoint
      allow-hosts: [dewpoint.internal]
      stop-limit: 1m
      web-identity:
        - issuer: https://token.actions.githubusercontent.com
          jwks-file: /etc/dewpoint/github.json
          audiences: [sts.amazonaws.com]
      ```

      """
  }
}
