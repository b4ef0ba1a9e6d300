/// Reads a document in one pass, without recursion.
struct XMLParser {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private var open: [Open] = []
  private var elements = 0
  /// Declarations in scope, innermost last.
  private var namespaces: [(prefix: String, uri: String)] = []

  private struct Open {
    /// With its prefix, as the end tag must repeat it.
    var tag: Range<Int>
    var element: XMLElement
    var text: [UInt8] = []
    var namespaceCount: Int
  }

  /// The bytes must outlive the parser.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func document() throws(XMLFailure) -> XMLElement {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw failure("the document is not UTF-8") }
    if starts("\u{FEFF}") { at += 3 }
    try declaration()
    var root: XMLElement?
    while at < bytes.count {
      if bytes[at] != UInt8(ascii: "<") {
        try characters()
        continue
      }
      switch at + 1 < bytes.count ? bytes[at + 1] : 0 {
      case UInt8(ascii: "/"): if let element = try endTag() { root = element }
      case UInt8(ascii: "!"): try declarationOrComment()
      case UInt8(ascii: "?"): try instruction()
      default:
        guard root == nil else { throw failure("there is more than one root element") }
        if let element = try startTag() { root = element }
      }
    }
    guard open.isEmpty, let root else { throw failure(open.isEmpty ? "there is no root element" : "an element is not closed") }
    return root
  }

  // MARK: - Markup

  private mutating func declaration() throws(XMLFailure) {
    guard starts("<?xml"), at + 5 < bytes.count, isBlank(bytes[at + 5]) else { return }
    let text = try skip(to: "?>", "the XML declaration is not closed").lowercased()
    if let mark = text.utf8.firstRange(of: "encoding".utf8) {
      let encoding = text[mark.upperBound...]
      guard encoding.utf8.firstRange(of: "utf-8".utf8) != nil || encoding.utf8.firstRange(of: "us-ascii".utf8) != nil else {
        throw failure("the encoding is not UTF-8")
      }
    }
  }

  private mutating func instruction() throws(XMLFailure) {
    let text = try skip(to: "?>", "a processing instruction is not closed")
    guard text.prefix(5).lowercased() != "<?xml" || text.utf8.count > 5 && isNameByte(Array(text.utf8)[5]) else {
      throw failure("an XML declaration is not at the start")
    }
  }

  private mutating func declarationOrComment() throws(XMLFailure) {
    if starts("<!--") { return try comment() }
    if starts("<![CDATA[") { return try characterData() }
    throw failure("document type declarations are not allowed")
  }

  private mutating func comment() throws(XMLFailure) {
    let text = try skip(to: "-->", "a comment is not closed")
    guard text.utf8.dropFirst(4).dropLast(3).firstRange(of: "--".utf8) == nil else { throw failure("a comment has a double hyphen") }
  }

  /// The text up to the mark, which is passed over.
  private mutating func skip(to mark: StaticString, _ message: String) throws(XMLFailure) -> String {
    let start = at
    // A comment's own opening is not its end: `<!-->`.
    at += mark.utf8CodeUnitCount == 3 ? 4 : 2
    while at < bytes.count, !starts(mark) { at += 1 }
    guard at < bytes.count else { throw failure(message) }
    at += mark.utf8CodeUnitCount
    return text(start..<at)
  }

  /// The root, when it is an empty element.
  private mutating func startTag() throws(XMLFailure) -> XMLElement? {
    elements += 1
    guard elements <= XMLLimits.elements, open.count < XMLLimits.depth else { throw failure("there are too many elements") }
    at += 1
    let tag = try name()
    let namespaceCount = namespaces.count
    let attributes = try self.attributes()
    let (prefix, local) = try split(tag)
    let namespace = try namespace(of: prefix)
    var element = XMLElement(name: local, namespace: namespace)
    element.attributes = try resolved(attributes)
    if starts("/>") {
      at += 2
      namespaces.removeLast(namespaces.count - namespaceCount)
      return close(element)
    }
    guard starts(">") else { throw failure("a start tag is not closed") }
    at += 1
    open.append(Open(tag: tag, element: element, namespaceCount: namespaceCount))
    return nil
  }

  /// The root, when it is closed.
  private mutating func endTag() throws(XMLFailure) -> XMLElement? {
    at += 2
    let tag = try name()
    blanks()
    guard starts(">") else { throw failure("an end tag is not closed") }
    at += 1
    guard var ended = open.popLast(), bytes[tag].elementsEqual(bytes[ended.tag]) else {
      throw failure("an end tag does not match its start tag")
    }
    namespaces.removeLast(namespaces.count - ended.namespaceCount)
    if ended.element.children.isEmpty || !ended.text.allSatisfy(isBlank) {
      ended.element.text = String(decoding: ended.text, as: UTF8.self)
    }
    return close(ended.element)
  }

  private mutating func close(_ element: XMLElement) -> XMLElement? {
    if open.isEmpty { return element }
    open[open.count - 1].element.children.append(element)
    return nil
  }

  // MARK: - Names and attributes

  private mutating func name() throws(XMLFailure) -> Range<Int> {
    let start = at
    guard at < bytes.count, isNameByte(bytes[at]), !isInnerNameByte(bytes[at]) else { throw failure("a name is missing") }
    while at < bytes.count, isNameByte(bytes[at]) { at += 1 }
    guard at - start <= XMLLimits.nameBytes else { throw failure("a name is too long") }
    return start..<at
  }

  private func split(_ name: Range<Int>) throws(XMLFailure) -> (prefix: String, local: String) {
    guard let colon = bytes[name].firstIndex(of: UInt8(ascii: ":")) else { return ("", text(name)) }
    let local = (colon + 1)..<name.upperBound
    guard colon > name.lowerBound, !local.isEmpty, !bytes[local].contains(UInt8(ascii: ":")) else {
      throw failure("a name has a misplaced colon")
    }
    return (text(name.lowerBound..<colon), text(local))
  }

  private func namespace(of prefix: String) throws(XMLFailure) -> String? {
    if let found = namespaces.last(where: { $0.prefix == prefix })?.uri { return found.isEmpty ? nil : found }
    if prefix == "xml" { return "http://www.w3.org/XML/1998/namespace" }
    guard prefix.isEmpty else { throw failure("the prefix \(prefix) is not declared") }
    return nil
  }

  /// All but the declarations of namespaces, which come into scope.
  private mutating func attributes() throws(XMLFailure) -> [(name: Range<Int>, value: String)] {
    var found: [(name: Range<Int>, value: String)] = []
    var count = 0
    while true {
      let start = at
      blanks()
      guard at < bytes.count, bytes[at] != UInt8(ascii: ">"), bytes[at] != UInt8(ascii: "/") else { return found }
      guard at > start else { throw failure("a blank is missing before an attribute") }
      count += 1
      guard count <= XMLLimits.attributes else { throw failure("an element has too many attributes") }
      let name = try name()
      blanks()
      guard starts("=") else { throw failure("an attribute has no value") }
      at += 1
      blanks()
      let value = try attributeValue()
      let (prefix, local) = try split(name)
      if prefix == "xmlns" || prefix.isEmpty && local == "xmlns" {
        guard namespaces.count < XMLLimits.namespaces else { throw failure("there are too many namespaces") }
        guard prefix.isEmpty || !value.isEmpty else { throw failure("a namespace is empty") }
        namespaces.append((prefix.isEmpty ? "" : local, value))
      } else {
        found.append((name, value))
      }
    }
  }

  private mutating func attributeValue() throws(XMLFailure) -> String {
    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "'") else {
      throw failure("the value of an attribute is not in quotes")
    }
    let quote = bytes[at]
    at += 1
    var value: [UInt8] = []
    while at < bytes.count, bytes[at] != quote {
      guard value.count < XMLLimits.attributeBytes else { throw failure("the value of an attribute is too long") }
      switch bytes[at] {
      case UInt8(ascii: "<"): throw failure("the value of an attribute has a '<'")
      case UInt8(ascii: "&"): try reference(into: &value)
      case 9, 10, 13:
        value.append(32)
        at += bytes[at] == 13 && at + 1 < bytes.count && bytes[at + 1] == 10 ? 2 : 1
      case 0..<32: throw failure("a control character is not allowed")
      default:
        value.append(bytes[at])
        at += 1
      }
    }
    guard at < bytes.count else { throw failure("the value of an attribute is not closed") }
    at += 1
    return String(decoding: value, as: UTF8.self)
  }

  private func resolved(_ found: [(name: Range<Int>, value: String)]) throws(XMLFailure) -> [XMLElement.Attribute] {
    var attributes: [XMLElement.Attribute] = []
    for (name, value) in found {
      let (prefix, local) = try split(name)
      let namespace = prefix.isEmpty ? nil : try namespace(of: prefix)
      guard !attributes.contains(where: { $0.name == local && $0.namespace == namespace }) else {
        throw failure("an attribute comes twice")
      }
      attributes.append(.init(name: local, namespace: namespace, value: value))
    }
    return attributes
  }

  // MARK: - Text

  /// Up to the next markup. Line ends become line feeds.
  private mutating func characters() throws(XMLFailure) {
    var text = takeText()
    while at < bytes.count, bytes[at] != UInt8(ascii: "<") {
      switch bytes[at] {
      case UInt8(ascii: "&"): try reference(into: &text)
      case 13: lineEnd(&text)
      case UInt8(ascii: "]"):
        if starts("]]>") { throw failure("text has a ']]>'") }
        text.append(bytes[at])
        at += 1
      case 9, 10, 32...: plain(&text)
      default: throw failure("a control character is not allowed")
      }
    }
    try put(text)
  }

  private mutating func characterData() throws(XMLFailure) {
    at += 9
    guard !open.isEmpty else { throw failure("there is text outside the root element") }
    var text = takeText()
    while at < bytes.count, !starts("]]>") {
      switch bytes[at] {
      case 13: lineEnd(&text)
      case 9, 10, 32...:
        // One bracket is text, and stops `plain`.
        text.append(bytes[at])
        at += 1
        plain(&text)
      default: throw failure("a control character is not allowed")
      }
    }
    guard at < bytes.count else { throw failure("a CDATA section is not closed") }
    at += 3
    try put(text)
  }

  /// A run of bytes that mean nothing but themselves.
  private mutating func plain(_ text: inout [UInt8]) {
    let start = at
    while at < bytes.count {
      switch bytes[at] {
      case 9, 10: break
      case 0..<32, UInt8(ascii: "<"), UInt8(ascii: "&"), UInt8(ascii: "]"):
        text += UnsafeBufferPointer(rebasing: bytes[start..<at])
        return
      default: break
      }
      at += 1
    }
    text += UnsafeBufferPointer(rebasing: bytes[start..<at])
  }

  /// Moved out and back, so that it grows in place.
  private mutating func takeText() -> [UInt8] {
    guard !open.isEmpty else { return [] }
    var text: [UInt8] = []
    swap(&text, &open[open.count - 1].text)
    return text
  }
  private mutating func put(_ text: [UInt8]) throws(XMLFailure) {
    if open.isEmpty {
      guard text.allSatisfy(isBlank) else { throw failure("there is text outside the root element") }
    } else {
      open[open.count - 1].text = text
    }
  }

  private mutating func lineEnd(_ text: inout [UInt8]) {
    text.append(10)
    at += at + 1 < bytes.count && bytes[at + 1] == 10 ? 2 : 1
  }

  /// `&name;`, `&#decimal;` or `&#xhex;`
  private mutating func reference(into text: inout [UInt8]) throws(XMLFailure) {
    let start = at + 1
    var end = start
    while end < bytes.count, end - start <= 10, bytes[end] != UInt8(ascii: ";") { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: ";") else { throw failure("a reference is not closed") }
    let name = String(decoding: bytes[start..<end], as: UTF8.self)
    switch name {
    case "amp": text.append(UInt8(ascii: "&"))
    case "lt": text.append(UInt8(ascii: "<"))
    case "gt": text.append(UInt8(ascii: ">"))
    case "quot": text.append(UInt8(ascii: "\""))
    case "apos": text.append(UInt8(ascii: "'"))
    default:
      guard let scalar = Self.scalar(name) else { throw failure("the entity &\(name); is not known") }
      text += Array(String(Character(scalar)).utf8)
    }
    at = end + 1
  }

  private static func scalar(_ name: String) -> Unicode.Scalar? {
    guard name.hasPrefix("#") else { return nil }
    let isHex = name.hasPrefix("#x")
    let digits = name.dropFirst(isHex ? 2 : 1)
    // Not a sign, which the initialiser would take.
    guard digits.utf8.first.map({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) == true,
      let number = UInt32(digits, radix: isHex ? 16 : 10), let scalar = Unicode.Scalar(number)
    else { return nil }
    return number >= 32 && number != 0xfffe && number != 0xffff || number == 9 || number == 10 || number == 13 ? scalar : nil
  }

  // MARK: - Bytes

  private func text(_ range: Range<Int>) -> String { String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) }

  private mutating func blanks() { while at < bytes.count, isBlank(bytes[at]) { at += 1 } }

  private func starts(_ mark: StaticString) -> Bool {
    let count = mark.utf8CodeUnitCount
    guard bytes.count - at >= count else { return false }
    for i in 0..<count where bytes[at + i] != mark.utf8Start[i] { return false }
    return true
  }

  private func failure(_ reason: String) -> XMLFailure { XMLFailure(reason: reason, offset: at) }
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 10 || byte == 13 }

/// Beyond ASCII all characters are taken, more than XML allows in names.
private func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 48...58, 65...90, 97...122, 128..., UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
  default: false
  }
}
/// Of a name byte: one that a name cannot begin with.
private func isInnerNameByte(_ byte: UInt8) -> Bool {
  byte >= 48 && byte <= 57 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
}
