/// Reads CBOR from bytes that must outlive it. Every length is checked against what is left before anything is made of it.
struct CBORReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private var depth = 0
  private var count = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func end() throws(CBORFailure) {
    guard at == bytes.count else { throw failure("there are bytes after the value") }
  }

  mutating func value() throws(CBORFailure) -> CBOR {
    count += 1
    guard count <= CBORLimits.values else { throw failure("there are too many values") }
    guard depth < CBORLimits.depth else { throw failure("values are nested too deeply") }
    depth += 1
    defer { depth -= 1 }
    let first = try byte()
    let info = first & 31
    switch first >> 5 {
    case 0: return .unsigned(try argument(info))
    case 1: return .negative(try argument(info))
    case 2: return .bytes(try string(2, info))
    case 3: return .text(try text(info))
    case 4: return .array(try array(info))
    case 5: return .map(try map(info))
    case 6: return .tagged(try argument(info), try value())
    default: return try simple(info)
    }
  }

  /// The number in the head; of an indefinite length there is none.
  private mutating func argument(_ info: UInt8) throws(CBORFailure) -> UInt64 {
    switch info {
    case 0..<24: UInt64(info)
    case 24: UInt64(try byte())
    case 25: try number(2)
    case 26: try number(4)
    case 27: try number(8)
    default: throw failure("a head is not well-formed")
    }
  }

  private mutating func number(_ width: Int) throws(CBORFailure) -> UInt64 {
    var number: UInt64 = 0
    for byte in try take(UInt64(width)) { number = number << 8 | UInt64(byte) }
    return number
  }

  private mutating func string(_ type: UInt8, _ info: UInt8) throws(CBORFailure) -> [UInt8] {
    guard info == 31 else { return Array(try take(try argument(info))) }
    var all: [UInt8] = []
    while try !isBreak() {
      count += 1
      guard count <= CBORLimits.values else { throw failure("there are too many values") }
      let first = try byte()
      guard first >> 5 == type, first & 31 != 31 else { throw failure("a piece of a string is not one") }
      let piece = try take(try argument(first & 31))
      if type == 3, String(validating: piece, as: UTF8.self) == nil { throw failure("a text is not UTF-8") }
      all += piece
    }
    return all
  }

  private mutating func text(_ info: UInt8) throws(CBORFailure) -> String {
    let text = info == 31 ? String(validating: try string(3, info), as: UTF8.self)
      : String(validating: try take(try argument(info)), as: UTF8.self)
    guard let text else { throw failure("a text is not UTF-8") }
    return text
  }

  private mutating func array(_ info: UInt8) throws(CBORFailure) -> [CBOR] {
    var values: [CBOR] = []
    if info == 31 {
      while try !isBreak() { values.append(try value()) }
      return values
    }
    for _ in 0..<(try length(info, bytesEach: 1)) { values.append(try value()) }
    return values
  }

  private mutating func map(_ info: UInt8) throws(CBORFailure) -> [CBOR.Entry] {
    var entries: [CBOR.Entry] = []
    if info == 31 {
      while try !isBreak() { entries.append(try entry()) }
      return entries
    }
    for _ in 0..<(try length(info, bytesEach: 2)) { entries.append(try entry()) }
    return entries
  }

  private mutating func entry() throws(CBORFailure) -> CBOR.Entry {
    let first = try byte()
    guard first >> 5 == 3 else { throw failure("a key is not text") }
    let key = try text(first & 31)
    return CBOR.Entry(key, try value())
  }

  private mutating func simple(_ info: UInt8) throws(CBORFailure) -> CBOR {
    switch info {
    case 20: return .bool(false)
    case 21: return .bool(true)
    case 22: return .null
    case 23: return .undefined
    case 25: return .double(Self.half(UInt16(truncatingIfNeeded: try number(2))))
    case 26: return .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: try number(4)))))
    case 27: return .double(Double(bitPattern: try number(8)))
    case 31: throw failure("a break is out of place")
    default: throw failure("a simple value is not known")
    }
  }

  /// IEEE 754 binary16, which Swift does not have on every platform.
  private static func half(_ bits: UInt16) -> Double {
    let fraction = Double(bits & 1023)
    let magnitude = switch bits >> 10 & 31 {
    case 0: fraction / 16_777_216
    case 31: fraction == 0 ? Double.infinity : .nan
    case let exponent: Double(sign: .plus, exponent: Int(exponent) - 15, significand: 1 + fraction / 1024)
    }
    return bits >> 15 == 1 ? -magnitude : magnitude
  }

  // MARK: - Bytes

  private mutating func byte() throws(CBORFailure) -> UInt8 {
    guard at < bytes.count else { throw failure("the value ends early") }
    at += 1
    return bytes[at - 1]
  }

  private mutating func take(_ count: UInt64) throws(CBORFailure) -> UnsafeBufferPointer<UInt8> {
    guard count <= UInt64(bytes.count - at) else { throw failure("the value ends early") }
    at += Int(count)
    return UnsafeBufferPointer(rebasing: bytes[(at - Int(count))..<at])
  }

  /// A length that the bytes left can hold.
  private mutating func length(_ info: UInt8, bytesEach: Int) throws(CBORFailure) -> Int {
    let length = try argument(info)
    guard length <= UInt64((bytes.count - at) / bytesEach) else { throw failure("the value ends early") }
    return Int(length)
  }

  private mutating func isBreak() throws(CBORFailure) -> Bool {
    guard at < bytes.count else { throw failure("the value ends early") }
    guard bytes[at] == 0xff else { return false }
    at += 1
    return true
  }

  private func failure(_ reason: String) -> CBORFailure { CBORFailure(reason: reason, offset: at) }
}
