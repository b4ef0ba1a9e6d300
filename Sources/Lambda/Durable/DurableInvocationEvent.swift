import Base

/// What a durable function gets as its event, for the SDK in it to replay from.
struct DurableInvocationEvent {
  /// Bytes of operations in the event; the SDK asks for the rest.
  private static let capacity = 5 << 20

  private var json = JSONWriter(capacity: 4096)
  private var isFull: Bool { json.bytes.count >= Self.capacity }

  /// Nil when the execution no longer waits for this invocation.
  static func bytes(_ rows: DurableRows, _ id: DurableExecutionID, _ invocation: DurableInvocation) throws -> [UInt8]? {
    guard let execution = try rows.execution(id), case .running(invocation) = execution.lane, let token = execution.token else {
      return nil
    }
    var event = DurableInvocationEvent()
    event.json.beginObject()
    event.text("DurableExecutionArn", id.arn)
    event.text("CheckpointToken", token)
    event.json.name("InitialExecutionState")
    event.json.beginObject()
    event.json.name("Operations")
    event.json.beginArray()
    event.write(execution, input: try rows.input(id))
    let next = try rows.replayed(id, from: 0) { operation in
      guard !event.isFull else { return false }
      event.write(operation)
      return true
    }
    event.json.endArray()
    event.text("NextMarker", next.map(String.init) ?? "")
    event.json.endObject()
    event.json.name("UpdatedOperationIds")
    event.json.beginArray()
    for id in invocation.updated { event.json.string(id) }
    event.json.endArray()
    event.json.endObject()
    return event.json.bytes
  }

  private mutating func text(_ name: String, _ value: String?) {
    guard let value else { return }
    json.name(name)
    json.string(value)
  }

  /// In milliseconds here, unlike in the API.
  private mutating func time(_ name: String, _ instant: Instant?) {
    guard let instant else { return }
    json.name(name)
    json.int(instant.milliseconds)
  }

  private mutating func write(_ execution: DurableExecution, input: String?) {
    json.beginObject()
    text("Id", execution.id.id)
    text("Name", execution.id.name)
    text("Type", DurableOperation.Kind.execution.rawValue)
    text("Status", DurableOperation.Status.started.rawValue)
    time("StartTimestamp", execution.started)
    json.name("ExecutionDetails")
    json.beginObject()
    text("InputPayload", input)
    json.endObject()
    json.endObject()
  }

  private mutating func write(_ operation: DurableOperation) {
    json.beginObject()
    text("Id", operation.id)
    text("ParentId", operation.parent)
    text("Name", operation.name)
    text("Type", operation.kind.rawValue)
    text("SubType", operation.subType)
    text("Status", operation.status.rawValue)
    time("StartTimestamp", operation.started)
    time("EndTimestamp", operation.ended)
    writeDetails(operation)
    json.endObject()
  }

  private mutating func writeDetails(_ operation: DurableOperation) {
    switch operation.details {
    case .context(let replays):
      begin("ContextDetails")
      if let replays {
        json.name("ReplayChildren")
        json.bool(replays)
      }
      writeResult(operation)
    case .step(let attempt, let next):
      begin("StepDetails")
      json.name("Attempt")
      json.int(Int64(attempt))
      time("NextAttemptTimestamp", next)
      writeResult(operation)
    case .wait(_, let end):
      begin("WaitDetails")
      time("ScheduledEndTimestamp", end)
    case .callback(let callback):
      begin("CallbackDetails")
      text("CallbackId", callback.id)
      writeResult(operation)
    case .chainedInvoke:
      begin("ChainedInvokeDetails")
      writeResult(operation)
    }
    json.endObject()
  }

  private mutating func begin(_ name: String) {
    json.name(name)
    json.beginObject()
  }

  private mutating func writeResult(_ operation: DurableOperation) {
    text("Result", operation.result)
    if let error = operation.error {
      json.name("Error")
      json.value(error.json)
    }
  }
}
