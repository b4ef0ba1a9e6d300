import Base
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A key of the ordered map: bytes that compare as the tuple that they were made from.
///
/// A key is built from typed parts; each part begins with a tag byte and ends unambiguously, so a prefix of parts is a
/// prefix of bytes and integers, instants and strings sort by value.
public struct Key: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var bytes: [UInt8]

  public init(bytes: [UInt8] = []) { self.bytes = bytes }
  public init(_ parts: any KeyPart...) {
    bytes = []
    bytes.reserveCapacity(64)
    for part in parts { part.append(to: &bytes) }
  }

  /// This key with further parts.
  public func appending(_ parts: any KeyPart...) -> Key {
    var key = self
    for part in parts { part.append(to: &key.bytes) }
    return key
  }

  @inlinable public static func < (a: Key, b: Key) -> Bool {
    a.bytes.withUnsafeBytes { a in b.bytes.withUnsafeBytes { b in Key.precedes(a, b) } }
  }
  @inlinable public static func == (a: Key, b: Key) -> Bool { a.bytes == b.bytes }

  /// The order of keys, on bytes that need not be arrays.
  @usableFromInline package static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    let common = min(a.count, b.count)
    if common > 0, let a = a.baseAddress, let b = b.baseAddress {
      let order = memcmp(a, b, common)
      if order != 0 { return order < 0 }
    }
    return a.count < b.count
  }

  /// The first key after all those that begin with this one. Keys made of parts never begin with byte 255, so
  /// for a key of nothing but 255 (or the empty one) it is a key after every made one.
  public var end: Key {
    var out = bytes
    while let last = out.last {
      if last < 0xff { out[out.count - 1] = last + 1; return Key(bytes: out) }
      out.removeLast()
    }
    return Key(bytes: [UInt8](repeating: 0xff, count: 64))
  }

  public func hasPrefix(_ prefix: Key) -> Bool { bytes.starts(with: prefix.bytes) }
  public var description: String { bytes.hex }
}

/// Half-open range of keys.
public struct KeyRange: Hashable, Sendable {
  public var lower: Key
  public var upper: Key
  public init(_ lower: Key, _ upper: Key) { (self.lower, self.upper) = (lower, upper) }
  /// Every key that begins with the prefix.
  public init(prefix: Key) { self.init(prefix, prefix.end) }
  @inlinable public var isEmpty: Bool { !(lower < upper) }
  @inlinable public func contains(_ key: Key) -> Bool { !(key < lower) && key < upper }
}

/// What may stand in a key.
public protocol KeyPart: Sendable {
  func append(to bytes: inout [UInt8])
}

extension String: KeyPart {
  /// Tag 2, UTF-8 with 0 escaped as 0 255, then 0.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(2)
    for byte in utf8 {
      bytes.append(byte)
      if byte == 0 { bytes.append(255) }
    }
    bytes.append(0)
  }
}
extension Int64: KeyPart {
  /// Tag 3, big-endian with the sign bit turned, so that negative numbers come first.
  public func append(to bytes: inout [UInt8]) {
    bytes.append(3)
    UInt64(bitPattern: self ^ .min).appendBigEndian(to: &bytes)
  }
}
extension Int: KeyPart {
  public func append(to bytes: inout [UInt8]) { Int64(self).append(to: &bytes) }
}
extension UInt64 {
  /// Eight bytes that sort as the number does.
  func appendBigEndian(to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: self >> UInt64(shift))) }
  }
}
extension Instant: KeyPart {
  public func append(to bytes: inout [UInt8]) { milliseconds.append(to: &bytes) }
}
extension AccountID: KeyPart {
  public func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}
extension Region: KeyPart {
  public func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}

/// Takes a key apart again, part by part, in the order in which it was made.
public struct KeyReader {
  private var rest: ArraySlice<UInt8>
  public init(_ key: Key, after prefix: Key = Key()) { rest = key.bytes.dropFirst(prefix.bytes.count) }

  public mutating func string() throws -> String {
    guard rest.popFirst() == 2 else { throw StoreError.corrupt("key part is not a string") }
    var out: [UInt8] = []
    while let byte = rest.popFirst() {
      if byte == 0 {
        if rest.first == 255 { rest.removeFirst(); out.append(0); continue }
        return out.utf8Text
      }
      out.append(byte)
    }
    throw StoreError.corrupt("key part without an end")
  }
  public mutating func int() throws -> Int64 {
    guard rest.popFirst() == 3, rest.count >= 8 else { throw StoreError.corrupt("key part is not an integer") }
    let raw = rest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    rest = rest.dropFirst(8)
    return Int64(bitPattern: raw) ^ .min
  }
  public mutating func instant() throws -> Instant { Instant(milliseconds: try int()) }
}
