import Base
import Store

/// Where durable executions are kept. Nothing else makes keys of these spaces. EXECUTION stands for
/// account, region, function, id.
///
///     execution  (lambda, dx, EXECUTION)                                  → DurableExecution
///     name       (lambda, dn, account, region, function, name)            → id
///     start      (lambda, dl, account, region, function, started, id)     → empty; for lists by time
///     operation  (lambda, do, EXECUTION, sequence)                        → DurableOperation
///     place      (lambda, di, EXECUTION, operation)                       → sequence
///     pending    (lambda, dp, EXECUTION, due, operation)                  → empty; what time alone changes
///     event      (lambda, dh, EXECUTION, number)                          → DurableEvent
///     running    (lambda, dr, account, region)                            → how many executions have not ended
///     wake       (lambda, dt, due, EXECUTION)                             → empty; one for each execution that waits for a time
///     taken      (lambda, da, EXECUTION, operation)                       → empty; what a running server works on: the chained
///                                                                            invocation of an operation, or the execution itself
///                                                                            where the operation is empty
enum DurableKeys {
  static let executions = Key("lambda", "dx")
  static let wakes = Key("lambda", "dt")
  static let taken = Key("lambda", "da")

  static func execution(_ id: DurableExecutionID) -> Key { of(id, "dx") }
  static func running(_ function: FunctionID) -> Key { Key("lambda", "dr", function.account, function.region) }
  static func name(_ function: FunctionID, _ name: String) -> Key {
    Key("lambda", "dn", function.account, function.region, function.name, name)
  }
  static func starts(_ function: FunctionID) -> Key { Key("lambda", "dl", function.account, function.region, function.name) }
  static func start(_ id: DurableExecutionID, _ time: Instant) -> Key { starts(id.function).appending(time, id.id) }
  static func operations(_ id: DurableExecutionID) -> Key { of(id, "do") }
  static func operation(_ id: DurableExecutionID, _ sequence: Int) -> Key { operations(id).appending(sequence) }
  static func places(_ id: DurableExecutionID) -> Key { of(id, "di") }
  static func place(_ id: DurableExecutionID, _ operation: String) -> Key { places(id).appending(operation) }
  static func pending(_ id: DurableExecutionID) -> Key { of(id, "dp") }
  static func pending(_ id: DurableExecutionID, _ due: Instant, _ operation: String) -> Key {
    pending(id).appending(due, operation)
  }
  static func events(_ id: DurableExecutionID) -> Key { of(id, "dh") }
  static func event(_ id: DurableExecutionID, _ number: Int) -> Key { events(id).appending(number) }
  static func wake(_ id: DurableExecutionID, _ due: Instant) -> Key {
    wakes.appending(due, id.function.account, id.function.region, id.function.name, id.id)
  }
  static func taken(_ id: DurableExecutionID, _ operation: String?) -> Key { of(id, "da").appending(operation ?? "") }

  /// All spaces whose keys go on with the account.
  static func all(of account: AccountID) -> [Key] {
    ["dx", "dn", "dl", "do", "di", "dp", "dh", "dr", "da"].map { Key("lambda", $0, account) }
  }

  /// The key of the execution that the rest of a key of `wakes` or `taken` names.
  static func execution(from key: inout KeyReader) throws -> Key {
    executions.appending(try key.string(), try key.string(), try key.string(), try key.string())
  }
  /// The same, of what a caller names without knowing name and version.
  static func execution(_ function: FunctionID, _ id: String) -> Key {
    executions.appending(function.account, function.region, function.name, id)
  }

  private static func of(_ id: DurableExecutionID, _ kind: String) -> Key {
    Key("lambda", kind, id.function.account, id.function.region, id.function.name, id.id)
  }
}
