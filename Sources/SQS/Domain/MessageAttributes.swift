import Base
import Crypto

/// A named attribute of a message as the sender gave it.
struct MessageAttribute: Sendable, Equatable {
  enum Content: Sendable, Equatable { case string(String), binary([UInt8]) }
  var name: String
  var dataType: String
  var content: Content

  /// What counts towards the size of the message: name, type and value.
  var size: Int {
    let value =
      switch content {
      case .string(let s): s.utf8.count
      case .binary(let b): b.count
      }
    return name.utf8.count + dataType.utf8.count + value
  }

  /// Throws AWS's texts.
  func check() throws(AWSError) {
    try checkName()
    let base = dataType.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
    guard !dataType.isEmpty else {
      throw SQSError.invalid("The message attribute '\(name)' must contain non-empty message attribute type.")
    }
    guard ["String", "Number", "Binary"].contains(base), dataType.utf8.count <= SQSLimits.attributeTypeLength,
      !dataType.hasSuffix(".")
    else {
      throw SQSError.invalid(
        "The message attribute '\(name)' has an invalid message attribute type, the set of supported type prefixes is Binary, "
          + "Number, and String.")
    }
    switch content {
    case .string(let text):
      guard base != "Binary" else { throw mustContain("Binary") }
      guard !text.isEmpty else { throw mustContain(base) }
      guard isSendable(text) else { throw SQSError.invalidMessageContents }
      guard base != "Number" || Self.isNumber(text) else {
        throw SQSError.invalid("Can't cast the value of message (user) attribute '\(name)' to a number.")
      }
    case .binary(let bytes):
      guard base == "Binary", !bytes.isEmpty else { throw mustContain(base) }
    }
  }

  private func mustContain(_ type: String) -> AWSError {
    SQSError.invalid("Message (user) attribute '\(name)' must contain a non-empty value of type '\(type)'.")
  }

  private func checkName() throws(AWSError) {
    let bytes = Array(name.utf8)
    guard (1...SQSLimits.attributeNameLength).contains(bytes.count) else {
      throw SQSError.invalid("Length of message attribute name must be less than \(SQSLimits.attributeNameLength) bytes.")
    }
    guard bytes.allSatisfy({ isNameByte($0) || $0 == UInt8(ascii: ".") }) else {
      throw SQSError.invalid(
        "Invalid non-alphanumeric character was found in the message attribute name. Can only include alphanumeric characters, "
          + "hyphens, underscores, or dots.")
    }
    let lower = name.lowercased()
    guard !lower.hasPrefix("aws."), !lower.hasPrefix("amazon.") else {
      throw SQSError.invalid(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use.")
    }
    guard bytes.first != UInt8(ascii: "."), bytes.last != UInt8(ascii: "."),
      !zip(bytes, bytes.dropFirst()).contains(where: { $0 == UInt8(ascii: ".") && $1 == UInt8(ascii: ".") })
    else { throw SQSError.invalid("Message attribute name can not start or end with a dot, or contain consecutive dots.") }
  }

  /// A decimal number of at most 38 significant digits, with an optional exponent.
  static func isNumber(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    var digits = 0
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    func take(_ rest: inout ArraySlice<UInt8>) -> Int {
      let before = rest.count
      rest = rest.drop { $0 >= 48 && $0 <= 57 }
      return before - rest.count
    }
    digits += take(&rest)
    if rest.first == UInt8(ascii: ".") { rest.removeFirst(); digits += take(&rest) }
    guard digits > 0, digits <= 38 else { return false }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest.removeFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
      guard (1...4).contains(take(&rest)) else { return false }
    }
    return rest.isEmpty
  }
}

/// Digests as AWS clients compute them to check what was stored and returned.
enum MessageDigest {
  static func md5(_ text: String) -> String {
    var text = text
    return text.withUTF8 { Insecure.MD5.hash(data: UnsafeRawBufferPointer($0)) }.withUnsafeBytes { $0.hex }
  }

  /// Of the attributes in the order of their names: length and bytes of name, type, transport type (1 text, 2 binary) and
  /// value, lengths as four big-endian bytes (developer guide, "Calculating the MD5 message digest for message attributes").
  /// Nil without attributes, as the field is then absent.
  static func md5(_ attributes: [MessageAttribute]) -> String? {
    guard !attributes.isEmpty else { return nil }
    var bytes: [UInt8] = []
    func append(_ part: some Collection<UInt8>) {
      let count = UInt32(part.count)
      for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> UInt32(shift))) }
      bytes.append(contentsOf: part)
    }
    for attribute in attributes.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      append(attribute.name.utf8)
      append(attribute.dataType.utf8)
      switch attribute.content {
      case .string(let text):
        bytes.append(1)
        append(text.utf8)
      case .binary(let value):
        bytes.append(2)
        append(value)
      }
    }
    return Insecure.MD5.hash(data: bytes).withUnsafeBytes { $0.hex }
  }

  /// What content-based deduplication uses in place of an id.
  static func sha256(_ text: String) -> String { SHA256.hash(data: Array(text.utf8)).withUnsafeBytes { $0.hex } }
}

/// Whether a text holds only the characters that XML 1.0 can carry, which is what SQS accepts in bodies and attributes.
func isSendable(_ text: String) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var i = 0
    while i < bytes.count {
      let byte = bytes[i]
      if byte < 0x20 {
        guard byte == 9 || byte == 10 || byte == 13 else { return false }
      } else if byte == 0xef, i + 2 < bytes.count, bytes[i + 1] == 0xbf, bytes[i + 2] >= 0xbe {
        return false  // U+FFFE and U+FFFF; surrogates cannot occur in a String
      }
      i += 1
    }
    return true
  }
}
