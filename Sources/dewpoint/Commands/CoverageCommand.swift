import ArgumentParser
import Base
import Gateway
import HTTPClient
import Logging

/// Prints docs/COVERAGE.md, made from the operation tables of this very binary.
struct CoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Print which operations are implemented, as Markdown.")

  func run() async throws {
    let directory = try DataDirectory(nil)
    defer { directory.removeIfTemporary() }
    let clock = AdjustableClock()
    let client = try PooledHTTPClient(clock: clock)
    let world = World(
      try OpenState(directory.current(), inMemory: true),
      in: .init(
        settings: ServerSettings(), clock: clock, ambient: Ambient(clock: clock, random: SystemRandom()), originGuard: OriginGuard(),
        metrics: RequestMetrics(), client: NoEndpoints(), logger: .silent))
    print(Coverage.markdown(world.modules.flatMap(\.apis)), terminator: "")
    await world.close()
    await client.close()
  }
}

/// Nobody is called for a list of operations.
private struct NoEndpoints: HTTPSender {
  func send(_ request: OutgoingRequest) async throws -> IncomingAnswer { throw OutgoingFailure.cannotConnect("there is no network here") }
}
