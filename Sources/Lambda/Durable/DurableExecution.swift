import Base
import Fabric

/// What makes a function durable. Only its creation can; later changes move the figures.
struct DurableSettings: Sendable, Equatable {
  /// Seconds that an execution may take as a whole.
  var executionTimeout: Int
  /// Days for which an execution is kept after its end.
  var retentionDays: Int
}

/// Names one execution of a durable function.
struct DurableExecutionID: Hashable, Sendable {
  var function: FunctionID
  /// `$LATEST` or a number; every invocation of the execution runs it.
  var version: String
  /// As the caller chose it, or made up. A function has one execution of a name.
  var name: String
  var id: String

  var functionARN: String { "\(function.arn):\(version)" }
  var arn: String { "\(functionARN)/durable-execution/\(name)/\(id)" }

  init(function: FunctionID, version: String, name: String, id: String) {
    (self.function, self.version, self.name, self.id) = (function, version, name, id)
  }

  /// Nil for what is no ARN of an execution.
  init?(arn text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[1] == "durable-execution", !parts[2].isEmpty, !parts[3].isEmpty else { return nil }
    let arn = parts[0].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard arn.count == 8, arn[0] == "arn", arn[2] == "lambda", arn[5] == "function", let region = Region(arn[3]),
      let account = AccountID(arn[4]), FunctionName.isName(arn[6]), !arn[7].isEmpty
    else { return nil }
    self.init(
      function: FunctionID(account: account, region: region, name: arn[6]), version: arn[7], name: parts[2], id: parts[3])
  }
}

/// An error as durable functions report it.
struct DurableError: Sendable, Equatable {
  var message: String?
  var type: String?
  var data: String?
  var stackTrace: [String]?

  init(_ message: String? = nil, type: String? = nil, data: String? = nil, stackTrace: [String]? = nil) {
    (self.message, self.type, self.data, self.stackTrace) = (message, type, data, stackTrace)
  }

  /// Of its JSON.
  var size: Int { json.bytes.count }

  var json: JSON {
    var members: [(String, JSON)] = []
    if let message { members.append(("ErrorMessage", .string(message))) }
    if let type { members.append(("ErrorType", .string(type))) }
    if let data { members.append(("ErrorData", .string(data))) }
    if let stackTrace { members.append(("StackTrace", .array(stackTrace.map { .string($0) }))) }
    return .object(JSONObject(members))
  }
}

/// A durable execution without its operations and its history.
struct DurableExecution: Sendable, Equatable {
  enum Status: String, Sendable {
    case running = "RUNNING"
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    case timedOut = "TIMED_OUT"
    case stopped = "STOPPED"
  }

  /// How it was started, and so who is told of its end.
  enum Origin: Sendable, Equatable {
    /// Somebody may wait for the end.
    case synchronous
    /// Dead-letter queue and destinations are told.
    case asynchronous(requestID: String, qualifier: String?)
    /// An operation of another execution waits for the end.
    case chained(by: DurableExecutionID, operation: String)
  }

  /// What goes on for the execution outside the store.
  enum Lane: Sendable, Equatable {
    /// It waits for its operations. What may follow: due.
    case idle
    /// The function is to be invoked. What may follow: running; over or reportDue when the execution ends first.
    case due(Instant)
    /// The function runs. What may follow: idle, due, and after the end of the execution over and reportDue.
    case running(DurableInvocation)
    /// It has ended, and that is to be told. What may follow: reporting.
    case reportDue(Instant)
    /// What may follow: over; reportDue when the server went down meanwhile.
    case reporting
    /// Nothing more happens until it is forgotten.
    case over
  }

  /// The last checkpoint that was taken, for a client that did not get its answer.
  struct Checkpoint: Sendable, Equatable {
    var token: String
    var clientToken: String
    var operations: [String]
    var time: Instant
  }

  let id: DurableExecutionID
  let origin: Origin
  let started: Instant
  let settings: DurableSettings
  let trace: TraceContext

  var status = Status.running
  var ended: Instant?
  var lane: Lane
  /// The next checkpoint must bring it; nil while no invocation runs.
  var token: String?
  var lastCheckpoint: Checkpoint?
  /// Invocations that failed in a row, that could not be run in a row, and that waited for nothing in a row.
  var failures = 0
  var refusals = 0
  var emptyAnswers = 0
  /// Operations that changed since the function last heard of them, in the order of their changes.
  var unseen: [String] = []
  /// Operations that something outside the function will change.
  var pending = 0
  var operationCount = 0
  var eventCount = 0
  var storedBytes = 0
  /// The number of the event that holds the result or the error.
  var lastEvent: Int?

  var isSynchronous: Bool { origin == .synchronous }
  var resultLimit: Int { isSynchronous ? DurableLimits.synchronousPayload : DurableLimits.asynchronousPayload }
  var deadline: Instant { started + .seconds(settings.executionTimeout) }
  /// When it is forgotten; nil while it runs.
  var retainedUntil: Instant? { ended.map { $0 + .days(settings.retentionDays) } }

  /// When something is to be done for the execution itself; operations have their own times.
  var due: Instant? {
    let work: Instant? =
      switch lane {
      case .due(let time), .reportDue(let time): time
      case .idle, .running, .reporting, .over: nil
      }
    let end = status == .running ? deadline : lane == .over ? retainedUntil : nil
    return [work, end].compactMap { $0 }.min()
  }
}

/// One invocation of the function for an execution.
struct DurableInvocation: Sendable, Equatable {
  var id: String
  var since: Instant
  /// Operations that changed since the invocation before.
  var updated: [String]
}

/// How an execution ended.
struct DurableOutcome: Sendable, Equatable {
  var status: DurableExecution.Status
  var result: String?
  var error: DurableError?
}
