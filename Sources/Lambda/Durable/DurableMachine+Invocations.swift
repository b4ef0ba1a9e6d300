import Base

/// What follows from invocations of the function.
extension DurableMachine {
  mutating func startInvocation(at now: Instant) -> DurableInvocation {
    let invocation = DurableInvocation(id: secrets.uuid(), since: now, updated: execution.unseen)
    let token = secrets.token(execution.id)
    update {
      $0.lane = .running(invocation)
      $0.token = token
      $0.unseen = []
      $0.lastCheckpoint = nil
    }
    return invocation
  }

  /// Nothing happens when another invocation runs meanwhile.
  mutating func invocationEnded(_ id: String, _ end: DurableInvocationEnd, at now: Instant) {
    guard case .running(let invocation) = execution.lane, invocation.id == id else { return }
    switch end {
    case .answered(let body, let requestID):
      let answer = DurableReply(body)
      record(
        .invocationCompleted(start: invocation.since, end: now, requestID: requestID, answer.error), at: now)
      guard leaveInvocation(at: now) else { return }
      follow(answer, at: now)
    case .failed(let error, let requestID):
      record(.invocationCompleted(start: invocation.since, end: now, requestID: requestID, error), at: now)
      guard leaveInvocation(unheard: invocation.updated, at: now) else { return }
      update { $0.failures += 1 }
      guard execution.failures < DurableLimits.invocationAttempts else { return closeFailed(error, at: now) }
      setLane(.due(now + DurableLimits.retryDelay * (1 << (execution.failures - 1))))
    case .refused:
      guard leaveInvocation(unheard: invocation.updated, at: now) else { return }
      update { $0.refusals += 1 }
      setLane(.due(now + Self.refusalDelay(execution.refusals)))
    case .gone(let error):
      guard leaveInvocation(at: now) else { return }
      closeFailed(error, at: now)
    }
  }

  /// The server went down while it ran something for the execution.
  /// - Parameter operation: a chained invocation; nil for what runs for the execution itself.
  mutating func lost(_ operation: String?, at now: Instant) throws {
    if let operation { return try complete(chain: operation, with: .refused(after: .zero), at: now) }
    switch execution.lane {
    case .running(let invocation):
      guard leaveInvocation(unheard: invocation.updated, at: now) else { return }
      setLane(.due(now))
    case .reporting: setLane(.reportDue(now))
    case .idle, .due, .reportDue, .over: break
    }
  }

  mutating func reported() {
    if case .reporting = execution.lane { setLane(.over) }
  }

  private mutating func follow(_ reply: DurableReply, at now: Instant) {
    update { ($0.failures, $0.refusals) = (0, 0) }
    switch reply {
    case .invalid(let reason): closeFailed(Self.invalid(reason), at: now)
    case .failed(let error): closeFailed(error, at: now)
    case .succeeded(let result):
      guard result?.utf8.count ?? 0 <= execution.resultLimit else {
        return closeFailed(Self.invalid(Self.tooLarge("Execution output", execution.resultLimit)), at: now)
      }
      setLane(.idle)
      end(.succeeded, result: result, at: now)
    case .pending:
      if !execution.unseen.isEmpty {
        update { $0.emptyAnswers = 0 }
        setLane(.due(now))
      } else if execution.pending > 0 {
        update { $0.emptyAnswers = 0 }
        setLane(.idle)
      } else {
        update { $0.emptyAnswers += 1 }
        guard execution.emptyAnswers < DurableLimits.emptyAttempts else {
          return closeFailed(Self.invalid("Cannot return PENDING status with no pending operations."), at: now)
        }
        setLane(.due(now + DurableLimits.retryDelay))
      }
    }
  }

  private mutating func closeFailed(_ error: DurableError?, at now: Instant) {
    setLane(.idle)
    end(.failed, error: error, at: now)
  }

  private static func invalid(_ text: String) -> DurableError { DurableError(text, type: "InvalidParameterValueException") }
  static func tooLarge(_ what: String, _ limit: Int) -> String {
    "\(what) payload size must be less than or equal to \(limit) bytes."
  }
}

/// How an invocation of a durable function ended.
enum DurableInvocationEnd: Sendable, Equatable {
  case answered([UInt8], requestID: String)
  /// The function failed instead of answering.
  case failed(DurableError, requestID: String)
  /// It could not be run now: throttled, or our own failure.
  case refused
  /// There is no such function or version any more.
  case gone(DurableError)
}

/// What a durable function answers to an invocation: `{"Status":…,"Result":…,"Error":…}`.
enum DurableReply: Sendable, Equatable {
  case succeeded(result: String?)
  case failed(DurableError?)
  /// It waits for operations.
  case pending
  case invalid(String)

  init(_ body: [UInt8]) {
    guard let json = try? JSON.parse(body), let object = json.object, let status = object["Status"]?.string else {
      self = .invalid("Invalid Status in invocation output.")
      return
    }
    let result = object["Result"]?.string
    let error = object["Error"].flatMap { DurableError($0) }
    switch status {
    case "SUCCEEDED":
      self = error == nil ? .succeeded(result: result) : .invalid("Cannot provide an Error for SUCCEEDED status.")
    case "FAILED": self = result == nil ? .failed(error) : .invalid("Cannot provide a Result for FAILED status.")
    case "PENDING": self = .pending
    default: self = .invalid("Invalid Status in invocation output.")
    }
  }

  /// For the history.
  var error: DurableError? {
    switch self {
    case .failed(let error): error
    case .invalid(let text): DurableError(text, type: "InvalidParameterValueException")
    case .succeeded, .pending: nil
    }
  }
}

extension DurableError {
  /// Of an object in the answer of a function; nil for null and for what is no object.
  init?(_ json: JSON) {
    guard let object = json.object else { return nil }
    self.init(
      object["ErrorMessage"]?.string, type: object["ErrorType"]?.string, data: object["ErrorData"]?.string,
      stackTrace: object["StackTrace"]?.array?.compactMap(\.string))
  }

  /// Of the body with which a runtime reports that the function failed.
  init(functionError body: [UInt8]) {
    guard let object = (try? JSON.parse(body))?.object else {
      self.init(body.utf8Text)
      return
    }
    self.init(
      object["errorMessage"]?.string, type: object["errorType"]?.string,
      stackTrace: object["stackTrace"]?.array?.map { $0.string ?? $0.text })
  }

  /// The body that the caller of a durable function gets when the execution fails.
  var functionErrorBody: [UInt8] {
    var members: [(String, JSON)] = []
    if let message { members.append(("errorMessage", .string(message))) }
    if let type { members.append(("errorType", .string(type))) }
    if let data { members.append(("errorData", .string(data))) }
    if let stackTrace { members.append(("stackTrace", .array(stackTrace.map { .string($0) }))) }
    return JSON.object(JSONObject(members)).bytes
  }
}
