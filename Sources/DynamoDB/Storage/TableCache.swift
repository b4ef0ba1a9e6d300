import Base
import Store
import Synchronization

/// A table with the bytes of its row, by which a transaction sees whether it is still what it was.
final class StoredTable: Sendable {
  let bytes: [UInt8]
  let table: Table
  let key: Key
  /// Its ARN as text.
  let arn: String
  init(_ bytes: [UInt8], _ table: Table) {
    (self.bytes, self.table) = (bytes, table)
    (key, arn) = (Keys.table(table.name), table.name.arn.text)
  }

  /// Throws `StaleTable` when the row is another by now.
  func check(_ rows: any Reader) throws {
    guard try rows.get(key) == bytes else { throw StaleTable() }
  }
}

/// The cached table is not what the store has any more.
struct StaleTable: Error {}

/// Parsed tables, so that authorising and preparing a call reads nothing. What decides is the row: each transaction compares it.
final class TableCache: Sendable {
  private let store: any Store
  private let cache = Mutex<[TableName: StoredTable]>([:])

  init(_ store: any Store) { self.store = store }

  func cached(_ name: TableName) -> StoredTable? { cache.withLock { $0[name] } }

  func find(_ name: TableName) async throws -> StoredTable? {
    if let cached = cached(name) { return cached }
    let stored = try await store.read { rows in try Self.read(name, rows) }
    if let stored {
      cache.withLock { cache in
        if cache.count >= DynamoDBLimits.cachedTables { cache.removeAll(keepingCapacity: true) }
        cache[name] = stored
      }
    }
    return stored
  }

  func forget(_ name: TableName) { cache.withLock { _ = $0.removeValue(forKey: name) } }
  func forgetAll() { cache.withLock { $0.removeAll() } }

  static func read(_ name: TableName, _ rows: any Reader) throws -> StoredTable? {
    try rows.get(Keys.table(name)).map { StoredTable($0, try Table($0, name: name)) }
  }

  /// The same for one table, as most calls have it. Whoever runs checks the table first.
  func with<P: Sendable, T: Sendable>(
    _ name: TableName, prepare: (StoredTable) throws -> P, run: (StoredTable, P) async throws -> T
  ) async throws -> T {
    for _ in 0..<8 {
      guard let stored = try await find(name), !stored.table.isBeingMade else { throw DynamoDBError.resourceNotFound }
      do {
        return try await run(stored, try prepare(stored))
      } catch is StaleTable {
        forget(name)
      }
    }
    throw Self.restless
  }
  private static let restless = AWSError("InternalServerError", "The table changes too often.", status: 500, fault: .server)

  /// Prepares with the cached tables and runs with them, again when one turns out to be late.
  func with<P: Sendable, T: Sendable>(
    _ names: [TableName], prepare: ([TableName: StoredTable]) throws -> P,
    run: (@escaping @Sendable (any Reader) throws -> Void, P) async throws -> T
  ) async throws -> T {
    for _ in 0..<8 {
      var tables: [TableName: StoredTable] = [:]
      for name in names {
        guard let table = try await find(name), !table.table.isBeingMade else { throw DynamoDBError.resourceNotFound }
        tables[name] = table
      }
      let seen = tables
      let check: @Sendable (any Reader) throws -> Void = { rows in
        for table in seen.values { try table.check(rows) }
      }
      do {
        return try await run(check, try prepare(tables))
      } catch is StaleTable {
        for name in names { forget(name) }
      }
    }
    throw Self.restless
  }
}
