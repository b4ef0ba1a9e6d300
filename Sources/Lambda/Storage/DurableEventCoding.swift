import Base
import Store

extension DurableEvent {
  var row: [UInt8] {
    var row = RowWriter(capacity: 128 + size)
    row.instant(time)
    for text in [operation, name, subType, parent] { row.optional(text) }
    row.string(typeName)
    details.write(to: &row)
    return row.bytes
  }

  init(row bytes: [UInt8], number: Int) throws {
    var row = try RowReader(bytes)
    time = try row.instant()
    (operation, name) = (try row.optionalString(), try row.optionalString())
    (subType, parent) = (try row.optionalString(), try row.optionalString())
    let type = try row.string()
    details = try Details(type, from: &row)
    self.number = number
  }
}

extension DurableEvent.Details {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .contextStarted, .waitCancelled, .stepStarted: break
    case .executionStarted(let input, let timeout):
      row.optional(input)
      row.int(timeout)
    case .executionSucceeded(let result), .contextSucceeded(let result), .chainedInvokeSucceeded(let result),
      .callbackSucceeded(let result):
      row.optional(result)
    case .executionFailed(let error), .contextFailed(let error), .chainedInvokeFailed(let error),
      .chainedInvokeTimedOut(let error), .chainedInvokeStopped(let error), .callbackFailed(let error):
      row.error(error)
    case .executionTimedOut(let error), .executionStopped(let error), .callbackTimedOut(let error): row.error(error)
    case .waitStarted(let seconds, let end):
      row.int(seconds)
      row.instant(end)
    case .waitSucceeded(let seconds): row.int(seconds)
    case .stepSucceeded(let result, let attempt, let delay):
      row.optional(result)
      row.int(attempt)
      row.optional(delay)
    case .stepFailed(let error, let attempt, let delay):
      row.error(error)
      row.int(attempt)
      row.optional(delay)
    case .chainedInvokeStarted(let function, let tenant, let input, let version, let child):
      row.string(function)
      for text in [tenant, input, version, child] { row.optional(text) }
    case .callbackStarted(let id, let heartbeat, let timeout):
      row.string(id)
      row.optional(heartbeat)
      row.optional(timeout)
    case .invocationCompleted(let start, let end, let requestID, let error):
      row.instant(start)
      row.instant(end)
      row.string(requestID)
      row.error(error)
    }
  }

  /// - Parameter type: the name of the event.
  fileprivate init(_ type: String, from row: inout RowReader) throws {
    switch type {
    case "ExecutionStarted": self = .executionStarted(input: try row.optionalString(), timeout: try row.int())
    case "ExecutionSucceeded": self = .executionSucceeded(result: try row.optionalString())
    case "ExecutionFailed": self = .executionFailed(try row.error())
    case "ExecutionTimedOut": self = .executionTimedOut(try row.error() ?? DurableError())
    case "ExecutionStopped": self = .executionStopped(try row.error() ?? DurableError())
    case "ContextStarted": self = .contextStarted
    case "ContextSucceeded": self = .contextSucceeded(result: try row.optionalString())
    case "ContextFailed": self = .contextFailed(try row.error())
    case "WaitStarted": self = .waitStarted(seconds: try row.int(), end: try row.instant())
    case "WaitSucceeded": self = .waitSucceeded(seconds: try row.int())
    case "WaitCancelled": self = .waitCancelled
    case "StepStarted": self = .stepStarted
    case "StepSucceeded":
      self = .stepSucceeded(result: try row.optionalString(), attempt: try row.int(), delay: try row.optionalInt())
    case "StepFailed": self = .stepFailed(try row.error(), attempt: try row.int(), delay: try row.optionalInt())
    case "ChainedInvokeStarted":
      self = .chainedInvokeStarted(
        function: try row.string(), tenant: try row.optionalString(), input: try row.optionalString(),
        version: try row.optionalString(), child: try row.optionalString())
    default: self = try Self.answer(type, &row)
    }
  }

  private static func answer(_ type: String, _ row: inout RowReader) throws -> Self {
    switch type {
    case "ChainedInvokeSucceeded": .chainedInvokeSucceeded(result: try row.optionalString())
    case "ChainedInvokeFailed": .chainedInvokeFailed(try row.error())
    case "ChainedInvokeTimedOut": .chainedInvokeTimedOut(try row.error())
    case "ChainedInvokeStopped": .chainedInvokeStopped(try row.error())
    case "CallbackStarted":
      .callbackStarted(id: try row.string(), heartbeat: try row.optionalInt(), timeout: try row.optionalInt())
    case "CallbackSucceeded": .callbackSucceeded(result: try row.optionalString())
    case "CallbackFailed": .callbackFailed(try row.error())
    case "CallbackTimedOut": .callbackTimedOut(try row.error() ?? DurableError())
    case "InvocationCompleted":
      .invocationCompleted(start: try row.instant(), end: try row.instant(), requestID: try row.string(), try row.error())
    default: throw StoreError.corrupt("event \(type) of a durable execution")
    }
  }
}
