import Base
import Store

/// Takes durable executions from one state to the next, each step in one transaction with everything that follows from it.
struct DurableChanges {
  let tx: any Transaction
  let secrets: DurableSecrets
  let now: Instant

  private var rows: DurableRows { DurableRows(tx) }

  /// Runs a step of the machine and stores what it changed.
  func step<T>(_ execution: DurableExecution, _ body: (inout DurableMachine) throws -> T) throws -> T {
    let id = execution.id
    var machine = DurableMachine(execution, secrets: secrets) { try rows.operation(id, $0) }
    let result = try body(&machine)
    try save(machine, before: execution)
    return result
  }

  /// Does what the time asks for. An execution that is no longer kept is gone afterwards.
  func tick(_ execution: DurableExecution) throws -> [DurableEffect] {
    let due = try rows.due(execution.id, upTo: now)
    let effects = try step(execution) { try $0.tick(due: due, at: now) }
    if effects.contains(.forget) {
      try forget(execution.id)
      return []
    }
    return effects
  }

  func start(_ execution: DurableExecution, input: String?) throws {
    let machine = DurableMachine(starting: execution, input: input, secrets: secrets)
    let id = execution.id
    try Counter(DurableKeys.running(id.function)).add(1, tx)
    try tx.set(DurableKeys.name(id.function, id.name), Array(id.id.utf8))
    try tx.set(DurableKeys.start(id, execution.started), [])
    try save(machine, before: nil)
  }

  private func save(_ machine: DurableMachine, before: DurableExecution?) throws {
    let execution = machine.execution
    let id = execution.id
    for changed in machine.changed {
      if let operation = machine.operations[changed] { try save(operation, of: id) }
    }
    for event in machine.events { try tx.set(DurableKeys.event(id, event.number), event.row) }
    if machine.outcome != nil {
      try Counter(DurableKeys.running(id.function)).add(-1, tx)
      try tx.deleteAll(KeyRange(prefix: DurableKeys.pending(id)))
    }
    let place = DurableKeys.taken(id, nil)
    if execution.isTaken { try tx.set(place, []) } else if before?.isTaken == true { try tx.delete(place) }
    try save(execution, before: before)
    for child in machine.children { try start(child.execution, input: child.input) }
    if let outcome = machine.outcome, case .chained(let parent, let operation) = execution.origin {
      guard let waiting = try rows.execution(parent) else { return }
      let end = DurableChainEnd(outcome, timeout: execution.settings.executionTimeout)
      try step(waiting) { try $0.complete(chain: operation, with: end, at: now) }
    }
  }

  private func save(_ operation: DurableOperation, of id: DurableExecutionID) throws {
    let before = try rows.operation(id, operation.id)
    if before == nil {
      var place = RowWriter(capacity: 8)
      place.int(operation.sequence)
      try tx.set(DurableKeys.place(id, operation.id), place.bytes)
    }
    if before?.due != operation.due {
      if let due = before?.due { try tx.delete(DurableKeys.pending(id, due, operation.id)) }
      if let due = operation.due { try tx.set(DurableKeys.pending(id, due, operation.id), []) }
    }
    if before?.isTaken != operation.isTaken {
      let place = DurableKeys.taken(id, operation.id)
      if operation.isTaken { try tx.set(place, []) } else if before?.isTaken == true { try tx.delete(place) }
    }
    try tx.set(DurableKeys.operation(id, operation.sequence), operation.row)
  }

  /// One row wakes the execution, at the earliest of all its times.
  private func save(_ execution: DurableExecution, before: DurableExecution?) throws {
    let prefix = DurableKeys.pending(execution.id)
    var due = execution.due
    if let first = try tx.first(KeyRange(prefix: prefix)) {
      var key = KeyReader(first.key, after: prefix)
      due = min(due ?? .distantFuture, try key.instant())
    }
    let old = try tx.get(DurableKeys.execution(execution.id)).flatMap { try DurableExecution.wake(ofRow: $0) }
    if old != due {
      if let old { try tx.delete(DurableKeys.wake(execution.id, old)) }
      if let due { try tx.set(DurableKeys.wake(execution.id, due), []) }
    }
    try tx.set(DurableKeys.execution(execution.id), execution.row(wake: due))
  }

  private func forget(_ id: DurableExecutionID) throws {
    guard let row = try tx.get(DurableKeys.execution(id)) else { return }
    let execution = try DurableExecution(row: row)
    if let wake = try DurableExecution.wake(ofRow: row) { try tx.delete(DurableKeys.wake(id, wake)) }
    try tx.delete(DurableKeys.execution(id))
    try tx.delete(DurableKeys.name(id.function, id.name))
    try tx.delete(DurableKeys.start(id, execution.started))
    for prefix in [DurableKeys.operations(id), DurableKeys.places(id), DurableKeys.pending(id), DurableKeys.events(id)] {
      try tx.deleteAll(KeyRange(prefix: prefix))
    }
  }
}

extension DurableExecution {
  /// A running server works on it.
  var isTaken: Bool {
    switch lane {
    case .running, .reporting: true
    case .idle, .due, .reportDue, .over: false
    }
  }
}

extension DurableOperation {
  var isTaken: Bool {
    if case .chainedInvoke(let chain) = details { chain.state == .running && status == .started } else { false }
  }
}
