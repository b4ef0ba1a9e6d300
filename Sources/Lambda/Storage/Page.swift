import Base
import Store

/// Part of a list, and where the next part begins.
struct Page<Item: Sendable>: Sendable {
  var items: [Item]
  /// Opaque and URL-safe; nil at the end of the list.
  var next: String?
}

/// Turns keys into markers and back. A marker holds only what follows the list's prefix, so that it reaches no other list.
enum Marker {
  static func text(for key: Key, in prefix: Key) -> String { key.bytes.dropFirst(prefix.bytes.count).hex }

  /// The range that begins behind the marker.
  static func range(_ prefix: Key, after marker: String?) throws -> KeyRange {
    guard let marker, !marker.isEmpty else { return KeyRange(prefix: prefix) }
    guard let rest = decodeHex(marker) else { throw LambdaError.invalidParameter("Invalid pagination token: \(marker)") }
    return KeyRange(Key(bytes: prefix.bytes + rest + [0]), prefix.end)
  }

  /// Reads up to `limit` rows that `decode` does not drop.
  static func page<Item>(
    _ reader: any Reader, _ prefix: Key, after marker: String?, limit: Int, _ decode: (Key, [UInt8]) throws -> Item?
  ) throws -> Page<Item> {
    var page = Page<Item>(items: [])
    var last: Key?
    try reader.scan(try range(prefix, after: marker)) { key, value in
      guard let item = try decode(key, value) else { return true }
      if page.items.count == limit {
        page.next = last.map { text(for: $0, in: prefix) }
        return false
      }
      page.items.append(item)
      last = key
      return true
    }
    return page
  }
}
