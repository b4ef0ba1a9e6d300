import Base
import Store

/// Rows of images: an item as it was, or that it was not there.
extension TableImage {
  static func read(_ id: Int, _ rows: any Reader) throws -> TableImage? {
    try rows.get(Keys.image(id)).map { try TableImage($0, id: id) }
  }
  func save(_ rows: any Transaction) throws { try rows.set(Keys.image(id), row) }

  /// The first to come to an item decides what it was.
  func keep(_ key: ItemKey, _ old: Item?, _ rows: any Transaction) throws {
    let place = Keys.imaged(id, key)
    guard try rows.get(place) == nil else { return }
    try rows.set(place, old.map { [1] + $0.bytes } ?? [0])
  }
  /// What a write to the table has to do for the image.
  func keepChanged(_ key: ItemKey, _ old: Item?, _ rows: any Transaction) throws {
    guard case .copying(let after) = phase, after.lexicographicallyPrecedes(key.bytes) else { return }
    try keep(key, old, rows)
  }

  /// Items behind a key in the order of their keys, of an image that is complete; with the last key.
  func items(
    after: [UInt8], limit: Int, bytes: Int, _ rows: any Reader
  ) throws -> (items: [(key: ItemKey, item: Item)], last: [UInt8], isAtEnd: Bool) {
    let (entries, isAtEnd) = try rows.page(Keys.imaged(id), after: after, limit: limit, bytes: bytes)
    return (entries.map { (ItemKey(bytes: $0.key), Item(bytes: Array($0.value.dropFirst()))) }, entries.last?.key ?? after, isAtEnd)
  }

  /// Gives up the image, complete or not; its rows go in the background.
  static func discard(_ id: Int, _ rows: any Transaction) throws {
    if let image = try read(id, rows), !image.isComplete { try image.leaveTable(rows) }
    try rows.delete(Keys.openImage(id))
    try rows.delete(Keys.image(id))
    try rows.set(Keys.garbage(id, 0, Keys.imageGarbage), [1])
  }
  /// Writes to the table need not keep anything for it any more.
  func leaveTable(_ rows: any Transaction) throws {
    guard var found = try TableCache.read(table, rows)?.table, found.id == tableID, found.images.contains(id) else { return }
    found.images.removeAll { $0 == id }
    try rows.set(Keys.table(table), found.row)
  }
}

extension Reader {
  /// Rows below a key in their order, behind the one whose key ends with these bytes: at most so many, and so many bytes, but one.
  func page(_ home: Key, after: [UInt8], limit: Int, bytes: Int) throws -> (entries: [(key: [UInt8], value: [UInt8])], isAtEnd: Bool) {
    var range = KeyRange(prefix: home)
    if !after.isEmpty { range.lower = Key(bytes: home.bytes + after + [0]) }
    var out: [(key: [UInt8], value: [UInt8])] = []
    var (size, isAtEnd) = (0, true)
    try scan(range) { key, value in
      guard out.count < limit, out.isEmpty || size + value.count <= bytes else {
        isAtEnd = false
        return false
      }
      out.append((Array(key.bytes.dropFirst(home.bytes.count)), value))
      size += value.count
      return true
    }
    return (out, isAtEnd)
  }
}
