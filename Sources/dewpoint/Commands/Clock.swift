import ArgumentParser
import Base

/// Shows and moves the clock of a running server.
struct Clock: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show or move the server's clock.",
    discussion: "Visibility time-outs, delays, retries, retention and expiry follow it; function code keeps real time.",
    subcommands: [Show.self, Freeze.self, Advance.self, Resume.self, Reset.self], defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the clock.")
    @OptionGroup var server: ServerOption
    func run() async throws { try server.printClock("GET") }
  }
  struct Freeze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop the clock where it is.")
    @OptionGroup var server: ServerOption
    func run() async throws { try server.printClock("POST", ["freeze": true]) }
  }
  struct Advance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Move the clock forward, for example by 6h or 1d12h.")
    @Argument(help: "How far, such as 500ms, 90s, 5m, 6h, 2d.") var duration: String
    @OptionGroup var server: ServerOption
    func run() async throws { try server.printClock("POST", ["advance": .string(duration)]) }
  }
  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let the clock run on from where it is.")
    @OptionGroup var server: ServerOption
    func run() async throws { try server.printClock("POST", ["resume": true]) }
  }
  struct Reset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Go back to the real time.")
    @OptionGroup var server: ServerOption
    func run() async throws { try server.printClock("POST", ["reset": true]) }
  }
}

/// Which server a command talks to.
struct ServerOption: ParsableArguments {
  @Option(help: "The server's address (default: DEWPOINT_ENDPOINT, AWS_ENDPOINT_URL or http://127.0.0.1:4566).")
  var endpoint: String?

  var address: String {
    endpoint ?? environment("DEWPOINT_ENDPOINT") ?? environment("AWS_ENDPOINT_URL") ?? "http://127.0.0.1:4566"
  }

  func printClock(_ method: String, _ body: JSON? = nil) throws {
    let (status, answer) = try LocalHTTP.send(method, address, "/_dewpoint/clock", body?.bytes ?? [])
    guard status == 200, let json = try? JSON.parse(answer) else {
      throw ValidationError(LocalHTTP.message(answer) ?? "The server answered \(status).")
    }
    print("\(json["now"]?.string ?? "?")  \(json["mode"]?.string ?? "?")  \(offset(json["offsetSeconds"]?.double ?? 0)) from real time")
  }

  private func offset(_ seconds: Double) -> String {
    let whole = Int(abs(seconds))
    let text = whole >= 3600 ? "\(whole / 3600)h\(padded(whole / 60 % 60, 2))m\(padded(whole % 60, 2))s" : "\(whole / 60)m\(padded(whole % 60, 2))s"
    return (seconds < -0.5 ? "-" : "+") + text
  }
}
