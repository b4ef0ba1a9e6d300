import Base

/// Durable executions as the API shows them.
extension ErrorObjectShape {
  init(_ error: DurableError) {
    self.init()
    (errorMessage, errorType, errorData, stackTrace) = (error.message, error.type, error.data, error.stackTrace)
  }
  var domain: DurableError { DurableError(errorMessage, type: errorType, data: errorData, stackTrace: stackTrace) }
}

extension OperationShape {
  init(_ operation: DurableOperation) {
    self.init()
    (id, parentId, name, subType) = (operation.id, operation.parent, operation.name, operation.subType)
    (type, status) = (operation.kind.rawValue, operation.status.rawValue)
    (startTimestamp, endTimestamp) = (operation.started, operation.ended)
    let error = operation.error.map { ErrorObjectShape($0) }
    switch operation.details {
    case .context(let replays):
      var details = ContextDetails()
      (details.replayChildren, details.result, details.error) = (replays, operation.result, error)
      contextDetails = details
    case .step(let attempt, let next):
      var details = StepDetails()
      (details.attempt, details.nextAttemptTimestamp) = (attempt, next)
      (details.result, details.error) = (operation.result, error)
      stepDetails = details
    case .wait(_, let end):
      var details = WaitDetails()
      details.scheduledEndTimestamp = end
      waitDetails = details
    case .callback(let callback):
      var details = CallbackDetails()
      (details.callbackId, details.result, details.error) = (callback.id, operation.result, error)
      callbackDetails = details
    case .chainedInvoke:
      var details = ChainedInvokeDetails()
      (details.result, details.error) = (operation.result, error)
      chainedInvokeDetails = details
    }
  }

  /// The execution itself comes first among its operations.
  init(_ execution: DurableExecution, input: String?) {
    self.init()
    (id, name, type) = (execution.id.id, execution.id.name, DurableOperation.Kind.execution.rawValue)
    (status, startTimestamp, endTimestamp) = (DurableOperation.Status.started.rawValue, execution.started, execution.ended)
    var details = ExecutionDetails()
    details.inputPayload = input
    executionDetails = details
  }
}

extension DurableUpdate {
  /// - Parameter target: of a chained invocation.
  init(_ shape: OperationUpdateShape, target: DurableTarget?) throws {
    guard let kind = DurableOperation.Kind(rawValue: shape.type) else { throw DurableRefusal("Unknown operation type.") }
    guard let action = Action(rawValue: shape.action) else {
      throw DurableRefusal("Invalid action for the given operation type.")
    }
    self.init(id: shape.id, kind: kind, action: action)
    (parent, name, subType) = (shape.parentId, shape.name, shape.subType)
    (payload, error) = (shape.payload, shape.error?.domain)
    nextAttemptDelay = shape.stepOptions?.nextAttemptDelaySeconds
    waitSeconds = shape.waitOptions?.waitSeconds
    replaysChildren = shape.contextOptions?.replayChildren
    (timeout, heartbeat) = (shape.callbackOptions?.timeoutSeconds, shape.callbackOptions?.heartbeatTimeoutSeconds)
    self.target = target
  }
}

extension ExecutionShape {
  init(_ execution: DurableExecution) {
    self.init()
    (durableExecutionArn, durableExecutionName) = (execution.id.arn, execution.id.name)
    (functionArn, status) = (execution.id.functionARN, execution.status.rawValue)
    (startTimestamp, endTimestamp) = (execution.started, execution.ended)
  }
}

extension GetDurableExecutionOutput {
  init(_ execution: DurableExecution, input: String?, _ outcome: DurableOutcome?) {
    self.init()
    (durableExecutionArn, durableExecutionName) = (execution.id.arn, execution.id.name)
    (functionArn, version, status) = (execution.id.functionARN, execution.id.version, execution.status.rawValue)
    (startTimestamp, endTimestamp, inputPayload) = (execution.started, execution.ended, input)
    (result, error) = (outcome?.result, outcome?.error.map { ErrorObjectShape($0) })
    var trace = TraceHeader()
    trace.xAmznTraceId = execution.trace.header
    traceHeader = trace
  }
}
