import Base

/// One operation of a durable execution as its last checkpoint, or what it waited for, left it.
struct DurableOperation: Sendable, Equatable {
  enum Kind: String, Sendable {
    case execution = "EXECUTION"
    case context = "CONTEXT"
    case step = "STEP"
    case wait = "WAIT"
    case callback = "CALLBACK"
    case chainedInvoke = "CHAINED_INVOKE"
  }

  enum Status: String, Sendable {
    case started = "STARTED"
    /// A step waits for its next attempt.
    case pending = "PENDING"
    /// The time of the next attempt has come.
    case ready = "READY"
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    case cancelled = "CANCELLED"
    case timedOut = "TIMED_OUT"
    case stopped = "STOPPED"

    var isFinal: Bool {
      switch self {
      case .started, .pending, .ready: false
      case .succeeded, .failed, .cancelled, .timedOut, .stopped: true
      }
    }
  }

  enum Details: Sendable, Equatable {
    /// - replaysChildren: its children are shown although it has ended.
    case context(replaysChildren: Bool?)
    /// - attempt: how many ended so far.
    case step(attempt: Int, next: Instant?)
    case wait(seconds: Int, end: Instant)
    case callback(Callback)
    case chainedInvoke(Chain)
  }

  struct Callback: Sendable, Equatable {
    /// What others answer with; nobody can guess it.
    var id: String
    /// Seconds.
    var heartbeat: Int?
    var deadline: Instant?
    var heartbeatDeadline: Instant?
  }

  /// The invocation of another function.
  struct Chain: Sendable, Equatable {
    enum State: Sendable, Equatable {
      /// A durable execution of its own, which tells of its end.
      case child
      /// What may follow: running, over.
      case due(Instant)
      /// What may follow: over; due when it was throttled or the server went down meanwhile.
      case running
      case over
    }
    var function: String
    var input: String?
    var state: State
    var refusals = 0
  }

  var id: String
  var parent: String?
  var name: String?
  var subType: String?
  /// Operations are shown in the order in which they were started.
  var sequence: Int
  var status = Status.started
  var started: Instant
  var ended: Instant?
  var details: Details
  var result: String?
  var error: DurableError?

  var kind: Kind {
    switch details {
    case .context: .context
    case .step: .step
    case .wait: .wait
    case .callback: .callback
    case .chainedInvoke: .chainedInvoke
    }
  }

  /// When time alone changes it; nil when it does not.
  var due: Instant? {
    switch (details, status) {
    case (.wait(_, let end), .started): end
    case (.step(_, let next), .pending): next
    case (.callback(let callback), .started): [callback.deadline, callback.heartbeatDeadline].compactMap { $0 }.min()
    case (.chainedInvoke(let chain), .started): if case .due(let time) = chain.state { time } else { nil }
    default: nil
    }
  }

  /// Something outside the function will change it.
  var isPending: Bool {
    switch (details, status) {
    case (.wait, .started), (.callback, .started), (.chainedInvoke, .started), (.step, .pending): true
    default: false
    }
  }

  /// Of what the function gave it to keep.
  var size: Int { (result?.utf8.count ?? 0) + (error?.size ?? 0) }

  /// Its children need not be replayed, so they are not shown.
  var hidesChildren: Bool {
    guard case .context(let replays) = details else { return false }
    return status.isFinal && replays != true
  }
}

/// One change that a checkpoint asks for.
struct DurableUpdate: Sendable, Equatable {
  enum Action: String, Sendable {
    case start = "START"
    case succeed = "SUCCEED"
    case fail = "FAIL"
    case retry = "RETRY"
    case cancel = "CANCEL"
  }

  var id: String
  var kind: DurableOperation.Kind
  var action: Action
  var parent: String?
  var name: String?
  var subType: String?
  var payload: String?
  var error: DurableError?
  /// Seconds, 1 to a year.
  var nextAttemptDelay: Int?
  var waitSeconds: Int?
  var replaysChildren: Bool?
  /// Seconds; zero and nil mean none.
  var timeout: Int?
  var heartbeat: Int?
  /// Where a chained invocation leads, found out before the checkpoint.
  var target: DurableTarget?
}

/// What a chained invocation would run.
struct DurableTarget: Sendable, Equatable {
  enum Answer: Sendable, Equatable {
    /// One invocation of an ordinary function.
    case plain(version: String)
    /// An execution of its own.
    case durable(version: String, DurableSettings)
    /// It cannot be invoked; the operation fails at once.
    case refused(DurableError)
  }
  /// As the function named it.
  var text: String
  var tenant: String?
  /// Nil for a text that is no name of a function.
  var function: FunctionID?
  var answer: Answer
}

extension DurableOperation {
  /// Whether a step was tried once more since.
  func isLaterAttempt(than before: DurableOperation?) -> Bool {
    guard case .step(let attempt, _) = details, case .step(let earlier, _)? = before?.details else { return false }
    return attempt > earlier
  }
}
