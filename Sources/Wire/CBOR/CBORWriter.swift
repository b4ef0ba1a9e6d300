/// Writes CBOR piece by piece, in definite lengths and the shortest heads.
public struct CBORWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  public mutating func int(_ number: Int64) {
    if number >= 0 { head(0, UInt64(number)) } else { head(1, UInt64(-1 - number)) }
  }
  public mutating func text(_ text: String) {
    head(3, UInt64(text.utf8.count))
    bytes += text.utf8
  }
  public mutating func blob(_ blob: [UInt8]) {
    head(2, UInt64(blob.count))
    bytes += blob
  }
  public mutating func bool(_ flag: Bool) { bytes.append(flag ? 0xf5 : 0xf4) }
  public mutating func null() { bytes.append(0xf6) }
  public mutating func double(_ number: Double) {
    bytes.append(0xfb)
    append(number.bitPattern, 8)
  }
  /// So many values have to follow.
  public mutating func array(_ count: Int) { head(4, UInt64(count)) }
  /// So many pairs of a text and a value have to follow.
  public mutating func map(_ count: Int) { head(5, UInt64(count)) }
  /// A value has to follow.
  public mutating func tag(_ tag: UInt64) { head(6, tag) }

  public mutating func value(_ value: CBOR) {
    switch value {
    case .unsigned(let number): head(0, number)
    case .negative(let number): head(1, number)
    case .bytes(let blob): self.blob(blob)
    case .text(let text): self.text(text)
    case .bool(let flag): bool(flag)
    case .null: null()
    case .undefined: bytes.append(0xf7)
    case .double(let number): double(number)
    case .tagged(let tag, let value):
      self.tag(tag)
      self.value(value)
    case .array(let values):
      array(values.count)
      for value in values { self.value(value) }
    case .map(let entries):
      map(entries.count)
      for entry in entries {
        text(entry.key)
        self.value(entry.value)
      }
    }
  }

  private mutating func head(_ type: UInt8, _ argument: UInt64) {
    switch argument {
    case 0..<24: bytes.append(type << 5 | UInt8(argument))
    case 24..<256:
      bytes.append(type << 5 | 24)
      append(argument, 1)
    case 256..<65_536:
      bytes.append(type << 5 | 25)
      append(argument, 2)
    case 65_536..<4_294_967_296:
      bytes.append(type << 5 | 26)
      append(argument, 4)
    default:
      bytes.append(type << 5 | 27)
      append(argument, 8)
    }
  }

  private mutating func append(_ number: UInt64, _ width: Int) {
    for place in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(place * 8))) }
  }
}
