import ArgumentParser
import Base

/// Shows which way events went.
struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Show which way an event went, what became of it and why.",
    discussion: "An event is known by its trace: the id in X-Amzn-Trace-Id, AWSTraceHeader or _X_AMZN_TRACE_ID.",
    subcommands: [Show.self, List.self], defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a trace as a tree.")
    @Argument(help: "A trace id, or 'last' for the trace that began last.") var trace = "last"
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var server: ServerOption

    func run() async throws { try server.printPage("/_dewpoint/trace/\(percentEncoded(trace))", [], json: json) }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the traces that began last.")
    @Option(help: "Only those with a step from or to something whose name contains this.") var resource: String?
    @Option(
      help: "Only those with a step that ended so: accepted, delivered, retried, failed, filtered, denied, deadLettered, dropped.")
    var outcome: String?
    @Option(help: "Only those of this account.") var account: String?
    @Option(help: "At most this many, up to 200.") var limit = 20
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var server: ServerOption

    func run() async throws {
      try server.printPage(
        "/_dewpoint/trace", [("resource", resource), ("outcome", outcome), ("account", account), ("limit", String(limit))], json: json)
    }
  }
}

extension ServerOption {
  /// Prints a page as the server words it.
  fileprivate func printPage(_ path: String, _ parameters: [(name: String, value: String?)], json: Bool) throws {
    let query = (parameters + [("format", json ? "json" : "text")]).compactMap { name, value in
      value.map { "\(name)=\(percentEncoded($0))" }
    }
    let (status, answer) = try LocalHTTP.send("GET", address, "\(path)?\(query.joined(separator: "&"))", [])
    guard status == 200 else { throw ValidationError(LocalHTTP.message(answer) ?? "The server answered \(status).") }
    print(answer.utf8Text, terminator: "")
  }
}
