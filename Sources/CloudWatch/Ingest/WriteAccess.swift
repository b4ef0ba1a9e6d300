import Base
import Fabric
import Logging
import Store
import Synchronization

/// What a caller may do at a target.
struct WritePermission: Sendable, Equatable {
  var mayPut: Bool
  var mayCreateStream: Bool
  var mayCreateGroup: Bool
}

/// Asks IAM about writers of logs and remembers the answers for a minute of real time.
final class WriteAccess: Sendable {
  private struct Question: Hashable {
    var principal: Principal
    var target: LogTarget
  }
  private struct State {
    var answers: [Question: (permission: WritePermission, until: Duration)] = [:]
    /// Principal and group of whom it was said that lines are dropped.
    var told: Set<String> = []
  }
  private let state = Mutex(State())
  private let store: any Store
  private let authoriser: any Authoriser
  private let ambient: Ambient
  private let logger: Logger?

  init(store: any Store, authoriser: any Authoriser, ambient: Ambient, logger: Logger?) {
    (self.store, self.authoriser, self.ambient, self.logger) = (store, authoriser, ambient, logger)
  }

  func permission(for target: LogTarget, as caller: Caller) async throws -> WritePermission {
    let question = Question(principal: caller.principal, target: target)
    let time = ambient.clock.monotonic()
    if let known = state.withLock({ $0.answers[question] }), known.until > time { return known.permission }
    let streamARN = target.scope.arn(group: target.group, stream: target.stream)
    let tags = try await store.read { r in try r.logGroup(target.scope, target.group)?.tags } ?? [:]
    let permission = WritePermission(
      mayPut: try await may("PutLogEvents", streamARN, tags, caller),
      mayCreateStream: try await may("CreateLogStream", streamARN, tags, caller),
      mayCreateGroup: try await may("CreateLogGroup", target.scope.accessARN(group: target.group), tags, caller))
    let mustTell = state.withLock { state in
      if state.answers.count >= LogsLimits.accessEntries { state.answers = state.answers.filter { $0.value.until > time } }
      if state.answers.count >= LogsLimits.accessEntries { state.answers = [:] }
      state.answers[question] = (permission, time + LogsLimits.accessMemory)
      guard !permission.mayPut else { return false }
      if state.told.count >= LogsLimits.accessEntries { state.told = [] }
      return state.told.insert("\(caller.principal.arn) \(target.scope.arn(group: target.group))").inserted
    }
    if mustTell {
      logger?.warning(
        "log lines dropped: the caller may not write them",
        metadata: ["principal": "\(caller.principal.arn)", "action": "logs:PutLogEvents", "resource": "\(streamARN)"])
    }
    return permission
  }

  private func may(_ action: String, _ resource: String, _ tags: [String: String], _ caller: Caller) async throws -> Bool {
    do {
      try await authoriser.authorise(
        Access("logs:\(action)", on: resource, owner: caller.account).having(tags), as: caller, now: ambient.now)
      return true
    } catch let error as AWSError where error.code.hasPrefix("AccessDenied") {
      return false
    }
  }
}
