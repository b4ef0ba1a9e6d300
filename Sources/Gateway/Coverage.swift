import Base
import Fabric

/// The page that says what is implemented, made from the operation tables so that it cannot say more than is true.
public enum Coverage {
  /// The text of docs/COVERAGE.md: a table of all services, then each one's operations. The same APIs give the same text.
  public static func markdown(_ apis: [ServiceAPI]) -> String {
    let apis = apis.sorted { $0.model.name < $1.model.name }
    var text = """
      # Coverage

      Made by `make coverage` from the operation tables; do not edit. An operation that is known and not implemented answers
      with status 501 and its name.

      | service | API version | implemented | known |
      |---|---|---:|---:|

      """
    for api in apis {
      text += "| [\(api.model.name)](#\(api.model.name)) | \(api.model.apiVersion) | \(api.operations.count) | "
      text += "\(api.model.operations.count) |\n"
    }
    for api in apis { text += section(api) }
    return text
  }

  private static func section(_ api: ServiceAPI) -> String {
    let missing = api.model.operations.keys.filter { api.operations[$0] == nil }
    var text = "\n## \(api.model.name)\n\n"
    text += api.operations.isEmpty ? "Nothing is implemented.\n" : "Implemented: \(list(api.operations.keys)).\n"
    if !missing.isEmpty {
      text += "\n<details><summary>Not implemented: \(missing.count)</summary>\n\n\(list(missing))\n\n</details>\n"
    }
    return text
  }

  private static func list(_ names: some Sequence<String>) -> String { names.sorted().map { "`\($0)`" }.joined(separator: ", ") }
}
