/// Why a text is not JSON, and where.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  public let reason: String
  public let offset: Int
  public var description: String { "\(reason) at byte \(offset)" }
}

/// Reads JSON (RFC 8259) from bytes, value by value, so that a decoder can go along a schema without a tree in between.
///
/// The caller asks for what it expects: `peek()` tells the kind of the next value, `string()`, `number()` and so on
/// consume it, `skip()` passes over it. Depth is limited to `maximumDepth`.
public struct JSONScanner {
  public enum Kind: Sendable { case null, bool, number, string, array, object }

  public static let maximumDepth = 200

  private let bytes: UnsafeBufferPointer<UInt8>
  public private(set) var offset = 0
  private var depth = 0

  /// The buffer must outlive the scanner.
  public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  public func failure(_ reason: String) -> JSONError { JSONError(reason: reason, offset: offset) }

  private mutating func skipBlanks() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 32, 9, 10, 13: offset += 1
      default: return
      }
    }
  }

  /// The kind of the next value, judged by its first byte.
  public mutating func peek() throws(JSONError) -> Kind {
    skipBlanks()
    guard offset < bytes.count else { throw failure("unexpected end of text") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case UInt8(ascii: "-"), 48...57: return .number
    default: throw failure("unexpected character")
    }
  }

  /// Fails when anything but blanks follows the last value.
  public mutating func end() throws(JSONError) {
    skipBlanks()
    guard offset == bytes.count else { throw failure("unexpected text after the value") }
  }

  private mutating func expect(_ word: StaticString) throws(JSONError) {
    let count = word.utf8CodeUnitCount
    guard offset + count <= bytes.count else { throw failure("unexpected end of text") }
    for i in 0..<count where bytes[offset + i] != word.utf8Start[i] { throw failure("unexpected character") }
    offset += count
  }

  public mutating func null() throws(JSONError) { skipBlanks(); try expect("null") }

  public mutating func bool() throws(JSONError) -> Bool {
    skipBlanks()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "t") { try expect("true"); return true }
    try expect("false")
    return false
  }

  /// Calls the body once for each member with its name; the body must consume the value.
  public mutating func object(_ member: (String, inout JSONScanner) throws -> Void) throws {
    try open(UInt8(ascii: "{"))
    skipBlanks()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "}") { offset += 1; depth -= 1; return }
    while true {
      skipBlanks()
      let name = try string()
      skipBlanks()
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else { throw failure("expected ':'") }
      offset += 1
      try member(name, &self)
      if try !next(closing: UInt8(ascii: "}")) { return }
    }
  }

  /// Calls the body once for each element; the body must consume it.
  public mutating func array(_ element: (inout JSONScanner) throws -> Void) throws {
    try open(UInt8(ascii: "["))
    skipBlanks()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") { offset += 1; depth -= 1; return }
    while true {
      try element(&self)
      if try !next(closing: UInt8(ascii: "]")) { return }
    }
  }

  private mutating func open(_ bracket: UInt8) throws(JSONError) {
    skipBlanks()
    guard offset < bytes.count, bytes[offset] == bracket else { throw failure("unexpected character") }
    guard depth < Self.maximumDepth else { throw failure("nested too deeply") }
    depth += 1
    offset += 1
  }

  /// True when a comma was read and another item follows.
  private mutating func next(closing bracket: UInt8) throws(JSONError) -> Bool {
    skipBlanks()
    guard offset < bytes.count else { throw failure("unexpected end of text") }
    if bytes[offset] == bracket { offset += 1; depth -= 1; return false }
    guard bytes[offset] == UInt8(ascii: ",") else { throw failure("expected ',' or a closing bracket") }
    offset += 1
    return true
  }

  /// Passes over the next value, checking its form.
  public mutating func skip() throws {
    switch try peek() {
    case .null: try null()
    case .bool: _ = try bool()
    case .number: _ = try numberText()
    case .string: _ = try string()
    case .array: try array { s in try s.skip() }
    case .object: try object { _, s in try s.skip() }
    }
  }

  /// The text of the next object or array, found by its brackets: what is inside is not judged, but its strings end.
  public mutating func verbatim() throws(JSONError) -> [UInt8] {
    skipBlanks()
    let start = offset
    var open = 0
    while offset < bytes.count {
      let b = bytes[offset]
      offset += 1
      if b == UInt8(ascii: "\"") {
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") { offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1 }
        guard offset < bytes.count else { throw failure("unexpected end of text") }
        offset += 1
      } else if b == UInt8(ascii: "{") || b == UInt8(ascii: "[") {
        open += 1
      } else if b == UInt8(ascii: "}") || b == UInt8(ascii: "]") {
        open -= 1
        if open <= 0 { return Array(bytes[start..<offset]) }
      }
    }
    throw failure("unexpected end of text")
  }

  /// The text of the next number, checked against the grammar.
  public mutating func numberText() throws(JSONError) -> UnsafeBufferPointer<UInt8> {
    skipBlanks()
    let start = offset
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    guard offset < bytes.count, isDigit(bytes[offset]) else { throw failure("bad number") }
    if bytes[offset] == UInt8(ascii: "0") { offset += 1 } else { skipDigits() }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      guard offset < bytes.count, isDigit(bytes[offset]) else { throw failure("bad number") }
      skipDigits()
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      guard offset < bytes.count, isDigit(bytes[offset]) else { throw failure("bad number") }
      skipDigits()
    }
    return UnsafeBufferPointer(rebasing: bytes[start..<offset])
  }
  private func isDigit(_ b: UInt8) -> Bool { b >= 48 && b <= 57 }
  private mutating func skipDigits() { while offset < bytes.count, isDigit(bytes[offset]) { offset += 1 } }

  /// The next number as `.int`, `.double`, or `.number` when both would lose digits.
  public mutating func number() throws(JSONError) -> JSON {
    let text = try numberText()
    var n: Int64 = 0
    var fits = text.count <= 19
    let negative = text[0] == UInt8(ascii: "-")
    for b in text[(negative ? 1 : 0)...] where fits {
      if !isDigit(b) { fits = false; break }
      let (product, overflow) = n.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(Int64(b - 48))
      fits = !overflow && !carry
      n = sum
    }
    if fits, negative || n != .min { return .int(negative ? n : -n) }
    let whole = String(decoding: text, as: UTF8.self)
    if let exact = Int64(whole) { return .int(exact) }
    // A whole number beyond Int64 keeps its digits, as does what a Double would write with other ones.
    guard text.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }), let d = Double(whole), d.isFinite,
      significantDigits(text).elementsEqual(significantDigits(d.description.utf8))
    else { return .number(whole) }
    return .double(d)
  }

  /// Without sign, point, exponent and the zeroes at both ends; none for zero.
  private func significantDigits(_ text: some Collection<UInt8>) -> some Collection<UInt8> {
    let digits = text.prefix { $0 | 0x20 != UInt8(ascii: "e") }.filter(isDigit).drop { $0 == 48 }
    return digits.prefix((digits.lastIndex { $0 != 48 } ?? digits.startIndex - 1) - digits.startIndex + 1)
  }

  /// The next string, unescaped. Control characters below U+0020 and ill-formed UTF-8 are refused.
  public mutating func string() throws(JSONError) -> String {
    skipBlanks()
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { throw failure("expected a string") }
    offset += 1
    let start = offset
    var ascii = true
    while offset < bytes.count {
      let b = bytes[offset]
      if b == UInt8(ascii: "\"") {
        let text = UnsafeBufferPointer(rebasing: bytes[start..<offset])
        offset += 1
        if ascii { return String(decoding: text, as: UTF8.self) }
        guard let valid = String(validating: text, as: UTF8.self) else { throw failure("ill-formed UTF-8") }
        return valid
      }
      if b == UInt8(ascii: "\\") { break }
      guard b >= 0x20 else { throw failure("control character in a string") }
      if b >= 0x80 { ascii = false }
      offset += 1
    }
    var out = Array(bytes[start..<offset])
    while offset < bytes.count {
      let b = bytes[offset]
      if b == UInt8(ascii: "\"") {
        offset += 1
        guard let valid = String(validating: out, as: UTF8.self) else { throw failure("ill-formed UTF-8") }
        return valid
      }
      guard b >= 0x20 else { throw failure("control character in a string") }
      offset += 1
      if b == UInt8(ascii: "\\") { try escape(into: &out) } else { out.append(b) }
    }
    throw failure("unexpected end of text")
  }

  private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
    guard offset < bytes.count else { throw failure("unexpected end of text") }
    let b = bytes[offset]
    offset += 1
    switch b {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(b)
    case UInt8(ascii: "b"): out.append(8)
    case UInt8(ascii: "f"): out.append(12)
    case UInt8(ascii: "n"): out.append(10)
    case UInt8(ascii: "r"): out.append(13)
    case UInt8(ascii: "t"): out.append(9)
    case UInt8(ascii: "u"):
      var code = try hex4()
      if code >= 0xD800, code < 0xDC00, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
        bytes[offset + 1] == UInt8(ascii: "u")
      {
        let saved = offset
        offset += 2
        let low = try hex4()
        if low >= 0xDC00, low < 0xE000 { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) } else { offset = saved }
      }
      // A lone surrogate has no UTF-8 form; it becomes U+FFFD as in other tolerant parsers.
      out += Array(String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
    default: throw failure("bad escape")
    }
  }

  private mutating func hex4() throws(JSONError) -> UInt32 {
    guard offset + 4 <= bytes.count else { throw failure("unexpected end of text") }
    var code: UInt32 = 0
    for i in 0..<4 {
      guard let digit = hexValue(bytes[offset + i]) else { throw failure("bad escape") }
      code = code << 4 | UInt32(digit)
    }
    offset += 4
    return code
  }

  /// The next value as a tree.
  public mutating func value() throws -> JSON {
    switch try peek() {
    case .null: try null(); return .null
    case .bool: return .bool(try bool())
    case .number: return try number()
    case .string: return .string(try string())
    case .array:
      var elements: [JSON] = []
      try array { s in elements.append(try s.value()) }
      return .array(elements)
    case .object:
      var members: [(name: String, value: JSON)] = []
      var places: [ExactText: Int] = [:]
      try object { name, s in
        let value = try s.value()
        let key = ExactText(name)
        if let place = places.updateValue(members.count, forKey: key) {
          members[place].value = value
          places[key] = place
        } else {
          members.append((name, value))
        }
      }
      return .object(JSONObject(unique: members))
    }
  }
}

extension JSON {
  /// Parses one JSON text; anything but blanks after it is an error.
  public static func parse(_ bytes: [UInt8]) throws -> JSON {
    try bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(buffer)
      let value = try scanner.value()
      try scanner.end()
      return value
    }
  }
  public static func parse(_ text: String) throws -> JSON { try parse(Array(text.utf8)) }

  /// Whether the bytes are one well-formed JSON text, without building it.
  public static func check(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(buffer)
      try scanner.skip()
      try scanner.end()
    }
  }
}
