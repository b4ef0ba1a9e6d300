/// A number below one key that goes up. Give each scope (a queue, a stream) its own, so that writers in different
/// scopes never meet.
public struct Counter: Sendable {
  public let key: Key
  public init(_ key: Key) { self.key = key }

  /// 0 when it was never changed.
  public func value(_ reader: any Reader) throws -> Int64 {
    guard let bytes = try reader.get(key) else { return 0 }
    var row = try RowReader(bytes)
    return try row.int64()
  }

  /// Adds and returns the new value. A counter at 0 takes no room.
  @discardableResult
  public func add(_ amount: Int64, _ transaction: any Transaction) throws -> Int64 {
    let value = try value(transaction) + amount
    if value == 0 { try transaction.delete(key) } else { try store(value, transaction) }
    return value
  }

  /// The next number of a sequence, from 1 on.
  public func next(_ transaction: any Transaction) throws -> Int64 { try add(1, transaction) }

  private func store(_ value: Int64, _ transaction: any Transaction) throws {
    var row = RowWriter(capacity: 12)
    row.int(value)
    try transaction.set(key, row.bytes)
  }
}
