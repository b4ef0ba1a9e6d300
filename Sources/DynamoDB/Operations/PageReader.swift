import Base
import Store

/// One page of a query or scan that is ready to be read.
struct PageReader: Sendable {
  var table: Table
  var index: SecondaryIndex?
  var rows: KeyRange
  var isReverse = false
  var limit: Int?
  var filter: BoundCondition?
  var projection: Projection?
  var isCount = false
  /// What a local index does not have is read from the table.
  var fetches = false
  var isConsistent = false

  struct Page: Sendable {
    var items: [Item] = []
    var count = 0
    var scanned = 0
    var bytes = 0
    /// Of items that were read from the table.
    var fetchedBytes: [Int] = []
    /// Where the next page begins.
    var last: Item?
  }

  /// The rows of the table or of the index.
  static func home(_ table: Table, _ index: SecondaryIndex?) -> Key {
    index.map { Keys.index(table.id, $0) } ?? Keys.items(table.id)
  }

  func read(_ reader: any Reader) throws -> Page {
    var page = Page()
    guard !rows.isEmpty else { return page }
    var isFull = false
    try reader.scan(rows, reverse: isReverse) { _, bytes in
      var item = Item(bytes: bytes)
      let key = item
      page.scanned += 1
      page.bytes += item.size
      if fetches {
        item = try fetched(item, reader)
        page.fetchedBytes.append(item.size)
      }
      if filter?.holds(item) ?? true {
        page.count += 1
        if !isCount { page.items.append(projection?(item) ?? item) }
      }
      guard page.scanned == limit || page.bytes >= DynamoDBLimits.pageBytes else { return true }
      page.last = table.keyItem(key, index: index)
      isFull = true
      return false
    }
    if !isFull { page.last = nil }
    return page
  }

  private func fetched(_ item: Item, _ reader: any Reader) throws -> Item {
    guard let hash = item[table.key.hash.name] else { return item }
    let key = ItemKey(hash: hash, range: table.key.range.flatMap { item[$0.name] })
    return try reader.get(Keys.item(table.id, key)).map { Item(bytes: $0) } ?? item
  }

  func capacity(_ page: Page) -> Capacity {
    var capacity = Capacity()
    capacity.add(Capacity.read(page.bytes, isConsistent: isConsistent), to: index?.id ?? 0)
    for bytes in page.fetchedBytes { capacity.add(Capacity.read(bytes, isConsistent: isConsistent)) }
    return capacity
  }

  /// Begins behind the item that a page before ended with.
  mutating func begin(after start: Item) throws {
    let key = try Self.rowKey(start, table, index)
    guard rows.contains(key) else {
      throw DynamoDBError.validation("The provided starting key is outside query boundaries based on provided conditions")
    }
    if isReverse { rows.upper = key } else { rows.lower = Key(bytes: key.bytes + [0]) }
  }

  /// The row that an item with these key attributes has; throws when they are not all of them, or others, too.
  static func rowKey(_ start: Item, _ table: Table, _ index: SecondaryIndex?) throws -> Key {
    let wanted = table.key.attributes + (index?.key.attributes ?? []).filter { !table.key.attributes.contains($0) }
    var count = 0
    Item.forEach(start.bytes[...]) { _, _ in count += 1 }
    guard count == wanted.count, wanted.allSatisfy({ start[$0.name]?.type == $0.type }), let hash = start[table.key.hash.name] else {
      throw DynamoDBError.validation("The provided starting key is invalid")
    }
    let item = ItemKey(hash: hash, range: table.key.range.flatMap { start[$0.name] })
    guard let index, let indexHash = start[index.key.hash.name] else { return Keys.item(table.id, item) }
    return Keys.entry(table, index, hash: indexHash, range: index.key.range.flatMap { start[$0.name] }, item)
  }
}
