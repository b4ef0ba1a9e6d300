import Base
import Store

/// Durable executions, their operations and their history.
struct DurableRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func execution(_ id: DurableExecutionID) throws -> DurableExecution? {
    // The version and the name are part of the ARN, but not of the key.
    try execution(at: DurableKeys.execution(id)).flatMap { $0.id == id ? $0 : nil }
  }
  func execution(at key: Key) throws -> DurableExecution? { try reader.get(key).map { try DurableExecution(row: $0) } }

  /// How many executions of the account and Region of a function have not ended.
  func running(_ function: FunctionID) throws -> Int { Int(try Counter(DurableKeys.running(function)).value(reader)) }

  func execution(_ function: FunctionID, named name: String) throws -> DurableExecution? {
    guard let id = try reader.get(DurableKeys.name(function, name))?.utf8Text else { return nil }
    return try execution(at: DurableKeys.execution(function, id))
  }

  func operation(_ id: DurableExecutionID, _ operation: String) throws -> DurableOperation? {
    guard let place = try reader.get(DurableKeys.place(id, operation)) else { return nil }
    var row = try RowReader(place)
    let sequence = try row.int()
    return try reader.get(DurableKeys.operation(id, sequence)).map { try DurableOperation(row: $0, sequence: sequence) }
  }

  /// Operations in the order in which they were started, until the body returns false.
  func operations(_ id: DurableExecutionID, _ body: (DurableOperation) throws -> Bool) throws {
    let prefix = DurableKeys.operations(id)
    try reader.scan(KeyRange(prefix: prefix)) { key, row in
      var key = KeyReader(key, after: prefix)
      return try body(try DurableOperation(row: row, sequence: Int(try key.int())))
    }
  }

  /// Operations whose time has come.
  func due(_ id: DurableExecutionID, upTo now: Instant) throws -> [String] {
    let prefix = DurableKeys.pending(id)
    let range = KeyRange(prefix, prefix.appending(Instant(milliseconds: now.milliseconds + 1)))
    return try reader.entries(range, limit: DurableLimits.dueOperations).map { entry in
      var key = KeyReader(entry.key, after: prefix)
      _ = try key.instant()
      return try key.string()
    }
  }

  func event(_ id: DurableExecutionID, _ number: Int) throws -> DurableEvent? {
    try reader.get(DurableKeys.event(id, number)).map { try DurableEvent(row: $0, number: number) }
  }

  /// Lines of the history up to the limit, or to some 5 MB.
  /// - Parameter marker: the number of the line to begin with.
  func events(
    _ id: DurableExecutionID, from marker: Int?, limit: Int, newestFirst: Bool
  ) throws -> (events: [DurableEvent], next: Int?) {
    let prefix = DurableKeys.events(id)
    var range = KeyRange(prefix: prefix)
    if let marker {
      if newestFirst { range.upper = DurableKeys.event(id, marker).end } else { range.lower = DurableKeys.event(id, marker) }
    }
    var page = (events: [DurableEvent](), next: Int?.none)
    var bytes = 0
    try reader.scan(range, reverse: newestFirst) { key, row in
      var key = KeyReader(key, after: prefix)
      let number = Int(try key.int())
      if page.events.count == limit || bytes > DurableLimits.pageBytes { page.next = number; return false }
      let event = try DurableEvent(row: row, number: number)
      page.events.append(event)
      bytes += event.size
      return true
    }
    return page
  }

  /// The input, which only the first line of the history holds.
  func input(_ id: DurableExecutionID) throws -> String? {
    guard case .executionStarted(let input, _) = try event(id, 1)?.details else { return nil }
    return input
  }

  /// How an execution ended; nil while it runs.
  func outcome(_ execution: DurableExecution) throws -> DurableOutcome? {
    guard execution.status != .running else { return nil }
    var outcome = DurableOutcome(status: execution.status)
    guard let number = execution.lastEvent, let details = try event(execution.id, number)?.details else { return outcome }
    switch details {
    case .executionSucceeded(let result): outcome.result = result
    case .executionFailed(let error): outcome.error = error
    case .executionTimedOut(let error), .executionStopped(let error): outcome.error = error
    default: throw StoreError.corrupt("the end of a durable execution")
    }
    return outcome
  }

  struct Filter: Sendable {
    var name: String?
    var version: String?
    var status: DurableExecution.Status?
    var after: Instant?
    var before: Instant?

    func matches(_ execution: DurableExecution) -> Bool {
      (name == nil || name == execution.id.name) && (version == nil || version == execution.id.version)
        && (status == nil || status == execution.status)
    }
  }

  /// The executions of a function. A page of a filtered list may be short although there are more.
  func page(
    _ function: FunctionID, _ filter: Filter, after marker: String?, limit: Int, newestFirst: Bool
  ) throws -> Page<DurableExecution> {
    if let name = filter.name {
      guard marker == nil else { throw LambdaError.invalidMarker() }
      return Page(items: try execution(function, named: name).flatMap { isWanted($0, filter) ? [$0] : nil } ?? [])
    }
    let prefix = DurableKeys.starts(function)
    var range = KeyRange(prefix: prefix)
    if let after = filter.after { range.lower = prefix.appending(Instant(milliseconds: after.milliseconds + 1)) }
    if let before = filter.before { range.upper = max(range.lower, prefix.appending(before)) }
    if let marker {
      guard let rest = decodeHex(marker) else { throw LambdaError.invalidMarker() }
      let last = Key(bytes: prefix.bytes + rest)
      if newestFirst { range.upper = min(range.upper, last) } else { range.lower = max(range.lower, Key(bytes: last.bytes + [0])) }
    }
    guard !range.isEmpty else { return Page(items: []) }
    return try page(range, prefix, function, filter, limit: limit, newestFirst: newestFirst)
  }

  private func isWanted(_ execution: DurableExecution, _ filter: Filter) -> Bool {
    filter.matches(execution) && filter.after.map { execution.started > $0 } ?? true
      && filter.before.map { execution.started < $0 } ?? true
  }

  private func page(
    _ range: KeyRange, _ prefix: Key, _ function: FunctionID, _ filter: Filter, limit: Int, newestFirst: Bool
  ) throws -> Page<DurableExecution> {
    var page = Page<DurableExecution>(items: [])
    var last: Key?
    var seen = 0
    try reader.scan(range, reverse: newestFirst) { key, _ in
      guard page.items.count < limit, seen < DurableLimits.listScan else {
        page.next = last.map { Marker.text(for: $0, in: prefix) }
        return false
      }
      seen += 1
      last = key
      var parts = KeyReader(key, after: prefix)
      _ = try parts.instant()
      guard let execution = try execution(at: DurableKeys.execution(function, try parts.string())) else { return true }
      if filter.matches(execution) { page.items.append(execution) }
      return true
    }
    return page
  }
}
