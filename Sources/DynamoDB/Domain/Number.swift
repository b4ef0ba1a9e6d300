import Base

/// A decimal number of up to 38 significant digits, between 1E-130 and 9.99…E+125 either side of zero, and zero.
///
/// Its bytes compare as the numbers do, end unambiguously and are the same for equal numbers: a sign byte; the exponent, one byte;
/// the digits in pairs from the front, each pair plus one; a zero byte. Negative numbers have everything behind the sign inverted.
struct Number: Equatable, Sendable {
  static let maximumDigits = 38
  static let zeroBytes: [UInt8] = [zeroSign]
  private static let negativeSign: UInt8 = 0x40
  private static let zeroSign: UInt8 = 0x80
  private static let positiveSign: UInt8 = 0xc0

  var isNegative = false
  /// The number is 0.DIGITS × 10^exponent.
  var exponent = 0
  /// 0…9 each, without zeroes at either end. Empty for zero.
  var digits: [UInt8] = []

  enum Failure: Error { case notANumber, overflow, underflow, tooPrecise }

  init() {}

  /// Reads `-12.5e3`. Leading and trailing zeroes do not count as digits.
  init(text: UnsafeBufferPointer<UInt8>) throws(Failure) {
    var at = 0
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    digits.reserveCapacity(min(text.count, Self.maximumDigits))
    var (hasDigits, pointSeen, pendingZeroes, exponent) = (false, false, 0, 0)
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "."), !pointSeen {
        pointSeen = true
      } else if byte >= 48, byte <= 57 {
        hasDigits = true
        if !pointSeen { exponent += 1 }
        if byte == 48 {
          if digits.isEmpty { exponent -= 1 } else { pendingZeroes += 1 }
        } else {
          // Digits beyond the limit are an error anyway; what is kept has a bound.
          if digits.count + pendingZeroes <= Self.maximumDigits {
            for _ in 0..<pendingZeroes { digits.append(0) }
            digits.append(byte - 48)
          }
          pendingZeroes = 0
        }
      } else {
        break
      }
      at += 1
    }
    guard hasDigits else { throw .notANumber }
    if at < text.count {
      guard text[at] | 0x20 == UInt8(ascii: "e") else { throw .notANumber }
      exponent += try Self.exponent(text, from: at + 1)
    }
    self.exponent = exponent
    try normalise()
  }

  private static func exponent(_ text: UnsafeBufferPointer<UInt8>, from start: Int) throws(Failure) -> Int {
    var at = start
    var isNegative = false
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    guard at < text.count else { throw .notANumber }
    var value = 0
    while at < text.count {
      guard text[at] >= 48, text[at] <= 57 else { throw .notANumber }
      value = min(value * 10 + Int(text[at] - 48), 1_000_000)
      at += 1
    }
    return isNegative ? -value : value
  }

  /// Strips zeroes and checks range and precision.
  mutating func normalise() throws(Failure) {
    var leading = 0
    while leading < digits.count, digits[leading] == 0 { leading += 1 }
    if leading > 0 {
      digits.removeFirst(leading)
      exponent -= leading
    }
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { return (isNegative, exponent) = (false, 0) }
    if exponent > 126 { throw .overflow }
    if exponent < -129 { throw .underflow }
    if digits.count > Self.maximumDigits { throw .tooPrecise }
  }

  func append(to out: inout [UInt8]) {
    if digits.isEmpty { return out.append(Self.zeroSign) }
    let mask: UInt8 = isNegative ? 0xff : 0
    out.append(isNegative ? Self.negativeSign : Self.positiveSign)
    out.append(UInt8(exponent + 129) ^ mask)
    var at = 0
    while at < digits.count {
      let pair = digits[at] * 10 + (at + 1 < digits.count ? digits[at + 1] : 0)
      out.append((pair + 1) ^ mask)
      at += 2
    }
    out.append(mask)
  }
  var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(24)
    append(to: &out)
    return out
  }

  /// Reads what `append` wrote.
  init(bytes: some Collection<UInt8>) {
    var iterator = bytes.makeIterator()
    guard let sign = iterator.next(), sign != Self.zeroSign, let exponent = iterator.next() else { return }
    isNegative = sign == Self.negativeSign
    let mask: UInt8 = isNegative ? 0xff : 0
    self.exponent = Int(exponent ^ mask) - 129
    digits.reserveCapacity(Self.maximumDigits + 1)
    while let byte = iterator.next(), byte ^ mask != 0 {
      let pair = (byte ^ mask) - 1
      digits.append(pair / 10)
      digits.append(pair % 10)
    }
    if digits.last == 0 { digits.removeLast() }
  }

  /// How long the number is that begins here.
  static func length(_ bytes: some Collection<UInt8>) -> Int {
    guard let sign = bytes.first, sign != zeroSign else { return min(1, bytes.count) }
    let end: UInt8 = sign == negativeSign ? 0xff : 0
    var count = 0
    for byte in bytes {
      count += 1
      if count > 2, byte == end { return count }
    }
    return count
  }

  /// What it counts towards the size of an item: a byte for two digits, and one.
  static func size(_ bytes: some Collection<UInt8>) -> Int {
    guard let sign = bytes.first, sign != zeroSign else { return 1 }
    return bytes.count - 2 + (sign == negativeSign ? 1 : 0)
  }

  /// Plain decimal digits, never an exponent, as AWS shows numbers.
  func appendText(to out: inout [UInt8]) {
    if digits.isEmpty { return out.append(48) }
    if isNegative { out.append(UInt8(ascii: "-")) }
    if exponent <= 0 {
      out.append(48)
      out.append(UInt8(ascii: "."))
      for _ in 0..<(-exponent) { out.append(48) }
      for digit in digits { out.append(48 + digit) }
      return
    }
    for place in 0..<max(exponent, digits.count) {
      if place == exponent { out.append(UInt8(ascii: ".")) }
      out.append(place < digits.count ? 48 + digits[place] : 48)
    }
  }
  var text: String {
    var out: [UInt8] = []
    appendText(to: &out)
    return out.utf8Text
  }

  /// The whole number that it is; nil for a fraction and beyond Int64.
  var int: Int64? {
    if digits.isEmpty { return 0 }
    guard exponent >= digits.count, exponent <= 19 else { return nil }
    return Int64(text)
  }
}

extension Number {
  init(_ int: Int) {
    self.init()
    isNegative = int < 0
    for digit in String(int.magnitude).utf8 { digits.append(digit - 48) }
    exponent = digits.count
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { (isNegative, exponent) = (false, 0) }
  }

  init(_ text: String) throws(Failure) {
    let bytes = Array(text.utf8)
    var result: Result<Number, Failure> = .failure(.notANumber)
    bytes.withUnsafeBufferPointer { buffer in
      result = Result { () throws(Failure) in try Number(text: buffer) }
    }
    self = try result.get()
  }

  /// Exact; throws when the result needs more than 38 digits or is out of range.
  func adding(_ other: Number) throws(Failure) -> Number {
    if digits.isEmpty { return other }
    if other.digits.isEmpty { return self }
    // Both as whole numbers of the same unit.
    let unit = min(exponent - digits.count, other.exponent - other.digits.count)
    let (a, b) = (whole(unit), other.whole(unit))
    var sum = Number()
    if isNegative == other.isNegative {
      (sum.digits, sum.isNegative) = (Self.sum(a, b), isNegative)
    } else if Self.isLess(a, b) {
      (sum.digits, sum.isNegative) = (Self.difference(b, a), other.isNegative)
    } else {
      (sum.digits, sum.isNegative) = (Self.difference(a, b), isNegative)
    }
    sum.exponent = unit + sum.digits.count
    try sum.normalise()
    return sum
  }

  func subtracting(_ other: Number) throws(Failure) -> Number { try adding(other.negated) }
  var negated: Number {
    var out = self
    out.isNegative = !digits.isEmpty && !isNegative
    return out
  }

  /// Its digits down to the unit, the lowest last.
  private func whole(_ unit: Int) -> [UInt8] { digits + [UInt8](repeating: 0, count: exponent - digits.count - unit) }

  private static func isLess(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count != b.count ? a.count < b.count : a.lexicographicallyPrecedes(b)
  }
  private static func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var carry: UInt8 = 0
    for place in 0..<max(a.count, b.count) {
      let value = (place < a.count ? a[a.count - 1 - place] : 0) + (place < b.count ? b[b.count - 1 - place] : 0) + carry
      out.append(value % 10)
      carry = value / 10
    }
    if carry > 0 { out.append(carry) }
    return out.reversed()
  }
  /// Of a number that is not the smaller one.
  private static func difference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var borrow: Int8 = 0
    for place in 0..<a.count {
      var value = Int8(a[a.count - 1 - place]) - (place < b.count ? Int8(b[b.count - 1 - place]) : 0) - borrow
      borrow = value < 0 ? 1 : 0
      if value < 0 { value += 10 }
      out.append(UInt8(value))
    }
    return out.reversed()
  }
}
