import Base

/// Writes XML piece by piece. Names come from models and are written as they are; text is escaped.
public struct XMLWriter {
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  public mutating func declaration() { raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") }

  public mutating func open(_ name: String, attributes: [(name: String, value: String)] = []) {
    raw("<")
    raw(name)
    for attribute in attributes {
      raw(" ")
      raw(attribute.name)
      raw("=\"")
      text(attribute.value)
      raw("\"")
    }
    raw(">")
  }
  public mutating func close(_ name: String) {
    raw("</")
    raw(name)
    raw(">")
  }
  public mutating func empty(_ name: String) {
    raw("<")
    raw(name)
    raw("/>")
  }
  public mutating func element(_ name: String, _ value: String) {
    open(name)
    text(value)
    close(name)
  }

  /// A carriage return is escaped, since parsers would change it, and characters that XML 1.0 cannot hold become U+FFFD.
  public mutating func text(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "&"): raw("&amp;")
      case UInt8(ascii: "<"): raw("&lt;")
      case UInt8(ascii: ">"): raw("&gt;")
      case UInt8(ascii: "\""): raw("&quot;")
      case 13: raw("&#xD;")
      case 9, 10, 32...: bytes.append(byte)
      default: raw("\u{FFFD}")
      }
    }
  }

  private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
