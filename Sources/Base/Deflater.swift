/// Compresses to gzip files (RFC 1952): one block with the fixed code (RFC 1951), repetitions found by the last place of each three
/// bytes. Quick and small rather than tight.
extension Gzip {
  public static func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var writer = DeflateWriter(capacity: bytes.count / 2 + 64)
    // No name and no time, so that equal bytes give equal files.
    writer.bytes = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
    writer.bits(1, 1)
    writer.bits(1, 2)
    bytes.withUnsafeBufferPointer { Deflater.write($0, &writer) }
    writer.literal(256)
    writer.flush()
    writer.little(CRC.crc32(bytes))
    writer.little(UInt32(truncatingIfNeeded: bytes.count))
    return writer.bytes
  }
}

private enum Deflater {
  private static let window = 32_768
  private static let longest = 258
  private static let hashBits = 15

  static func write(_ bytes: UnsafeBufferPointer<UInt8>, _ writer: inout DeflateWriter) {
    var last = [Int32](repeating: -1, count: 1 << hashBits)
    var at = 0
    while at < bytes.count {
      guard at + 3 <= bytes.count else {
        writer.literal(Int(bytes[at]))
        at += 1
        continue
      }
      let slot = hash(bytes, at)
      let candidate = Int(last[slot])
      last[slot] = Int32(truncatingIfNeeded: at)
      let length = candidate >= 0 && at - candidate <= window ? match(bytes, candidate, at) : 0
      guard length >= 3 else {
        writer.literal(Int(bytes[at]))
        at += 1
        continue
      }
      writer.copy(length: length, distance: at - candidate)
      // Some places inside are noted, so that long repetitions are found again.
      for place in stride(from: at + 1, to: min(at + length, bytes.count - 2), by: 4) {
        last[hash(bytes, place)] = Int32(truncatingIfNeeded: place)
      }
      at += length
    }
  }

  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
    let three = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
    return Int((three &* 0x9e37_79b1) >> UInt32(32 - hashBits))
  }

  private static func match(_ bytes: UnsafeBufferPointer<UInt8>, _ old: Int, _ new: Int) -> Int {
    let most = min(longest, bytes.count - new)
    var length = 0
    while length < most, bytes[old + length] == bytes[new + length] { length += 1 }
    return length
  }
}

/// Bits from the lowest on; codes from their highest.
private struct DeflateWriter {
  var bytes: [UInt8] = []
  private var held: UInt32 = 0
  private var count: UInt32 = 0

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func bits(_ value: UInt32, _ width: UInt32) {
    held |= value << count
    count += width
    while count >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: held))
      held >>= 8
      count -= 8
    }
  }
  private mutating func code(_ code: UInt32, _ width: UInt32) {
    var reversed: UInt32 = 0
    for place in 0..<width where code & (1 << place) != 0 { reversed |= 1 << (width - 1 - place) }
    bits(reversed, width)
  }

  /// A byte, the end (256), or a length's symbol.
  mutating func literal(_ symbol: Int) {
    switch symbol {
    case 0..<144: code(UInt32(0x30 + symbol), 8)
    case 144..<256: code(UInt32(0x190 + symbol - 144), 9)
    case 256..<280: code(UInt32(symbol - 256), 7)
    default: code(UInt32(0xc0 + symbol - 280), 8)
    }
  }

  mutating func copy(length: Int, distance: Int) {
    let (symbol, extra, width) = Self.symbol(length - 3, groups: 4, first: 257, limit: 255)
    literal(symbol)
    bits(extra, width)
    let (place, more, moreWidth) = Self.symbol(distance - 1, groups: 2, first: 0, limit: .max)
    code(UInt32(place), 5)
    bits(more, moreWidth)
  }

  /// Symbols double their span every few: so many have the same number of extra bits.
  private static func symbol(_ value: Int, groups: Int, first: Int, limit: Int) -> (symbol: Int, extra: UInt32, width: UInt32) {
    guard value < limit else { return (285, 0, 0) }
    guard value >= groups * 2 else { return (first + value, 0, 0) }
    var width = 0
    while value >> width >= groups * 2 { width += 1 }
    return (first + groups * width + value >> width, UInt32(value & ((1 << width) - 1)), UInt32(width))
  }

  mutating func flush() {
    if count > 0 { bits(0, 8 - count) }
  }
  mutating func little(_ number: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
  }
}
