import Base
import Store

/// Writes items of one table within one transaction: the items, their rows in indexes, when they expire, the tally, and what the
/// stream hears of it. `finish` writes what is kept once for all.
final class TableWriter {
  private let rows: any Transaction
  let stored: StoredTable
  private let now: Instant
  private var tally: Tally?
  private var changes: [[UInt8]] = []
  /// The same for destinations, which see all of both images.
  private var streamed: [[UInt8]] = []
  /// For the table's history.
  private var past: [[UInt8]] = []
  private lazy var images = Result { try stored.table.images.compactMap { try TableImage.read($0, rows) } }
  private(set) var capacity = Capacity()

  init(_ rows: any Transaction, _ stored: StoredTable, now: Instant) { (self.rows, self.stored, self.now) = (rows, stored, now) }

  func item(_ key: ItemKey) throws -> Item? { try rows.get(Keys.item(stored.table.id, key)).map { Item(bytes: $0) } }

  /// Puts the new item in place of the old one, which the caller has read; nil where there is none.
  /// Throws ItemCollectionSizeLimitExceededException.
  /// - Returns: the bytes of the item's collection, if the table has local indexes.
  @discardableResult
  func write(_ key: ItemKey, old: Item?, new: Item?, isExpiry: Bool = false) throws -> Int? {
    capacity.add(Capacity.write(max(old?.size ?? 0, new?.size ?? 0)))
    let collection = try measure(old: old, new: new)
    guard old != new else { return collection }
    if !stored.table.images.isEmpty { for image in try images.get() { try image.keepChanged(key, old, rows) } }
    if stored.table.recovery != nil { past.append(PastItem.row(key, old)) }
    let place = Keys.item(stored.table.id, key)
    if let new { try rows.set(place, new.bytes) } else { try rows.delete(place) }
    var tally = try self.tally ?? Tally(rows.get(Keys.tally(stored.table.id)))
    tally[0].items += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
    tally[0].bytes += (new?.size ?? 0) - (old?.size ?? 0)
    for index in stored.table.indexes {
      try write(index, key, old: old, new: new, &tally)
    }
    self.tally = tally
    try writeExpiry(key, old: old, new: new)
    note(key, old: old, new: new, isExpiry)
    return collection
  }

  /// What the streams will hear.
  private func note(_ key: ItemKey, old: Item?, new: Item?, _ isExpiry: Bool) {
    if stored.table.isStreamed {
      streamed.append(Change.bytes(stored.table, .newAndOld, old: old, new: new, isExpiry: isExpiry))
    }
    guard let stream = stored.table.stream, stream.isEnabled else { return }
    changes.append(Change.bytes(stored.table, stream.view, old: old, new: new, isExpiry: isExpiry))
  }

  /// Items of one partition, with what local indexes have of them, are a collection, which must not become too large.
  private func measure(old: Item?, new: Item?) throws -> Int? {
    let table = stored.table
    guard table.hasLocalIndexes, let hash = (new ?? old)?[table.key.hash.name] else { return nil }
    func size(_ item: Item?) -> Int {
      guard let item else { return 0 }
      return table.indexes.reduce(item.size) { sum, index in
        index.kind == .local ? sum + (index.projected(item, table: table.key)?.size ?? 0) : sum
      }
    }
    let counter = Counter(Keys.collection(table.id, hash))
    let (before, growth) = (Int(try counter.value(rows)), size(new) - size(old))
    guard growth <= 0 || before + growth <= DynamoDBLimits.collectionBytes else { throw DynamoDBError.collectionTooLarge }
    return growth == 0 ? before : Int(try counter.add(Int64(growth), rows))
  }

  private func write(_ index: SecondaryIndex, _ key: ItemKey, old: Item?, new: Item?, _ tally: inout Tally) throws {
    let after = entry(index, key, new)
    var before = entry(index, key, old)
    // The back-fill may not have come to the item yet.
    if index.status == .creating, let place = before?.key, try rows.get(place) == nil { before = nil }
    guard before?.key != after?.key || before?.item != after?.item else { return }
    let isMoved = before.map { $0.key != after?.key } ?? false
    if isMoved, let after, let before {
      capacity.add(Capacity.write(before.item.size) + Capacity.write(after.item.size), to: index.id)
    } else {
      capacity.add(Capacity.write(max(before?.item.size ?? 0, after?.item.size ?? 0)), to: index.id)
    }
    if let before {
      tally[index.id].items -= 1
      tally[index.id].bytes -= before.item.size
      if before.key != after?.key { try rows.delete(before.key) }
    }
    if let after {
      tally[index.id].items += 1
      tally[index.id].bytes += after.item.size
      try rows.set(after.key, after.item.bytes)
    }
  }

  /// The row that an item has in an index.
  private func entry(_ index: SecondaryIndex, _ key: ItemKey, _ item: Item?) -> (key: Key, item: Item)? {
    guard let item, let projected = index.projected(item, table: stored.table.key), let hash = item[index.key.hash.name] else { return nil }
    return (Keys.entry(stored.table, index, hash: hash, range: index.key.range.flatMap { item[$0.name] }, key), projected)
  }

  /// For the back-fill of an index: the row of an item that was there before. Items that were written since have theirs.
  func fill(_ index: SecondaryIndex, _ key: ItemKey, _ item: Item) throws {
    guard let entry = entry(index, key, item), try rows.get(entry.key) == nil else { return }
    var tally = try self.tally ?? Tally(rows.get(Keys.tally(stored.table.id)))
    tally[index.id].items += 1
    tally[index.id].bytes += entry.item.size
    self.tally = tally
    try rows.set(entry.key, entry.item.bytes)
  }

  private func writeExpiry(_ key: ItemKey, old: Item?, new: Item?) throws {
    guard stored.table.expires, let name = stored.table.expiryAttribute else { return }
    let (before, after) = (old.flatMap { Self.expiry($0, name) }, new.flatMap { Self.expiry($0, name) })
    guard before != after else { return }
    if let before { try rows.delete(Keys.expiry(before, stored.table.id, key)) }
    if let after { try rows.set(Keys.expiry(after, stored.table.id, key), stored.table.name.row) }
  }
  /// For items that were there before the attribute counted.
  func fillExpiry(_ key: ItemKey, _ item: Item) throws {
    guard stored.table.expires, let name = stored.table.expiryAttribute, let when = Self.expiry(item, name) else { return }
    try rows.set(Keys.expiry(when, stored.table.id, key), stored.table.name.row)
  }
  /// When an item expires, in seconds; only whole or fractional numbers count.
  static func expiry(_ item: Item, _ attribute: String) -> Int64? {
    guard let value = item[attribute], value.type == .number else { return nil }
    let number = Number(bytes: value.payload)
    guard !number.isNegative, number.exponent <= 18 else { return nil }
    return Int64(number.text.prefix { $0 != "." })
  }

  func finish() throws {
    if let tally { try rows.set(Keys.tally(stored.table.id), tally.row) }
    if !past.isEmpty { try Log(Keys.history(stored.table.id)).append(past, at: now, rows) }
    if !streamed.isEmpty {
      for destination in stored.table.destinations where destination.takesChanges {
        try Log(Keys.streamed(destination.id)).append(streamed, at: now, rows)
      }
    }
    if !changes.isEmpty, let stream = stored.table.stream { try Log(Keys.changes(stream.id)).append(changes, at: now, rows) }
  }
}
