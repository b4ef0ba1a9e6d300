import Base

extension QueueAttribute {
  /// A text of anybody, such as the error of a target, as an attribute of a dead letter: what a queue would refuse the letter for is
  /// replaced, and no more than `limit` characters are told.
  public static func told(_ text: String, limit: Int = 1024) -> QueueAttribute {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) { kept.append(isSendable(scalar) ? scalar : "\u{FFFD}") }
    return QueueAttribute(dataType: "String", content: .string(String(kept)))
  }

  /// The characters of messages (API reference of SQS, SendMessage).
  private static func isSendable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }
}
