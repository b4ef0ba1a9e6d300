import Base
import Fabric
import Store

/// An accepted asynchronous event: what is invoked, with what, and how often it was tried.
struct AsyncEvent: Sendable, Equatable {
  /// The same for all attempts.
  var requestID: String
  var function: FunctionID
  /// As the caller gave it; nil for `$LATEST`.
  var qualifier: String?
  var payload: [UInt8]
  var trace: TraceContext
  var acceptedAt: Instant
  /// Times the function ran and failed.
  var failures: Int
  /// Times in a row that it could not be run at all (throttled, or our own failure).
  var refusals: Int
  /// Of the last time that the function failed; kept only for an on-failure destination.
  var lastResponse: AsyncResponse?
}

/// How an attempt ended.
enum AsyncAttempt: Sendable, Equatable {
  case succeeded
  case functionFailed(FunctionError)
  /// Throttled or failed inside; the function did not run.
  case notRun(reason: String)
  /// The function's reserved concurrency is zero: there is no point in waiting.
  case stoppedByZeroReservation
  /// It has waited for longer than its function allows: it is not run any more.
  case tooOld
  /// The function is deleted.
  case functionGone
  /// The chain of invocations came back to the function too often.
  case recursion
}

/// Why an event is given up.
enum AsyncGiveUp: Sendable, Equatable, CustomStringConvertible {
  case retriesExhausted(FunctionError)
  case ageExceeded
  case zeroReservation
  case functionGone
  case recursion

  var description: String {
    switch self {
    case .retriesExhausted(let error): "all attempts failed, the last one with: \(error.message)"
    case .ageExceeded: "it is too old"
    case .zeroReservation: "the function's reserved concurrency is zero"
    case .functionGone: "the function is deleted"
    case .recursion: "its chain of invocations is a recursive loop"
    }
  }

  /// As the invocation record names it.
  var condition: InvocationRecord.Condition {
    switch self {
    case .retriesExhausted, .functionGone, .recursion: .retriesExhausted
    case .ageExceeded: .eventAgeExceeded
    case .zeroReservation: .zeroReservedConcurrency
    }
  }
}

/// The retry rules of the asynchronous queue (AWS: "How Lambda handles errors and retries with asynchronous invocation").
enum AsyncRetry {
  enum Action: Sendable, Equatable {
    case complete
    case retry(AsyncEvent, at: Instant)
    case giveUp(AsyncGiveUp)
  }

  static let maximumRetries = 2
  static let maximumAge = Duration.hours(6)
  /// Before the second and the third attempt.
  static let delays: [Duration] = [.minutes(1), .minutes(2)]
  static let firstBackoff = Duration.seconds(1)
  static let longestBackoff = Duration.minutes(5)

  /// Whether an event that is due is not to be run any more: it may have waited for its turn, or for a server.
  static func isTooOld(_ event: AsyncEvent, settings: EventInvokeSettings? = nil, now: Instant) -> Bool {
    now - event.acceptedAt > settings?.maximumEventAge ?? maximumAge
  }

  /// - Parameter settings: of the function, version or alias that was invoked; nil for the defaults.
  static func after(
    _ attempt: AsyncAttempt, of event: AsyncEvent, settings: EventInvokeSettings? = nil, now: Instant
  ) -> Action {
    var event = event
    let maximumAge = settings?.maximumEventAge ?? Self.maximumAge
    switch attempt {
    case .succeeded: return .complete
    case .functionGone: return .giveUp(.functionGone)
    case .recursion: return .giveUp(.recursion)
    case .tooOld: return .giveUp(.ageExceeded)
    case .stoppedByZeroReservation: return .giveUp(.zeroReservation)
    case .functionFailed(let error):
      event.failures += 1
      event.refusals = 0
      guard event.failures <= settings?.maximumRetryAttempts ?? maximumRetries else { return .giveUp(.retriesExhausted(error)) }
      return retry(event, after: delays[event.failures - 1], maximumAge, now)
    case .notRun:
      event.refusals += 1
      let exponent = min(event.refusals - 1, 20)
      return retry(event, after: min(longestBackoff, firstBackoff * (1 << exponent)), maximumAge, now)
    }
  }

  private static func retry(_ event: AsyncEvent, after delay: Duration, _ maximumAge: Duration, _ now: Instant) -> Action {
    let due = now + delay
    return due - event.acceptedAt > maximumAge ? .giveUp(.ageExceeded) : .retry(event, at: due)
  }
}

extension AsyncEvent {
  /// The function as it was named; what will run is not known before it does.
  var metricTarget: MetricTarget { MetricTarget(function, qualifier: qualifier) }

  var row: [UInt8] {
    var w = RowWriter(capacity: payload.count + 256)
    w.string(requestID)
    w.string(function.account.text)
    w.string(function.region.text)
    w.string(function.name)
    w.optional(qualifier)
    w.blob(payload)
    w.string(trace.header)
    w.instant(acceptedAt)
    w.int(failures)
    w.int(refusals)
    w.optional(lastResponse) { w, response in
      w.string(response.executedVersion)
      w.blob(response.body)
    }
    return w.bytes
  }

  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    requestID = try r.string()
    guard let account = AccountID(try r.string()), let region = Region(try r.string()) else {
      throw StoreError.corrupt("asynchronous event without a function")
    }
    function = FunctionID(account: account, region: region, name: try r.string())
    qualifier = try r.optionalString()
    payload = try r.blob()
    guard let trace = TraceContext(header: try r.string()) else { throw StoreError.corrupt("asynchronous event without a trace") }
    self.trace = trace
    acceptedAt = try r.instant()
    failures = try r.int()
    refusals = try r.int()
    lastResponse = try r.ifPresent { r in
      try r.optional { AsyncResponse(executedVersion: try $0.string(), isError: true, body: try $0.blob()) }
    } ?? nil
  }
}
