import Base

/// Compact bytes of a row: fields are written and read in one fixed order, after a version byte.
///
/// New fields are added at the end and read with `ifPresent`, so that older rows stay readable.
public struct RowWriter {
  public private(set) var bytes: [UInt8]
  public init(version: UInt8 = 1, capacity: Int = 128) {
    bytes = []
    bytes.reserveCapacity(capacity)
    bytes.append(version)
  }

  public mutating func varint(_ n: UInt64) {
    var n = n
    while n >= 0x80 { bytes.append(UInt8(truncatingIfNeeded: n) | 0x80); n >>= 7 }
    bytes.append(UInt8(n))
  }
  public mutating func int(_ n: Int64) { varint(UInt64(bitPattern: n << 1 ^ n >> 63)) }
  public mutating func int(_ n: Int) { int(Int64(n)) }
  public mutating func bool(_ b: Bool) { bytes.append(b ? 1 : 0) }
  public mutating func double(_ d: Double) { d.bitPattern.appendBigEndian(to: &bytes) }
  public mutating func instant(_ t: Instant) { int(t.milliseconds) }
  public mutating func blob(_ b: [UInt8]) { varint(UInt64(b.count)); bytes += b }
  public mutating func string(_ s: String) {
    var s = s
    s.withUTF8 { varint(UInt64($0.count)); bytes.append(contentsOf: $0) }
  }
  public mutating func optional<T>(_ value: T?, _ body: (inout RowWriter, T) -> Void) {
    bool(value != nil)
    if let value { body(&self, value) }
  }
  public mutating func optional(_ s: String?) { optional(s) { $0.string($1) } }
  public mutating func optional(_ n: Int?) { optional(n) { $0.int($1) } }
  public mutating func optional(_ t: Instant?) { optional(t) { $0.instant($1) } }
  public mutating func array<T>(_ values: [T], _ body: (inout RowWriter, T) -> Void) {
    varint(UInt64(values.count))
    for value in values { body(&self, value) }
  }
  public mutating func strings(_ values: [String]) { array(values) { $0.string($1) } }
  /// Sorted by name, so that equal maps have equal bytes.
  public mutating func map(_ values: [String: String]) {
    array(values.sorted { $0.key < $1.key }) { $0.string($1.key); $0.string($1.value) }
  }
}

/// Reads what `RowWriter` wrote. Every failure is `StoreError.corrupt`.
public struct RowReader {
  private let bytes: [UInt8]
  private var at = 0
  public let version: UInt8

  public init(_ bytes: [UInt8]) throws {
    guard let version = bytes.first else { throw StoreError.corrupt("empty row") }
    self.bytes = bytes
    self.version = version
    at = 1
  }

  public var isAtEnd: Bool { at >= bytes.count }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - at else { throw StoreError.corrupt("row too short") }
    defer { at += count }
    return bytes[at..<(at + count)]
  }
  public mutating func varint() throws -> UInt64 {
    var n: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      let byte = try take(1).first ?? 0
      n |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return n }
      shift += 7
    }
    throw StoreError.corrupt("integer too long")
  }
  public mutating func int64() throws -> Int64 {
    let n = try varint()
    return Int64(bitPattern: n >> 1) ^ -Int64(bitPattern: n & 1)
  }
  public mutating func int() throws -> Int { Int(try int64()) }
  public mutating func bool() throws -> Bool { try take(1).first == 1 }
  public mutating func double() throws -> Double { Double(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
  public mutating func instant() throws -> Instant { Instant(milliseconds: try int64()) }
  public mutating func blob() throws -> [UInt8] { Array(try take(Int(clamping: try varint()))) }
  public mutating func string() throws -> String { try take(Int(clamping: try varint())).utf8Text }
  public mutating func optional<T>(_ body: (inout RowReader) throws -> T) throws -> T? { try bool() ? try body(&self) : nil }
  public mutating func optionalString() throws -> String? { try optional { try $0.string() } }
  public mutating func optionalInt() throws -> Int? { try optional { try $0.int() } }
  public mutating func optionalInstant() throws -> Instant? { try optional { try $0.instant() } }
  public mutating func array<T>(_ body: (inout RowReader) throws -> T) throws -> [T] {
    let count = try varint()
    guard count <= UInt64(bytes.count) else { throw StoreError.corrupt("array too long") }
    var out: [T] = []
    out.reserveCapacity(Int(count))
    for _ in 0..<count { out.append(try body(&self)) }
    return out
  }
  public mutating func strings() throws -> [String] { try array { try $0.string() } }
  public mutating func map() throws -> [String: String] {
    Dictionary(try array { (try $0.string(), try $0.string()) }, uniquingKeysWith: { $1 })
  }
  /// Nil when an older version wrote the row and it ends here.
  public mutating func ifPresent<T>(_ body: (inout RowReader) throws -> T) throws -> T? { isAtEnd ? nil : try body(&self) }
}
