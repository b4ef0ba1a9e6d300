import Base
import Wire

/// Writes stored values as the JSON of the API.
struct ValueText {
  private(set) var bytes: [UInt8]
  init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  static func json(_ item: Item) -> RawJSON {
    var text = ValueText(capacity: item.bytes.count * 3 / 2 + 64)
    text.map(item.bytes[...])
    return RawJSON(text.bytes)
  }
  static func json(_ items: [Item]) -> RawJSON {
    var text = ValueText(capacity: items.reduce(64) { $0 + $1.bytes.count * 3 / 2 + 64 })
    text.byte("[")
    for (place, item) in items.enumerated() {
      if place > 0 { text.byte(",") }
      text.map(item.bytes[...])
    }
    text.byte("]")
    return RawJSON(text.bytes)
  }
  static func json(_ value: AttributeValue) -> RawJSON {
    var text = ValueText()
    text.value(value.bytes)
    return RawJSON(text.bytes)
  }

  private mutating func byte(_ letter: Unicode.Scalar) { bytes.append(UInt8(ascii: letter)) }
  private mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// The attributes of an item or of a map.
  mutating func map(_ entries: ArraySlice<UInt8>) {
    byte("{")
    var at = entries.startIndex
    var isFirst = true
    while let name = Lengths.read(entries, &at), let value = Lengths.read(entries, &at) {
      if !isFirst { byte(",") }
      isFirst = false
      string(name)
      byte(":")
      self.value(value)
    }
    byte("}")
  }

  mutating func value(_ encoded: ArraySlice<UInt8>) {
    let value = AttributeValue(encoded)
    switch value.type {
    case .string: raw("{\"S\":"); string(value.payload)
    case .number: raw("{\"N\":"); number(value.payload)
    case .binary: raw("{\"B\":"); base64(value.payload)
    case .true: raw("{\"BOOL\":true")
    case .false: raw("{\"BOOL\":false")
    case .null: raw("{\"NULL\":true")
    case .stringSet: raw("{\"SS\":"); list(value) { $0.string($1) }
    case .numberSet: raw("{\"NS\":"); list(value) { $0.number($1) }
    case .binarySet: raw("{\"BS\":"); list(value) { $0.base64($1) }
    case .list: raw("{\"L\":"); list(value) { $0.value($1) }
    case .map: raw("{\"M\":"); map(value.payload)
    }
    byte("}")
  }

  private mutating func list(_ value: AttributeValue, _ element: (inout ValueText, ArraySlice<UInt8>) -> Void) {
    byte("[")
    for (place, piece) in value.elements.enumerated() {
      if place > 0 { byte(",") }
      element(&self, piece)
    }
    byte("]")
  }

  private mutating func number(_ payload: ArraySlice<UInt8>) {
    byte("\"")
    Number(bytes: payload).appendText(to: &bytes)
    byte("\"")
  }
  private mutating func base64(_ payload: ArraySlice<UInt8>) {
    byte("\"")
    bytes.append(contentsOf: payload.base64.utf8)
    byte("\"")
  }
  private mutating func string(_ payload: ArraySlice<UInt8>) {
    byte("\"")
    var start = payload.startIndex
    for at in payload.indices {
      let b = payload[at]
      guard b < 0x20 || b == UInt8(ascii: "\"") || b == UInt8(ascii: "\\") else { continue }
      bytes.append(contentsOf: payload[start..<at])
      start = at + 1
      switch b {
      case UInt8(ascii: "\""): raw("\\\"")
      case UInt8(ascii: "\\"): raw("\\\\")
      case 10: raw("\\n")
      case 13: raw("\\r")
      case 9: raw("\\t")
      default: bytes.append(contentsOf: "\\u00\([b].hex)".utf8)
      }
    }
    bytes.append(contentsOf: payload[start...])
    byte("\"")
  }
}
