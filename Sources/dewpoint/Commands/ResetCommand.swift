import ArgumentParser
import Base

/// Empties the state of a running server.
struct ResetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Empty the state of a running server, or one account of it.",
    discussion: "Running functions end. With the whole state the clock goes back to real time, too, unless --keep-clock is given.")

  @Option(help: "Only this account; the clock stays.") var account: String?
  @Flag(help: "Leave the clock as it is.") var keepClock = false
  @OptionGroup var server: ServerOption

  func run() async throws {
    let query = account.map { "?account=\($0)" } ?? (keepClock ? "?clock=keep" : "")
    let (status, answer) = try LocalHTTP.send("POST", server.address, "/_dewpoint/reset\(query)", [])
    guard status == 200 else { throw ValidationError(LocalHTTP.message(answer) ?? "The server answered \(status).") }
    print("reset")
  }
}
