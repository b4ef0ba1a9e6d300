/// Writes JSON text piece by piece; the caller sees to the grammar.
public struct JSONWriter {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }
  private mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func beginObject() { separate(); bytes.append(UInt8(ascii: "{")); needsComma = false }
  public mutating func endObject() { bytes.append(UInt8(ascii: "}")); needsComma = true }
  public mutating func beginArray() { separate(); bytes.append(UInt8(ascii: "[")); needsComma = false }
  public mutating func endArray() { bytes.append(UInt8(ascii: "]")); needsComma = true }

  public mutating func name(_ text: String) {
    separate()
    quote(text)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }
  public mutating func null() { separate(); raw("null") }
  public mutating func bool(_ value: Bool) { separate(); if value { raw("true") } else { raw("false") } }
  public mutating func int(_ value: Int64) { separate(); bytes += Array(String(value).utf8) }
  /// NaN and the infinities become strings, as the AWS JSON protocols want.
  public mutating func double(_ value: Double) {
    separate()
    if value.isNaN { raw("\"NaN\"") } else if value.isInfinite {
      if value < 0 { raw("\"-Infinity\"") } else { raw("\"Infinity\"") }
    } else if value == value.rounded(), abs(value) < 1e15 {
      bytes += Array(String(Int64(value)).utf8)
      raw(".0")
    } else {
      bytes += Array(String(value).utf8)
    }
  }
  /// Epoch seconds with at most three decimals and never an exponent: older Java clients fail on one.
  public mutating func epochSeconds(_ instant: Instant) {
    separate()
    let ms = instant.milliseconds.magnitude
    let (whole, rest) = (ms / 1000, ms % 1000)
    if instant.milliseconds < 0 { bytes.append(UInt8(ascii: "-")) }
    bytes += Array(String(whole).utf8)
    guard rest != 0 else { return }
    bytes.append(UInt8(ascii: "."))
    bytes += Array(padded(Int(rest), 3).utf8)
  }
  public mutating func string(_ text: String) { separate(); quote(text) }
  /// Text that is JSON already.
  public mutating func verbatim(_ json: some Sequence<UInt8>) { separate(); bytes.append(contentsOf: json) }

  public mutating func value(_ json: JSON) {
    switch json {
    case .null: null()
    case .bool(let b): bool(b)
    case .int(let n): int(n)
    case .double(let d): double(d)
    case .number(let text): verbatim(text.utf8)
    case .string(let s): string(s)
    case .array(let elements):
      beginArray()
      for element in elements { value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for (memberName, member) in object { name(memberName); value(member) }
      endObject()
    }
  }

  private mutating func quote(_ text: String) {
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { utf8 in
      var start = 0
      for i in 0..<utf8.count {
        let b = utf8[i]
        guard b < 0x20 || b == UInt8(ascii: "\"") || b == UInt8(ascii: "\\") else { continue }
        bytes.append(contentsOf: utf8[start..<i])
        start = i + 1
        switch b {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 10: raw("\\n")
        case 13: raw("\\r")
        case 9: raw("\\t")
        default: bytes += Array("\\u00\([b].hex)".utf8)
        }
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSON {
  /// Compact text, members in their order.
  public var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.bytes
  }
  public var text: String { bytes.utf8Text }
}
