import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Shows the calls that a running server refused.
struct Denials: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the last refused calls, which policy refused them and the statement that was missing.",
    discussion: "The server keeps the last 1,000 in memory.")
  @Flag(name: .shortAndLong, help: "Go on and show each further denial as it happens.") var follow = false
  @Option(help: "Only those of this account.") var account: String?
  @Option(help: "At most this many to begin with.") var limit = 50
  @Flag(help: "Print JSON, one denial on a line.") var json = false
  @OptionGroup var server: ServerOption

  func run() async throws {
    var last = try show(after: 0, limit: limit)
    while follow {
      // Real time: this process has no clock of its own that a test could move.
      try await Task.sleep(for: .milliseconds(500))
      last = try show(after: last, limit: 1_000)
    }
  }

  /// The number of the last denial there is.
  private func show(after: Int64, limit: Int) throws -> Int64 {
    let account = account.map { "&account=\(percentEncoded($0))" } ?? ""
    var page = try server.page("/_dewpoint/denials?after=\(after)&limit=\(limit)\(account)")
    // A server that was started anew counts from the beginning.
    if let last = page["last"]?.int, last < after { page = try server.page("/_dewpoint/denials?limit=\(limit)\(account)") }
    for denial in page["denials"]?.array ?? [] { print(json ? denial.text : Self.lines(denial)) }
    // Whoever follows through a pipe wants each line when it comes.
    fflush(nil)
    return page["last"]?.int ?? after
  }

  private static func lines(_ denial: JSON) -> String {
    func field(_ name: String) -> String { denial[name]?.string ?? "?" }
    let missing = denial["missingStatement"].flatMap { $0.isNull ? nil : "\n    missing: \($0.text)" } ?? ""
    return "\(field("time"))  \(field("account"))  \(field("principal"))\n"
      + "    \(field("action")) on \(field("resource")): \(field("reason"))\(missing)"
  }
}

extension ServerOption {
  /// The JSON of a page of the server.
  func page(_ path: String) throws -> JSON {
    let address = endpoint ?? environment("DEWPOINT_ENDPOINT") ?? environment("AWS_ENDPOINT_URL") ?? "http://127.0.0.1:4566"
    let (status, answer) = try LocalHTTP.send("GET", address, path, [])
    guard let json = try? JSON.parse(answer) else { throw ValidationError("The server answered \(status).") }
    guard status == 200 else { throw ValidationError(json["message"]?.string ?? "The server answered \(status).") }
    return json
  }
}
