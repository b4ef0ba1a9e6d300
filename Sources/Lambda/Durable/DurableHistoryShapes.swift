import Base

extension HistoryEventShape {
  /// - Parameter withData: payloads and errors are shown, too; otherwise they count as truncated.
  init(_ event: DurableEvent, withData: Bool) {
    self.init()
    (eventType, eventId, eventTimestamp) = (event.typeName, event.number, event.time)
    (id, name, subType, parentId) = (event.operation, event.name, event.subType, event.parent)
    let data = EventData(isShown: withData)
    switch event.details {
    case .executionStarted, .executionSucceeded, .executionFailed, .executionTimedOut, .executionStopped:
      setExecution(event.details, data)
    case .contextStarted, .contextSucceeded, .contextFailed, .waitStarted, .waitSucceeded, .waitCancelled:
      setContextOrWait(event.details, data)
    case .stepStarted, .stepSucceeded, .stepFailed: setStep(event.details, data)
    case .chainedInvokeStarted, .chainedInvokeSucceeded, .chainedInvokeFailed, .chainedInvokeTimedOut, .chainedInvokeStopped:
      setChain(event.details, data)
    case .callbackStarted, .callbackSucceeded, .callbackFailed, .callbackTimedOut: setCallback(event.details, data)
    case .invocationCompleted(let start, let end, let requestID, let error):
      var details = InvocationCompletedDetails()
      (details.startTimestamp, details.endTimestamp, details.requestId) = (start, end, requestID)
      details.error = error.map { data.error($0) }
      invocationCompletedDetails = details
    }
  }

  private mutating func setExecution(_ details: DurableEvent.Details, _ data: EventData) {
    switch details {
    case .executionStarted(let input, let timeout):
      var details = ExecutionStartedDetails()
      (details.input, details.executionTimeout) = (data.input(input), timeout)
      executionStartedDetails = details
    case .executionSucceeded(let result):
      var details = ExecutionSucceededDetails()
      details.result = data.result(result)
      executionSucceededDetails = details
    case .executionFailed(let error):
      var details = ExecutionFailedDetails()
      details.error = data.error(error)
      executionFailedDetails = details
    // The error of a time-out is shown by GetDurableExecution only, as on AWS.
    case .executionTimedOut: executionTimedOutDetails = ExecutionTimedOutDetails()
    case .executionStopped(let error):
      var details = ExecutionStoppedDetails()
      details.error = data.error(error)
      executionStoppedDetails = details
    default: break
    }
  }

  private mutating func setContextOrWait(_ details: DurableEvent.Details, _ data: EventData) {
    switch details {
    case .contextStarted: contextStartedDetails = ContextStartedDetails()
    case .contextSucceeded(let result):
      var details = ContextSucceededDetails()
      details.result = data.result(result)
      contextSucceededDetails = details
    case .contextFailed(let error):
      var details = ContextFailedDetails()
      details.error = data.error(error)
      contextFailedDetails = details
    case .waitStarted(let seconds, let end):
      var details = WaitStartedDetails()
      (details.duration, details.scheduledEndTimestamp) = (seconds, end)
      waitStartedDetails = details
    case .waitSucceeded(let seconds):
      var details = WaitSucceededDetails()
      details.duration = seconds
      waitSucceededDetails = details
    case .waitCancelled: waitCancelledDetails = WaitCancelledDetails()
    default: break
    }
  }

  private mutating func setStep(_ details: DurableEvent.Details, _ data: EventData) {
    func retry(_ attempt: Int, _ delay: Int?) -> RetryDetails {
      var details = RetryDetails()
      (details.currentAttempt, details.nextAttemptDelaySeconds) = (attempt, delay)
      return details
    }
    switch details {
    case .stepStarted: stepStartedDetails = StepStartedDetails()
    case .stepSucceeded(let result, let attempt, let delay):
      var details = StepSucceededDetails()
      (details.result, details.retryDetails) = (data.result(result), retry(attempt, delay))
      stepSucceededDetails = details
    case .stepFailed(let error, let attempt, let delay):
      var details = StepFailedDetails()
      (details.error, details.retryDetails) = (data.error(error), retry(attempt, delay))
      stepFailedDetails = details
    default: break
    }
  }

  private mutating func setChain(_ details: DurableEvent.Details, _ data: EventData) {
    switch details {
    case .chainedInvokeStarted(let function, let tenant, let input, let version, let child):
      var details = ChainedInvokeStartedDetails()
      (details.functionName, details.tenantId) = (function, tenant)
      // Of a target that could not be found only the name is told.
      if version != nil { details.input = data.input(input) }
      (details.executedVersion, details.durableExecutionArn) = (version, child)
      chainedInvokeStartedDetails = details
    case .chainedInvokeSucceeded(let result):
      var details = ChainedInvokeSucceededDetails()
      details.result = data.result(result)
      chainedInvokeSucceededDetails = details
    case .chainedInvokeFailed(let error):
      var details = ChainedInvokeFailedDetails()
      details.error = data.error(error)
      chainedInvokeFailedDetails = details
    case .chainedInvokeTimedOut(let error):
      var details = ChainedInvokeTimedOutDetails()
      details.error = data.error(error)
      chainedInvokeTimedOutDetails = details
    case .chainedInvokeStopped(let error):
      var details = ChainedInvokeStoppedDetails()
      details.error = data.error(error)
      chainedInvokeStoppedDetails = details
    default: break
    }
  }

  private mutating func setCallback(_ details: DurableEvent.Details, _ data: EventData) {
    switch details {
    case .callbackStarted(let id, let heartbeat, let timeout):
      var details = CallbackStartedDetails()
      (details.callbackId, details.heartbeatTimeout, details.timeout) = (id, heartbeat, timeout)
      callbackStartedDetails = details
    case .callbackSucceeded(let result):
      var details = CallbackSucceededDetails()
      details.result = data.result(result)
      callbackSucceededDetails = details
    case .callbackFailed(let error):
      var details = CallbackFailedDetails()
      details.error = data.error(error)
      callbackFailedDetails = details
    case .callbackTimedOut(let error):
      var details = CallbackTimedOutDetails()
      details.error = data.error(error)
      callbackTimedOutDetails = details
    default: break
    }
  }
}

/// Wraps payloads and errors the way the history shows them.
private struct EventData {
  var isShown: Bool

  func input(_ payload: String?) -> EventInput {
    var input = EventInput()
    if isShown { input.payload = payload }
    input.truncated = !isShown
    return input
  }
  func result(_ payload: String?) -> EventResult {
    var result = EventResult()
    if isShown { result.payload = payload }
    result.truncated = !isShown
    return result
  }
  func error(_ error: DurableError?) -> EventError {
    var shape = EventError()
    if isShown { shape.payload = error.map { ErrorObjectShape($0) } }
    shape.truncated = !isShown
    return shape
  }
}
