import Base
import Fabric
import Store

extension DurableExecutionID {
  func write(to row: inout RowWriter) {
    function.write(to: &row)
    for text in [version, name, id] { row.string(text) }
  }
  init(from row: inout RowReader) throws {
    self.init(
      function: try FunctionID(from: &row), version: try row.string(), name: try row.string(), id: try row.string())
  }
}

extension DurableError {
  func write(to row: inout RowWriter) {
    for text in [message, type, data] { row.optional(text) }
    row.optional(stackTrace) { $0.strings($1) }
  }
  init(from row: inout RowReader) throws {
    self.init(try row.optionalString(), type: try row.optionalString(), data: try row.optionalString())
    stackTrace = try row.optional { try $0.strings() }
  }
}

extension RowWriter {
  mutating func error(_ error: DurableError?) { optional(error) { $1.write(to: &$0) } }
}
extension RowReader {
  mutating func error() throws -> DurableError? { try optional { try DurableError(from: &$0) } }
}

extension DurableExecution {
  /// When the execution is to be woken, as a row says.
  static func wake(ofRow bytes: [UInt8]) throws -> Instant? {
    var row = try RowReader(bytes)
    return try row.optionalInstant()
  }

  /// - Parameter wake: the earliest time at which something happens to it or to an operation.
  func row(wake: Instant?) -> [UInt8] {
    var row = RowWriter(capacity: 512)
    row.optional(wake)
    id.write(to: &row)
    origin.write(to: &row)
    row.instant(started)
    row.int(settings.executionTimeout)
    row.int(settings.retentionDays)
    row.string(trace.header)
    row.string(status.rawValue)
    row.optional(ended)
    lane.write(to: &row)
    row.optional(token)
    row.optional(lastCheckpoint) { row, checkpoint in
      row.string(checkpoint.token)
      row.string(checkpoint.clientToken)
      row.strings(checkpoint.operations)
      row.instant(checkpoint.time)
    }
    for number in [failures, refusals, emptyAnswers] { row.int(number) }
    row.strings(unseen)
    for number in [pending, operationCount, eventCount, storedBytes] { row.int(number) }
    row.optional(lastEvent)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    _ = try row.optionalInstant()
    id = try DurableExecutionID(from: &row)
    origin = try Origin(from: &row)
    started = try row.instant()
    settings = DurableSettings(executionTimeout: try row.int(), retentionDays: try row.int())
    guard let trace = TraceContext(header: try row.string()) else { throw StoreError.corrupt("durable execution without a trace") }
    self.trace = trace
    status = try row.raw()
    ended = try row.optionalInstant()
    lane = try Lane(from: &row)
    token = try row.optionalString()
    lastCheckpoint = try row.optional {
      Checkpoint(token: try $0.string(), clientToken: try $0.string(), operations: try $0.strings(), time: try $0.instant())
    }
    (failures, refusals, emptyAnswers) = (try row.int(), try row.int(), try row.int())
    unseen = try row.strings()
    (pending, operationCount, eventCount, storedBytes) = (try row.int(), try row.int(), try row.int(), try row.int())
    lastEvent = try row.optionalInt()
  }
}

extension DurableExecution.Origin {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .synchronous: row.int(0)
    case .asynchronous(let requestID, let qualifier):
      row.int(1)
      row.string(requestID)
      row.optional(qualifier)
    case .chained(let id, let operation):
      row.int(2)
      id.write(to: &row)
      row.string(operation)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .synchronous
    case 1: self = .asynchronous(requestID: try row.string(), qualifier: try row.optionalString())
    case 2: self = .chained(by: try DurableExecutionID(from: &row), operation: try row.string())
    case let tag: throw StoreError.corrupt("origin of a durable execution \(tag)")
    }
  }
}

extension DurableExecution.Lane {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .idle: row.int(0)
    case .due(let time):
      row.int(1)
      row.instant(time)
    case .running(let invocation):
      row.int(2)
      row.string(invocation.id)
      row.instant(invocation.since)
      row.strings(invocation.updated)
    case .reportDue(let time):
      row.int(3)
      row.instant(time)
    case .reporting: row.int(4)
    case .over: row.int(5)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .idle
    case 1: self = .due(try row.instant())
    case 2: self = .running(DurableInvocation(id: try row.string(), since: try row.instant(), updated: try row.strings()))
    case 3: self = .reportDue(try row.instant())
    case 4: self = .reporting
    case 5: self = .over
    case let tag: throw StoreError.corrupt("lane of a durable execution \(tag)")
    }
  }
}

extension DurableOperation {
  var row: [UInt8] {
    var row = RowWriter(capacity: 256 + size)
    row.string(id)
    for text in [parent, name, subType] { row.optional(text) }
    row.string(status.rawValue)
    row.instant(started)
    row.optional(ended)
    details.write(to: &row)
    row.optional(result)
    row.error(error)
    return row.bytes
  }

  init(row bytes: [UInt8], sequence: Int) throws {
    var row = try RowReader(bytes)
    id = try row.string()
    (parent, name, subType) = (try row.optionalString(), try row.optionalString(), try row.optionalString())
    status = try row.raw()
    started = try row.instant()
    ended = try row.optionalInstant()
    details = try Details(from: &row)
    result = try row.optionalString()
    error = try row.error()
    self.sequence = sequence
  }
}

extension DurableOperation.Details {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .context(let replays):
      row.int(0)
      row.optional(replays) { $0.bool($1) }
    case .step(let attempt, let next):
      row.int(1)
      row.int(attempt)
      row.optional(next)
    case .wait(let seconds, let end):
      row.int(2)
      row.int(seconds)
      row.instant(end)
    case .callback(let callback):
      row.int(3)
      row.string(callback.id)
      row.optional(callback.heartbeat)
      row.optional(callback.deadline)
      row.optional(callback.heartbeatDeadline)
    case .chainedInvoke(let chain):
      row.int(4)
      row.string(chain.function)
      row.optional(chain.input)
      chain.state.write(to: &row)
      row.int(chain.refusals)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .context(replaysChildren: try row.optional { try $0.bool() })
    case 1: self = .step(attempt: try row.int(), next: try row.optionalInstant())
    case 2: self = .wait(seconds: try row.int(), end: try row.instant())
    case 3:
      self = .callback(
        DurableOperation.Callback(
          id: try row.string(), heartbeat: try row.optionalInt(), deadline: try row.optionalInstant(),
          heartbeatDeadline: try row.optionalInstant()))
    case 4:
      self = .chainedInvoke(
        DurableOperation.Chain(
          function: try row.string(), input: try row.optionalString(), state: try DurableOperation.Chain.State(from: &row),
          refusals: try row.int()))
    case let tag: throw StoreError.corrupt("details of a durable operation \(tag)")
    }
  }
}

extension DurableOperation.Chain.State {
  fileprivate func write(to row: inout RowWriter) {
    switch self {
    case .child: row.int(0)
    case .due(let time):
      row.int(1)
      row.instant(time)
    case .running: row.int(2)
    case .over: row.int(3)
    }
  }
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: self = .child
    case 1: self = .due(try row.instant())
    case 2: self = .running
    case 3: self = .over
    case let tag: throw StoreError.corrupt("state of a chained invocation \(tag)")
    }
  }
}
