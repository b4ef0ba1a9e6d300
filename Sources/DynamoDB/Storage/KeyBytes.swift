import Store

/// Keys of items, as bytes that compare as the values do.
enum KeyBytes {
  /// Of one type within a table, so no tag stands before it. Texts and binaries end with 0, which is nowhere else: 0 and 1 in them
  /// become 1 1 and 1 2.
  static func append(_ value: AttributeValue, to out: inout [UInt8]) {
    if value.type == .number { return out.append(contentsOf: value.payload) }
    for byte in value.payload {
      out.append(max(byte, 1))
      if byte <= 1 { out.append(byte + 1) }
    }
    out.append(0)
  }

  /// FNV-1a, folded.
  static func hash(_ value: AttributeValue) -> UInt16 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in value.payload { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    hash ^= hash >> 32
    return UInt16(truncatingIfNeeded: hash ^ hash >> 16)
  }
  static func appendHash(_ value: AttributeValue, to out: inout [UInt8]) {
    let hash = hash(value)
    out.append(UInt8(hash >> 8))
    out.append(UInt8(hash & 255))
  }

  /// Every row of a partition of the table or of an index.
  /// - Parameter home: below which the rows of the table or index lie.
  static func partition(_ home: Key, _ hash: AttributeValue) -> Key {
    var key = home
    appendHash(hash, to: &key.bytes)
    append(hash, to: &key.bytes)
    return key
  }
}

/// The primary key of an item within its table: hash, partition and sort key.
struct ItemKey: Hashable, Sendable {
  var bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }
  init(hash: AttributeValue, range: AttributeValue?) {
    bytes = []
    bytes.reserveCapacity(hash.bytes.count + (range?.bytes.count ?? 0) + 8)
    KeyBytes.appendHash(hash, to: &bytes)
    KeyBytes.append(hash, to: &bytes)
    if let range { KeyBytes.append(range, to: &bytes) }
  }
}
