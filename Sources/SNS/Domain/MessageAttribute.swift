import Base

/// A named attribute of a message as the publisher gave it.
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

  /// As envelopes show it.
  var text: String {
    switch content {
    case .string(let s): s
    case .binary(let b): b.base64
    }
  }

  /// Throws AWS's texts.
  func check() throws(AWSError) {
    try checkName()
    let base = dataType.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
    guard !dataType.isEmpty else {
      throw SNSError.value("The message attribute '\(name)' must contain non-empty message attribute type.")
    }
    guard ["String", "Number", "Binary"].contains(base), dataType.utf8.count <= SNSLimits.attributeNameLength, !dataType.hasSuffix(".") else {
      throw SNSError.value(
        "The message attribute '\(name)' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.")
    }
    switch content {
    case .string(let text):
      guard base != "Binary" else { throw SNSError.value("The message attribute '\(name)' with type 'Binary' must use field 'Binary'.") }
      guard !text.isEmpty else { throw empty }
      if base == "Number" {
        guard let number = try? JSON.parse(text.hasPrefix("+") ? String(text.dropFirst()) : text), number.double != nil else {
          throw SNSError.value("Could not cast message attribute '\(name)' value to number.")
        }
      }
      if dataType == "String.Array" {
        guard (try? JSON.parse(text))?.array != nil else {
          throw SNSError.value("The message attribute '\(name)' with type 'String.Array' must be a JSON array.")
        }
      }
    case .binary(let bytes):
      guard base == "Binary" else {
        throw SNSError.value("The message attribute '\(name)' with type '\(dataType)' must use field '\(base == "Binary" ? "Binary" : "String")'.")
      }
      guard !bytes.isEmpty else { throw empty }
    }
  }

  private var empty: AWSError {
    SNSError.value("The message attribute '\(name)' must contain non-empty message attribute value for message attribute type '\(dataType)'.")
  }

  private func checkName() throws(AWSError) {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty else { throw SNSError.value("The message attribute name must not be empty.") }
    guard bytes.count <= SNSLimits.attributeNameLength else {
      throw SNSError.value("Length of message attribute name must be less than \(SNSLimits.attributeNameLength) bytes.")
    }
    guard bytes.allSatisfy({ isNameByte($0) || $0 == UInt8(ascii: ".") }) else {
      throw SNSError.value("Invalid non-alphanumeric character '#x\(String(Self.firstBad(name), radix: 16, uppercase: true))' was found in the message attribute name. "
        + "Can only include alphanumeric characters, hyphens, underscores, or dots.")
    }
    let lower = name.lowercased()
    // What publishers say of text messages has such names itself.
    guard lower.hasPrefix("aws.sns.") || !lower.hasPrefix("aws.") && !lower.hasPrefix("amazon.") else {
      throw SNSError.value("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use.")
    }
    guard bytes.first != UInt8(ascii: "."), bytes.last != UInt8(ascii: "."), !name.contains("..") else {
      throw SNSError.value("Message attribute name can not start or end with a dot, or contain consecutive dots.")
    }
  }
  private static func firstBad(_ name: String) -> UInt32 {
    name.unicodeScalars.first { $0.value > 127 || !(isNameByte(UInt8(truncatingIfNeeded: $0.value)) || $0 == ".") }?.value ?? 0
  }
}
