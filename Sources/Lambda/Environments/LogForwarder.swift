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
  private struct State {
    var parcels: [Parcel] = []
    var isFinished = false
    /// Parcels ever taken in, and those of them that have been handed on.
    var taken = 0
    var handedOn = 0
    var drains: [(goal: Int, done: CheckedContinuation<Void, Never>)] = []
  }
  /// Parcels that wait. What comes above it is dropped: a function must not fill the memory by printing.
  private static let limit = 20_000
  /// Between two turns, so that a busy function does not wake a thread for each invocation.
  private static let pause = Duration.milliseconds(2)
  /// Sessions that are kept; asking for one anew costs some microseconds.
  private static let maximumSessions = 256

  private let logs: any LogPort
  private let roles: any RolePort
  private let clock: any AmbientClock
  private let logger: Logger
  private let state = Mutex(State())
  private let work = Nudge()
  private let sessions = Mutex<[FunctionID: (role: ARN, session: RoleSession)]>([:])

  init(logs: any LogPort, roles: any RolePort, clock: any AmbientClock, logger: Logger) {
    (self.logs, self.roles, self.clock, self.logger) = (logs, roles, clock, logger)
  }

  func forward(_ lines: [LogLine], of environment: Environment) {
    let parcel = Parcel(lines: lines, function: environment.function, stream: environment.logStream)
    let isIn = state.withLock { state -> (taken: Bool, first: Bool) in
      guard state.parcels.count < Self.limit else { return (false, false) }
      state.parcels.append(parcel)
      state.taken += 1
      return (true, state.parcels.count == 1)
    }
    if isIn.first { work.nudge() }
    if !isIn.taken {
      logger.warning("log lines of a function were dropped", metadata: ["function": "\(environment.function.id.arn)"])
    }
  }

  /// Writes until `finish`, then what is left.
  func run() async {
    while true {
      await work.wait()
      let (parcels, isFinished) = state.withLock { state in
        defer { state.parcels = [] }
        return (state.parcels, state.isFinished)
      }
      for parcel in Self.joined(parcels) { await write(parcel) }
      let drained = state.withLock { state in
        state.handedOn += parcels.count
        let at = state.drains.partition { $0.goal <= state.handedOn }
        defer { state.drains.removeSubrange(at...) }
        return state.drains[at...].map(\.done)
      }
      for done in drained { done.resume() }
      if isFinished { return }
      try? await clock.sleepReal(for: Self.pause)
    }
  }

  /// One parcel for each stream, lines in their order.
  private static func joined(_ parcels: [Parcel]) -> [Parcel] {
    var places: [String: Int] = [:]
    var joined: [Parcel] = []
    for parcel in parcels {
      if let place = places[parcel.stream], joined[place].function.id == parcel.function.id {
        joined[place].lines += parcel.lines
      } else {
        places[parcel.stream] = joined.count
        joined.append(parcel)
      }
    }
    return joined
  }

  private func write(_ parcel: Parcel) async {
    do {
      try await logs.write(
        parcel.lines, group: parcel.function.logGroup, stream: parcel.stream, as: try await caller(for: parcel.function))
    } catch {
      logger.warning(
        "log lines of a function could not be written",
        metadata: ["function": "\(parcel.function.id.arn)", "error": "\(error)"])
    }
  }

  func finish() {
    state.withLock { $0.isFinished = true }
    work.nudge()
  }

  /// Returns when the lines that were forwarded before have been handed on.
  func drain() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.handedOn < state.taken, !state.isFinished else { return true }
        state.drains.append((state.taken, continuation))
        return false
      }
      if isOver { continuation.resume() }
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
      sessions.withLock { sessions in
        if sessions.count >= Self.maximumSessions { sessions.removeAll(keepingCapacity: true) }
        sessions[function.id] = (function.role, session)
      }
    }
    return Caller(
      principal: .role(session), account: function.id.account, region: function.id.region,
      trace: TraceContext(root: "1-00000000-000000000000000000000000"))
  }
}
