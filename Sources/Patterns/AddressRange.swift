/// A range of IP addresses, `10.0.0.0/24` or `2001:db8::/32`.
struct AddressRange: Sendable, Hashable {
  /// With zeroes behind the bits that count.
  private let network: [UInt8]
  let bits: Int

  /// Nil for what is no range.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = Self.address(String(parts[0])), let bits = Self.decimal(parts[1], upTo: address.count * 8)
    else { return nil }
    self.init(around: address, bits: bits)
  }

  /// The range of that size in which an address lies.
  init(around address: [UInt8], bits: Int) {
    self.bits = bits
    network = address.enumerated().map { place, byte in byte & UInt8(truncatingIfNeeded: 0xff00 >> min(8, max(0, bits - place * 8))) }
  }

  /// Of an address: 4 or 16.
  var byteCount: Int { network.count }

  func contains(_ text: String) -> Bool {
    guard let address = Self.address(text), address.count == network.count else { return false }
    return AddressRange(around: address, bits: bits) == self
  }

  /// Nil for what is no address.
  static func address(_ text: String) -> [UInt8]? { text.contains(":") ? six(text) : four(text[...]) }

  private static func four(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard let value = decimal(part, upTo: 255) else { return nil }
      bytes.append(UInt8(value))
    }
    return bytes
  }

  private static func six(_ text: String) -> [UInt8]? {
    guard let gap = text.firstRange(of: "::") else { return groups(text[...]).flatMap { $0.count == 16 ? $0 : nil } }
    guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]), head.count + tail.count <= 14
    else { return nil }
    return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
  }

  private static func groups(_ text: Substring) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (place, part) in parts.enumerated() {
      if place == parts.count - 1, part.contains(".") {
        guard let four = four(part) else { return nil }
        bytes += four
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"), let value = UInt16(part, radix: 16) else {
          return nil
        }
        bytes += [UInt8(value >> 8), UInt8(value & 255)]
      }
    }
    return bytes.count <= 16 ? bytes : nil
  }

  private static func decimal(_ text: Substring, upTo limit: Int) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let value = Int(text), value <= limit
    else { return nil }
    return value
  }
}
