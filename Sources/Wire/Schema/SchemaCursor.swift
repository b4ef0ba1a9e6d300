import Base

/// Reads the fields of one line of a schema text.
struct SchemaCursor {
  struct MemberToken {
    var name: String
    var wireName: String?
    var queryName: String?
    var type: String
    var flags: Substring.UTF8View
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var at: Int
  private let end: Int

  /// The bytes are those of a StaticString and so outlive every cursor.
  init(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) { (self.bytes, at, self.end) = (bytes, start, end) }

  private func text(_ start: Int, _ end: Int) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
  }

  /// The next field, or nil at the end of the line.
  mutating func field() -> String? {
    while at < end, bytes[at] == UInt8(ascii: " ") { at += 1 }
    guard at < end else { return nil }
    let start = at
    while at < end, bytes[at] != UInt8(ascii: " ") { at += 1 }
    return text(start, at)
  }

  mutating func required() -> String {
    guard let field = field() else { preconditionFailure("schema: a field is missing") }
    return field
  }

  /// The next field; `-` stands for none.
  mutating func unlessDash() -> String? {
    let field = required()
    return field == "-" ? nil : field
  }

  /// `name[=wireName][?queryName]:type[;flags]`
  mutating func member() -> MemberToken? {
    guard let field = field() else { return nil }
    let utf8 = field.utf8
    // The wire name of an XML attribute has a colon of its own (`xsi:type`).
    guard let colon = utf8.prefix(while: { $0 != UInt8(ascii: ";") }).lastIndex(of: UInt8(ascii: ":")) else {
      preconditionFailure("schema: member without a type")
    }
    var head = field[..<colon]
    var (wireName, queryName): (String?, String?) = (nil, nil)
    if let mark = head.utf8.firstIndex(of: UInt8(ascii: "?")) {
      queryName = String(head[head.utf8.index(after: mark)...])
      head = head[..<mark]
    }
    if let mark = head.utf8.firstIndex(of: UInt8(ascii: "=")) {
      wireName = String(head[head.utf8.index(after: mark)...])
      head = head[..<mark]
    }
    let rest = field[utf8.index(after: colon)...]
    let semicolon = rest.utf8.firstIndex(of: UInt8(ascii: ";"))
    let flags = semicolon.map { rest[rest.utf8.index(after: $0)...] } ?? rest[rest.endIndex...]
    return MemberToken(
      name: String(head), wireName: wireName, queryName: queryName, type: String(rest[..<(semicolon ?? rest.endIndex)]),
      flags: flags.utf8)
  }

  /// `@name` of a list's element or `@key,value` of a map; an empty name is none.
  mutating func names() -> [String?]? {
    while at < end, bytes[at] == UInt8(ascii: " ") { at += 1 }
    guard at < end, bytes[at] == UInt8(ascii: "@") else { return nil }
    return required().dropFirst().split(separator: ",", omittingEmptySubsequences: false).map { $0.isEmpty ? nil : String($0) }
  }

  /// `1..64` range, `*` sensitive, `=A|B` values, `~` pattern to the end of the line.
  mutating func constraints() -> Constraints {
    var constraints = Constraints()
    while at < end {
      switch bytes[at] {
      case UInt8(ascii: " "): at += 1
      case UInt8(ascii: "*"):
        constraints.isSensitive = true
        at += 1
      case UInt8(ascii: "="):
        constraints.allowed = required().dropFirst().split(separator: "|", omittingEmptySubsequences: false).map {
          percentDecoded(String($0))
        }
      case UInt8(ascii: "~"):
        constraints.pattern = text(at + 1, end)
        at = end
      default:
        let range = required()
        guard let dots = range.utf8.firstIndex(of: UInt8(ascii: ".")) else {
          preconditionFailure("schema: bad constraint \(range)")
        }
        constraints.minimum = Double(range[..<dots])
        constraints.maximum = Double(range[range.utf8.index(dots, offsetBy: 2)...])
      }
    }
    return constraints
  }
}
