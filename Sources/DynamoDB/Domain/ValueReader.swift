import Base
import Wire

/// Reads attribute values in the JSON of the API into their stored form, in one pass over the bytes.
///
/// Throws `SerializationException` for what is not the JSON that it should be, and `ValidationException` for values that AWS refuses.
struct ValueReader {
  private let text: UnsafeBufferPointer<UInt8>
  private(set) var at = 0
  /// How many values lie around the one that is read.
  private var depth = 0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  static func item(_ raw: RawJSON) throws -> Item {
    var item = Item()
    item.bytes.reserveCapacity(raw.bytes.count)
    try read(raw) { try $0.map(into: &item.bytes) }
    return item
  }
  /// Named values, in their order.
  static func values(_ raw: RawJSON) throws -> [(name: String, value: AttributeValue)] {
    var values: [(name: String, value: AttributeValue)] = []
    try read(raw) { reader in
      try reader.members { name, reader in
        var bytes: [UInt8] = []
        guard try reader.value(into: &bytes) else { return }
        let name = name.utf8Text
        if let place = values.firstIndex(where: { $0.name == name }) { values.remove(at: place) }
        values.append((name, AttributeValue(bytes[...])))
      }
    }
    return values
  }
  static func list(_ raw: RawJSON) throws -> [AttributeValue] {
    var values: [AttributeValue] = []
    try read(raw) { reader in values = try reader.list() }
    return values
  }
  static func read(_ raw: RawJSON, _ body: (inout ValueReader) throws -> Void) throws {
    try raw.bytes.withUnsafeBufferPointer { buffer in
      var reader = ValueReader(buffer)
      try body(&reader)
      reader.skipBlanks()
      guard reader.at == buffer.count else { throw Self.malformed }
    }
  }

  static let malformed = AWSError("SerializationException", "The request body is not valid JSON.", status: 400)
  private static func unexpected(_ text: String) -> AWSError { AWSError("SerializationException", text, status: 400) }

  // Characters.

  mutating func skipBlanks() {
    while at < text.count, text[at] == 32 || text[at] == 10 || text[at] == 13 || text[at] == 9 { at += 1 }
  }
  private mutating func peek() throws -> UInt8 {
    skipBlanks()
    guard at < text.count else { throw Self.malformed }
    return text[at]
  }
  private mutating func take(_ letter: Unicode.Scalar) throws {
    guard try peek() == UInt8(ascii: letter) else { throw try mismatch(UInt8(ascii: letter)) }
    at += 1
  }
  private mutating func takes(_ letter: Unicode.Scalar) throws -> Bool {
    guard try peek() == UInt8(ascii: letter) else { return false }
    at += 1
    return true
  }
  /// What AWS says when another kind of value is there.
  private mutating func mismatch(_ wanted: UInt8) throws -> AWSError {
    switch (wanted, try peek()) {
    case (_, UInt8(ascii: "{")): Self.unexpected("Start of structure or map found where not expected.")
    case (_, UInt8(ascii: "[")): Self.unexpected("Start of list found where not expected.")
    case (UInt8(ascii: "{"), UInt8(ascii: "\"")), (UInt8(ascii: "{"), 48...57), (UInt8(ascii: "{"), UInt8(ascii: "t")),
      (UInt8(ascii: "{"), UInt8(ascii: "f")), (UInt8(ascii: "{"), UInt8(ascii: "-")):
      Self.unexpected("Unexpected value type in payload")
    case (UInt8(ascii: "["), _): Self.unexpected("Expected list or null")
    case (UInt8(ascii: "\""), 48...57), (UInt8(ascii: "\""), UInt8(ascii: "-")):
      Self.unexpected("NUMBER_VALUE cannot be converted to String")
    case (UInt8(ascii: "\""), UInt8(ascii: "t")): Self.unexpected("TRUE_VALUE cannot be converted to String")
    case (UInt8(ascii: "\""), UInt8(ascii: "f")): Self.unexpected("FALSE_VALUE cannot be converted to String")
    default: Self.malformed
    }
  }
  private mutating func takesNull() throws -> Bool {
    guard try peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }
  private mutating func word(_ word: StaticString) throws {
    guard at + word.utf8CodeUnitCount <= text.count else { throw Self.malformed }
    for place in 0..<word.utf8CodeUnitCount where text[at + place] != word.utf8Start[place] { throw Self.malformed }
    at += word.utf8CodeUnitCount
  }

  // Structures.

  /// Calls the body for each member; it must consume the value.
  mutating func members(_ body: (ArraySlice<UInt8>, inout ValueReader) throws -> Void) throws {
    try take("{")
    if try takes("}") { return }
    repeat {
      var name: [UInt8] = []
      try string(into: &name)
      try take(":")
      try body(name[...], &self)
    } while try takes(",")
    try take("}")
  }
  mutating func elements(_ body: (inout ValueReader) throws -> Void) throws {
    try take("[")
    if try takes("]") { return }
    repeat { try body(&self) } while try takes(",")
    try take("]")
  }
  mutating func list() throws -> [AttributeValue] {
    var values: [AttributeValue] = []
    try elements { reader in
      var bytes: [UInt8] = []
      if try reader.value(into: &bytes) { values.append(AttributeValue(bytes[...])) }
    }
    return values
  }
  /// Passes over the next value of a kind that nobody asked for.
  mutating func skip() throws {
    switch try peek() {
    case UInt8(ascii: "{"):
      depth += 1
      guard depth < 200 else { throw Self.malformed }
      try members { try $1.skip() }
      depth -= 1
    case UInt8(ascii: "["):
      depth += 1
      guard depth < 200 else { throw Self.malformed }
      try elements { try $0.skip() }
      depth -= 1
    case UInt8(ascii: "\""):
      var ignored: [UInt8] = []
      try string(into: &ignored)
    case UInt8(ascii: "n"): try word("null")
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    default:
      let start = at
      while at < text.count, text[at] > 32, text[at] != UInt8(ascii: ","), text[at] != UInt8(ascii: "}"), text[at] != UInt8(ascii: "]") {
        guard text[at] >= 48 && text[at] <= 57 || "+-.eE".utf8.contains(text[at]) else { throw Self.malformed }
        at += 1
      }
      guard at > start else { throw Self.malformed }
    }
  }
  mutating func string() throws -> String {
    var bytes: [UInt8] = []
    try string(into: &bytes)
    return bytes.utf8Text
  }
  mutating func bool() throws -> Bool {
    switch try peek() {
    case UInt8(ascii: "t"): try word("true"); return true
    case UInt8(ascii: "f"): try word("false"); return false
    case UInt8(ascii: "\""): throw Self.unexpected("STRING_VALUE cannot be converted to Boolean")
    case 48...57, UInt8(ascii: "-"): throw Self.unexpected("NUMBER_VALUE cannot be converted to Boolean")
    case UInt8(ascii: "["): throw Self.unexpected("Start of list found where not expected.")
    case UInt8(ascii: "{"): throw Self.unexpected("Start of structure or map found where not expected.")
    default: throw Self.malformed
    }
  }
  /// True when a null was there.
  mutating func null() throws -> Bool { try takesNull() }
}

// Values.
extension ValueReader {
  /// Appends the next value in its stored form. False when null stood in its place.
  mutating func value(into out: inout [UInt8]) throws -> Bool {
    if try takesNull() { return false }
    let start = out.count
    var types = 0
    guard depth <= DynamoDBLimits.nesting else { throw DynamoDBError.nesting }
    depth += 1
    defer { depth -= 1 }
    try members { name, reader in
      if try reader.takesNull() { return }
      guard let type = AttributeType(member: name) else { return try reader.skip() }
      types += 1
      if types > 1 { out.removeSubrange(start...) }
      try reader.content(type, into: &out)
    }
    if types == 0 { throw DynamoDBError.emptyValue }
    if types > 1 { throw DynamoDBError.severalTypes }
    return true
  }

  private mutating func content(_ type: AttributeType, into out: inout [UInt8]) throws {
    let start = out.count
    out.append(type.rawValue)
    switch type {
    case .string: try string(into: &out)
    case .number: try number(into: &out)
    case .binary: try base64(into: &out)
    case .true, .false: out[start] = (try bool() ? AttributeType.true : .false).rawValue
    case .null: guard try bool() else { throw DynamoDBError.invalidParameters("Null attribute value types must have the value of true") }
    case .stringSet: try set(type, into: &out) { try $0.string(into: &$1) }
    case .numberSet: try set(type, into: &out) { try $0.number(into: &$1) }
    case .binarySet: try set(type, into: &out) { try $0.base64(into: &$1) }
    case .list:
      try elements { reader in
        let start = out.count
        out.append(0)
        if try reader.value(into: &out) { Lengths.close(start, &out) } else { out.removeLast() }
      }
    case .map: try map(into: &out)
    }
  }

  /// What a name of an attribute may have (Developer Guide, "Constraints").
  /// - Parameter count: its bytes.
  static func checkName(_ count: Int) throws {
    guard count > 0 else { throw DynamoDBError.invalidParameters("Attribute names must not be empty") }
    guard count <= DynamoDBLimits.nameBytes else {
      throw DynamoDBError.invalidParameters("An attribute name is longer than \(DynamoDBLimits.nameBytes) bytes")
    }
  }

  /// Attributes, in the order of their names; the last of two with one name wins.
  mutating func map(into out: inout [UInt8]) throws {
    struct Entry { var name: Range<Int>; var start: Int; var end: Int }
    let begin = out.count
    var entries: [Entry] = []
    var isSorted = true
    try take("{")
    if try takes("}") { return }
    repeat {
      let start = out.count
      out.append(0)
      try string(into: &out)
      Lengths.close(start, &out)
      let name = (out[start] == 255 ? start + 5 : start + 1)..<out.count
      try Self.checkName(name.count)
      try take(":")
      let value = out.count
      out.append(0)
      guard try self.value(into: &out) else {
        out.removeSubrange(start...)
        continue
      }
      Lengths.close(value, &out)
      if isSorted, let last = entries.last { isSorted = out[last.name].lexicographicallyPrecedes(out[name]) }
      entries.append(Entry(name: name, start: start, end: out.count))
    } while try takes(",")
    try take("}")
    guard !isSorted else { return }
    // Stable, so that of equal names the last one stands last.
    let order = entries.indices.sorted { a, b in
      let (x, y) = (out[entries[a].name], out[entries[b].name])
      return x == y ? a < b : x.lexicographicallyPrecedes(y)
    }
    var sorted: [UInt8] = []
    sorted.reserveCapacity(out.count - begin)
    for (place, index) in order.enumerated() {
      if place + 1 < order.count, out[entries[index].name] == out[entries[order[place + 1]].name] { continue }
      sorted.append(contentsOf: out[entries[index].start..<entries[index].end])
    }
    out.replaceSubrange(begin..., with: sorted)
  }

  /// The elements in order, each after its length.
  private mutating func set(
    _ type: AttributeType, into out: inout [UInt8], _ element: (inout ValueReader, inout [UInt8]) throws -> Void
  ) throws {
    var found: [[UInt8]] = []
    try elements { reader in
      guard try !reader.takesNull() else { throw DynamoDBError.nullInSet(type) }
      var bytes: [UInt8] = []
      try element(&reader, &bytes)
      found.append(bytes)
    }
    guard !found.isEmpty else { throw DynamoDBError.emptySet(type) }
    let sorted = found.sorted { $0.lexicographicallyPrecedes($1) }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a == b { throw DynamoDBError.duplicates(type, found) }
    for piece in sorted { Lengths.append(piece, to: &out) }
  }

  private mutating func number(into out: inout [UInt8]) throws {
    var digits: [UInt8] = []
    try string(into: &digits)
    try digits.withUnsafeBufferPointer { buffer in
      do throws(Number.Failure) { try Number(text: buffer).append(to: &out) } catch { throw DynamoDBError.number(error, buffer.utf8Text) }
    }
  }

  private mutating func base64(into out: inout [UInt8]) throws {
    var digits: [UInt8] = []
    try string(into: &digits)
    guard let bytes = decodeBase64(digits) else { throw Self.malformedBlob }
    out.append(contentsOf: bytes)
  }
  private static let malformedBlob = AWSError(
    "SerializationException", "Base64 encoded length is expected a multiple of 4 bytes, or an invalid Base64 character was found", status: 400)

  /// Appends the next string, unescaped.
  mutating func string(into out: inout [UInt8]) throws {
    try take("\"")
    let start = out.count
    var isASCII = true
    while at < text.count {
      let run = at
      while at < text.count, text[at] != UInt8(ascii: "\""), text[at] != UInt8(ascii: "\\") {
        if text[at] >= 0x80 { isASCII = false } else if text[at] < 0x20 { throw Self.malformed }
        at += 1
      }
      out.append(contentsOf: text[run..<at])
      guard at < text.count else { break }
      at += 1
      if text[at - 1] == UInt8(ascii: "\"") {
        if !isASCII, String(validating: out[start...], as: UTF8.self) == nil { throw Self.malformed }
        return
      }
      try escape(into: &out)
    }
    throw Self.malformed
  }

  private mutating func escape(into out: inout [UInt8]) throws {
    guard at < text.count else { throw Self.malformed }
    let letter = text[at]
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(letter)
    case UInt8(ascii: "b"): out.append(8)
    case UInt8(ascii: "f"): out.append(12)
    case UInt8(ascii: "n"): out.append(10)
    case UInt8(ascii: "r"): out.append(13)
    case UInt8(ascii: "t"): out.append(9)
    case UInt8(ascii: "u"):
      var code = try hex4()
      if code >= 0xd800, code < 0xdc00, at + 1 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") {
        let saved = at
        at += 2
        let low = try hex4()
        if low >= 0xdc00, low < 0xe000 { code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00) } else { at = saved }
      }
      out.append(contentsOf: String(Character(Unicode.Scalar(code) ?? "\u{fffd}")).utf8)
    default: throw Self.malformed
    }
  }
  private mutating func hex4() throws -> UInt32 {
    guard at + 4 <= text.count else { throw Self.malformed }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexValue(text[at]) else { throw Self.malformed }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}

extension AttributeType {
  /// By the name of the member of an attribute value; `BOOL` is `true` until its value is read.
  init?(member name: ArraySlice<UInt8>) {
    switch name.utf8Text {
    case "S": self = .string
    case "N": self = .number
    case "B": self = .binary
    case "BOOL": self = .true
    case "NULL": self = .null
    case "SS": self = .stringSet
    case "NS": self = .numberSet
    case "BS": self = .binarySet
    case "L": self = .list
    case "M": self = .map
    default: return nil
    }
  }
}
