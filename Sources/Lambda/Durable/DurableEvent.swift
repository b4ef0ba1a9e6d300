import Base

/// One line of the history of a durable execution.
struct DurableEvent: Sendable, Equatable {
  enum Details: Sendable, Equatable {
    case executionStarted(input: String?, timeout: Int)
    case executionSucceeded(result: String?)
    case executionFailed(DurableError?)
    case executionTimedOut(DurableError)
    case executionStopped(DurableError)
    case contextStarted
    case contextSucceeded(result: String?)
    case contextFailed(DurableError?)
    case waitStarted(seconds: Int, end: Instant)
    case waitSucceeded(seconds: Int)
    case waitCancelled
    case stepStarted
    /// - delay: seconds until the next attempt, when there will be one.
    case stepSucceeded(result: String?, attempt: Int, delay: Int?)
    case stepFailed(DurableError?, attempt: Int, delay: Int?)
    case chainedInvokeStarted(function: String, tenant: String?, input: String?, version: String?, child: String?)
    case chainedInvokeSucceeded(result: String?)
    case chainedInvokeFailed(DurableError?)
    case chainedInvokeTimedOut(DurableError?)
    case chainedInvokeStopped(DurableError?)
    case callbackStarted(id: String, heartbeat: Int?, timeout: Int?)
    case callbackSucceeded(result: String?)
    case callbackFailed(DurableError?)
    case callbackTimedOut(DurableError)
    case invocationCompleted(start: Instant, end: Instant, requestID: String, DurableError?)
  }

  /// From 1, without gaps.
  var number: Int
  var time: Instant
  /// Nil for an invocation.
  var operation: String?
  var name: String?
  var subType: String?
  var parent: String?
  var details: Details

  var typeName: String {
    switch details {
    case .executionStarted: "ExecutionStarted"
    case .executionSucceeded: "ExecutionSucceeded"
    case .executionFailed: "ExecutionFailed"
    case .executionTimedOut: "ExecutionTimedOut"
    case .executionStopped: "ExecutionStopped"
    case .contextStarted: "ContextStarted"
    case .contextSucceeded: "ContextSucceeded"
    case .contextFailed: "ContextFailed"
    case .waitStarted: "WaitStarted"
    case .waitSucceeded: "WaitSucceeded"
    case .waitCancelled: "WaitCancelled"
    case .stepStarted: "StepStarted"
    case .stepSucceeded: "StepSucceeded"
    case .stepFailed: "StepFailed"
    case .chainedInvokeStarted: "ChainedInvokeStarted"
    case .chainedInvokeSucceeded: "ChainedInvokeSucceeded"
    case .chainedInvokeFailed: "ChainedInvokeFailed"
    case .chainedInvokeTimedOut: "ChainedInvokeTimedOut"
    case .chainedInvokeStopped: "ChainedInvokeStopped"
    case .callbackStarted: "CallbackStarted"
    case .callbackSucceeded: "CallbackSucceeded"
    case .callbackFailed: "CallbackFailed"
    case .callbackTimedOut: "CallbackTimedOut"
    case .invocationCompleted: "InvocationCompleted"
    }
  }

  /// Of its payloads and errors, so that a page of events stays small.
  var size: Int {
    switch details {
    case .executionStarted(let payload, _), .executionSucceeded(let payload), .contextSucceeded(let payload),
      .stepSucceeded(let payload, _, _), .chainedInvokeStarted(_, _, let payload, _, _), .chainedInvokeSucceeded(let payload),
      .callbackSucceeded(let payload):
      payload?.utf8.count ?? 0
    case .executionFailed(let error), .contextFailed(let error), .stepFailed(let error, _, _), .chainedInvokeFailed(let error),
      .chainedInvokeTimedOut(let error), .chainedInvokeStopped(let error), .callbackFailed(let error),
      .invocationCompleted(_, _, _, let error):
      error?.size ?? 0
    case .executionTimedOut(let error), .executionStopped(let error), .callbackTimedOut(let error): error.size
    case .contextStarted, .waitStarted, .waitSucceeded, .waitCancelled, .stepStarted, .callbackStarted: 0
    }
  }
}
