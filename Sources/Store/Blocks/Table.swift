/// A secondary order of a table's rows: rows for which `keyOf` gives nil are not in it.
public struct Index<Row>: Sendable {
  /// Names the index on disk. It must not change, and no other index of the table has it.
  public let name: String
  /// The part of the index key that the caller looks up or scans by. Rows may share it.
  public let keyOf: @Sendable (Row) -> Key?

  public init(_ name: String, keyOf: @escaping @Sendable (Row) -> Key?) {
    self.name = name
    self.keyOf = keyOf
  }
}

/// Rows below a key prefix, with indexes that are kept in the same transaction.
///
/// Keys: (prefix, "r", id…) → row; (prefix, "i", index, indexKey…, id…) → how many bytes at its end are the id.
public struct Table<Row: Sendable>: Sendable {
  public let prefix: Key
  private let rows: Key
  private let indexes: [Index<Row>]
  private let encode: @Sendable (Row) -> [UInt8]
  private let decode: @Sendable ([UInt8]) throws -> Row

  public init(
    _ prefix: Key, indexes: [Index<Row>] = [], encode: @escaping @Sendable (Row) -> [UInt8],
    decode: @escaping @Sendable ([UInt8]) throws -> Row
  ) {
    self.prefix = prefix
    self.indexes = indexes
    self.encode = encode
    self.decode = decode
    rows = prefix.appending("r")
  }

  /// One page of rows in the order of their ids.
  public struct Page: Sendable {
    public var rows: [(id: Key, row: Row)]
    /// Where the next page starts (`after:`). Nil when this is the last one.
    public var next: Key?
  }

  public func get(_ id: Key, _ reader: any Reader) throws -> Row? { try reader.get(rowKey(id)).map(decode) }

  public func contains(_ id: Key, _ reader: any Reader) throws -> Bool { try reader.get(rowKey(id)) != nil }

  /// Puts the row in place of the one that has the id, and returns that one when the table has indexes.
  @discardableResult
  public func put(_ id: Key, _ row: Row, _ transaction: any Transaction) throws -> Row? {
    let old = indexes.isEmpty ? nil : try get(id, transaction)
    for index in indexes {
      let (before, after) = (old.flatMap { entryKey(index, $0, id) }, entryKey(index, row, id))
      guard before != after else { continue }
      if let before { try transaction.delete(before) }
      if let after { try transaction.set(after, Self.idLength(id)) }
    }
    try transaction.set(rowKey(id), encode(row))
    return old
  }

  /// Deletes the row and returns it. Nil when there was none.
  @discardableResult
  public func delete(_ id: Key, _ transaction: any Transaction) throws -> Row? {
    guard let old = try get(id, transaction) else { return nil }
    for index in indexes {
      if let entry = entryKey(index, old, id) { try transaction.delete(entry) }
    }
    try transaction.delete(rowKey(id))
    return old
  }

  /// Everything of the table, indexes too.
  public func deleteAll(_ transaction: any Transaction) throws {
    try transaction.deleteAll(KeyRange(prefix: rows))
    try transaction.deleteAll(KeyRange(prefix: prefix.appending("i")))
  }

  /// Up to `limit` rows whose ids begin with `idPrefix`, from the one behind `after` on.
  public func list(idPrefix: Key = Key(), after: Key? = nil, limit: Int, _ reader: any Reader) throws -> Page {
    try page(below: rows.appending(idPrefix), after: after.map(rowKey), limit: limit, reader) { key, value in
      (Key(bytes: Array(key.bytes.dropFirst(rows.bytes.count))), try decode(value))
    }
  }

  /// Up to `limit` rows in the order of the index whose index key begins with `key`. `after` is a `next` of this call.
  public func list(by index: String, _ key: Key = Key(), after: Key? = nil, limit: Int, _ reader: any Reader) throws -> Page {
    let base = indexKey(index)
    let start = after.map { base.appending($0) }
    return try page(below: base.appending(key), after: start, base: base, limit: limit, reader) { entry, length in
      let id = Key(bytes: Array(entry.bytes.suffix(try Self.idLength(length))))
      guard let row = try get(id, reader) else { throw StoreError.corrupt("index \(index) names a row that is not there") }
      return (id, row)
    }
  }

  private func page(
    below start: Key, after: Key?, base: Key? = nil, limit: Int, _ reader: any Reader,
    _ row: (Key, [UInt8]) throws -> (id: Key, row: Row)
  ) throws -> Page {
    var page = Page(rows: [], next: nil)
    guard limit > 0 else { return page }
    var range = KeyRange(prefix: start)
    if let after { range.lower = max(range.lower, Key(bytes: after.bytes + [0])) }
    let base = base ?? rows
    var last = Key()
    try reader.scan(range) { key, value in
      if page.rows.count == limit {
        page.next = Key(bytes: Array(last.bytes.dropFirst(base.bytes.count)))
        return false
      }
      page.rows.append(try row(key, value))
      last = key
      return true
    }
    return page
  }

  private func rowKey(_ id: Key) -> Key { rows.appending(id) }
  private func indexKey(_ name: String) -> Key { prefix.appending("i", name) }
  private func entryKey(_ index: Index<Row>, _ row: Row, _ id: Key) -> Key? {
    index.keyOf(row).map { indexKey(index.name).appending($0).appending(id) }
  }

  private static func idLength(_ id: Key) -> [UInt8] {
    var writer = RowWriter(capacity: 4)
    writer.int(id.bytes.count)
    return writer.bytes
  }
  private static func idLength(_ value: [UInt8]) throws -> Int {
    var reader = try RowReader(value)
    return try reader.int()
  }
}

extension Key {
  /// This key followed by the parts of the other one.
  public func appending(_ other: Key) -> Key { Key(bytes: bytes + other.bytes) }
}
