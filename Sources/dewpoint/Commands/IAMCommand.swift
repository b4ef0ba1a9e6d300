import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Works on the identities of a running server.
struct IAMCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "iam", abstract: "Look into the permissions of roles and users.", subcommands: [Generate.self])

  struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the least policy that covers what a role has really done.",
      discussion: """
        Standard output is the policy and nothing else; what was refused, and what the present policies allow beyond the use, \
        goes to standard error.
        """)
    @Argument(help: "The role's name, or the user's with --user.") var name: String
    @Flag(help: "The name is a user's.") var user = false
    @Option(help: "The account.") var account = "000000000000"
    @Flag(help: "Print the whole report as JSON.") var json = false
    @OptionGroup var server: ServerOption

    func run() async throws {
      let report = try server.page(
        "/_dewpoint/iam/generate?\(user ? "user" : "role")=\(percentEncoded(name))&account=\(percentEncoded(account))")
      if json { return print(Layout.text(report)) }
      print(Layout.text(report["policy"] ?? .null))
      if report["isComplete"]?.bool == false { note("There were more actions than are recorded: the policy is not complete.") }
      let refused = report["refused"]?.array ?? []
      if !refused.isEmpty { note("Refused, and so not in the policy:\n" + Layout.text(.array(refused))) }
      let beyond = report["beyond"]?.array ?? []
      if !beyond.isEmpty { note("Allowed by the present policies beyond what was used:\n" + Layout.text(.array(beyond))) }
    }

    private func note(_ text: String) {
      let bytes = Array((text + "\n").utf8)
      _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
  }
}

/// JSON with a line for each member, for people.
private enum Layout {
  static func text(_ json: JSON, _ indent: String = "") -> String {
    let inner = indent + "  "
    switch json {
    case .object(let object) where !object.isEmpty:
      let members = object.map { "\(inner)\(JSON.string($0.name).text): \(text($0.value, inner))" }
      return "{\n\(members.joined(separator: ",\n"))\n\(indent)}"
    case .array(let list) where list.count > 1 || list.contains { $0.object != nil }:
      return "[\n\(list.map { inner + text($0, inner) }.joined(separator: ",\n"))\n\(indent)]"
    case .object, .array, .string, .bool, .int, .double, .number, .null: return json.text
    }
  }
}
