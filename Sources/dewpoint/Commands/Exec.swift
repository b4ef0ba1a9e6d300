import ArgumentParser
import Base

/// Lets a program on this machine be a function: it gets the events that the function would get.
struct Exec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a program on this machine as a function, with its real events.",
    usage: "dewpoint exec --function <name[:qualifier]> [--no-timeout] -- <command> ...",
    discussion: """
      The program speaks the Runtime API: `swift run`, `cargo run`, `python -m awslambdaric app.handler`, a debugger with one of \
      them. It has the variables and the role of the function. Until it ends it gets every invocation of that version, one after \
      the other, from all triggers; then the function goes back to its sandboxes. While the program is stopped or traced by a \
      debugger, its time-out stands still.
      """)

  @Option(help: ArgumentHelp("The function, perhaps with a version or alias.", valueName: "name")) var function: String
  @Flag(name: .customLong("no-timeout"), help: "Let an invocation take as long as it likes.") var noTimeout = false
  @Option(help: "The account (default: AWS_ACCESS_KEY_ID if it is one, else 000000000000).") var account: String?
  @Option(help: "The Region (default: AWS_REGION, AWS_DEFAULT_REGION or us-east-1).") var region: String?
  @OptionGroup var server: ServerOption
  @Argument(parsing: .postTerminator, help: .hidden) var command: [String] = []

  func run() async throws {
    guard !command.isEmpty else { throw ValidationError("Say what to run: dewpoint exec --function \(function) -- COMMAND ...") }
    let session = try ExecSession(
      server: server.address,
      path: "/_dewpoint/lambda/attach?function=\(percentEncoded(function))&account=\(percentEncoded(caller.account))"
        + "&region=\(percentEncoded(caller.region))&endpoint=\(percentEncoded(server.address))\(noTimeout ? "&timeout=none" : "")",
      command: command)
    let status = session.run()
    if status != 0 { throw ExitCode(status) }
  }

  private var caller: CallerOption { CallerOption(account: account, region: region) }
}

/// In which account and Region a command works.
struct CallerOption {
  var account: String
  var region: String

  init(account: String?, region: String?) {
    let key = environment("AWS_ACCESS_KEY_ID").flatMap { AccountID($0)?.text }
    self.account = account ?? key ?? AccountID.local.text
    self.region = region ?? environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION") ?? Region.usEast1.text
  }
}
