import Base
import Fabric
import Logging
import Synchronization

/// Hands the lines of environments to CloudWatch Logs in their order, without making an invocation wait for it.
///
/// Lines are written as the function's role, so a role without permission writes none, as on AWS.
final class LogForwarder: Sendable {
  private struct Parcel {
    var lines: [LogLine]
    var function: FunctionVersion
    var stream: String
  }
  /// Parcels that wait. What comes above it is dropped: a function must not fill the memory by printing.
  private static let limit = 20_000

  private let logs: any LogPort
  private let roles: any RolePort
  private let logger: Logger
  private enum Item {
    case parcel(Parcel)
    /// Everything before has been handed on.
    case mark(CheckedContinuation<Void, Never>)
  }
  private let items: AsyncStream<Item>
  private let sink: AsyncStream<Item>.Continuation
  /// Of the parcels that wait.
  private let waiting = Atomic(0)
  private let sessions = Mutex<[FunctionID: (role: ARN, session: RoleSession)]>([:])

  init(logs: any LogPort, roles: any RolePort, logger: Logger) {
    (self.logs, self.roles, self.logger) = (logs, roles, logger)
    (items, sink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // bounded by `limit`
  }

  func forward(_ lines: [LogLine], of environment: Environment) {
    let parcel = Parcel(lines: lines, function: environment.function, stream: environment.logStream)
    if waiting.add(1, ordering: .relaxed).newValue <= Self.limit {
      sink.yield(.parcel(parcel))
    } else {
      waiting.subtract(1, ordering: .relaxed)
      logger.warning("log lines of a function were dropped", metadata: ["function": "\(environment.function.id.arn)"])
    }
  }

  /// Writes until `finish`, then what is left.
  func run() async {
    for await item in items {
      guard case .parcel(let parcel) = item else {
        if case .mark(let continuation) = item { continuation.resume() }
        continue
      }
      waiting.subtract(1, ordering: .relaxed)
      do {
        try await logs.write(
          parcel.lines, group: parcel.function.logGroup, stream: parcel.stream, as: try await caller(for: parcel.function))
      } catch {
        logger.warning(
          "log lines of a function could not be written",
          metadata: ["function": "\(parcel.function.id.arn)", "error": "\(error)"])
      }
    }
  }

  func finish() { sink.finish() }

  /// Returns when the lines that were forwarded before have been handed on.
  func drain() async {
    await withCheckedContinuation { continuation in
      if case .terminated = sink.yield(.mark(continuation)) { continuation.resume() }
    }
  }

  /// Nobody of the account writes any more: a role of the same name is another one.
  func forget(_ account: AccountID) {
    sessions.withLock { $0 = $0.filter { $0.key.account != account } }
  }

  private func caller(for function: FunctionVersion) async throws -> Caller {
    let known = sessions.withLock { $0[function.id] }
    let session: RoleSession
    if let known, known.role == function.role {
      session = known.session
    } else {
      session = try await roles.session(
        role: function.role, sessionName: function.id.name, by: ServicePrincipal("lambda.amazonaws.com"))
      sessions.withLock { $0[function.id] = (function.role, session) }
    }
    return Caller(
      principal: .role(session), account: function.id.account, region: function.id.region,
      trace: TraceContext(root: "1-00000000-000000000000000000000000"))
  }
}
