/// Byte and text encodings used on every protocol; no Foundation.
extension Collection where Element == UInt8 {
  /// Lower-case hexadecimal.
  public var hex: String { withContiguousStorageIfAvailable(hexText) ?? Array(self).withUnsafeBufferPointer(hexText) }

  /// Standard base64 with padding.
  public var base64: String {
    let bytes = Array(self)
    return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out in
      var n = 0
      var i = 0
      while i < bytes.count {
        let b0 = bytes[i], b1 = i + 1 < bytes.count ? bytes[i + 1] : 0, b2 = i + 2 < bytes.count ? bytes[i + 2] : 0
        out[n] = base64Digits[Int(b0 >> 2)]
        out[n + 1] = base64Digits[Int((b0 & 3) << 4 | b1 >> 4)]
        out[n + 2] = i + 1 < bytes.count ? base64Digits[Int((b1 & 15) << 2 | b2 >> 6)] : UInt8(ascii: "=")
        out[n + 3] = i + 2 < bytes.count ? base64Digits[Int(b2 & 63)] : UInt8(ascii: "=")
        n += 4
        i += 3
      }
      return n
    }
  }

  /// UTF-8 text; ill-formed bytes become U+FFFD.
  public var utf8Text: String { String(decoding: self, as: UTF8.self) }
}

/// Not generic: other modules would call a generic loop without specialisation, byte by byte through witnesses.
private func hexText(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
  String(unsafeUninitializedCapacity: bytes.count * 2) { out in
    for (i, byte) in bytes.enumerated() { (out[2 * i], out[2 * i + 1]) = (hexDigit(byte >> 4), hexDigit(byte & 15)) }
    return bytes.count * 2
  }
}
/// Of a value below 16, in lower case.
func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
private let base64Digits: [UInt8] = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

private let base64Values: [UInt8] = {
  var table = [UInt8](repeating: 255, count: 256)
  for (value, digit) in base64Digits.enumerated() { table[Int(digit)] = UInt8(value) }
  table[Int(UInt8(ascii: "-"))] = 62
  table[Int(UInt8(ascii: "_"))] = 63
  return table
}()

/// Decodes standard or URL-safe base64, padded or not. Nil for any other character or an impossible length.
public func decodeBase64(_ text: some Collection<UInt8>) -> [UInt8]? {
  var out: [UInt8] = []
  out.reserveCapacity(text.count / 4 * 3)
  var accumulator: UInt32 = 0
  var bits = 0
  var padding = 0
  var significant = 0
  for byte in text {
    if byte == UInt8(ascii: "=") { padding += 1; continue }
    let value = base64Values[Int(byte)]
    guard value != 255, padding == 0 else { return nil }
    significant += 1
    accumulator = accumulator << 6 | UInt32(value)
    bits += 6
    if bits >= 8 {
      bits -= 8
      out.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
    }
  }
  guard significant % 4 != 1, padding == 0 || padding <= 2 && (significant + padding) % 4 == 0 else { return nil }
  return out
}
public func decodeBase64(_ text: String) -> [UInt8]? { decodeBase64(text.utf8) }

/// Decodes hexadecimal in either case. Nil for an odd length or another character.
public func decodeHex(_ text: some StringProtocol) -> [UInt8]? {
  let bytes = Array(text.utf8)
  guard bytes.count % 2 == 0 else { return nil }
  var out: [UInt8] = []
  out.reserveCapacity(bytes.count / 2)
  for i in stride(from: 0, to: bytes.count, by: 2) {
    guard let high = hexValue(bytes[i]), let low = hexValue(bytes[i + 1]) else { return nil }
    out.append(high << 4 | low)
  }
  return out
}

public func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 48...57: byte - 48
  case 97...102: byte - 87
  case 65...70: byte - 55
  default: nil
  }
}

/// Undoes percent-encoding; `+` becomes a blank only when asked (form bodies). Bad escapes stay as they are.
public func percentDecoded(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(text.count)
  let bytes = Array(text)
  var i = 0
  while i < bytes.count {
    let b = bytes[i]
    if b == UInt8(ascii: "%"), i + 2 < bytes.count, let high = hexValue(bytes[i + 1]), let low = hexValue(bytes[i + 2]) {
      out.append(high << 4 | low)
      i += 3
    } else {
      out.append(plusIsSpace && b == UInt8(ascii: "+") ? UInt8(ascii: " ") : b)
      i += 1
    }
  }
  return out
}
public func percentDecoded(_ text: String, plusIsSpace: Bool = false) -> String {
  percentDecoded(text.utf8, plusIsSpace: plusIsSpace).utf8Text
}

/// RFC 3986 percent-encoding as SigV4 wants it: only unreserved characters stay.
public func percentEncoded(_ text: some Collection<UInt8>, keepSlash: Bool = false) -> String {
  var out: [UInt8] = []
  out.reserveCapacity(text.count)
  for b in text {
    switch b {
    case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): out.append(b)
    case UInt8(ascii: "/") where keepSlash: out.append(b)
    default:
      out.append(UInt8(ascii: "%"))
      out.append(upperHexDigits[Int(b >> 4)])
      out.append(upperHexDigits[Int(b & 15)])
    }
  }
  return out.utf8Text
}
public func percentEncoded(_ text: String, keepSlash: Bool = false) -> String { percentEncoded(text.utf8, keepSlash: keepSlash) }

private let upperHexDigits: [UInt8] = Array("0123456789ABCDEF".utf8)

extension StringProtocol {
  /// The text without blanks, tabs and line ends at both ends.
  public var trimmed: String {
    let isBlank: (UInt8) -> Bool = { $0 == 32 || ($0 >= 9 && $0 <= 13) }
    var bytes = Array(utf8)[...]
    while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes.utf8Text
  }

  public func replacing(_ old: String, by new: String) -> String {
    guard !old.isEmpty else { return String(self) }
    var out: [UInt8] = []
    let bytes = Array(utf8), pattern = Array(old.utf8), replacement = Array(new.utf8)
    var i = 0
    while i < bytes.count {
      if i + pattern.count <= bytes.count, bytes[i..<(i + pattern.count)].elementsEqual(pattern) {
        out += replacement
        i += pattern.count
      } else {
        out.append(bytes[i])
        i += 1
      }
    }
    return out.utf8Text
  }
}

/// A text that is what its bytes are. `String` takes canonically equivalent texts (`é` as one scalar or as two) for the same,
/// which no AWS service does.
public struct ExactText: Hashable, Sendable {
  public let text: String
  public init(_ text: String) { self.text = text }

  public static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension String {
  /// Whether both are the same bytes. The first test is the quick one: texts that differ as text differ in their bytes.
  public func isExactly(_ other: String) -> Bool { self == other && utf8.elementsEqual(other.utf8) }
}
