import Base

/// The number of a record as clients see it: 56 decimal digits that grow within a shard and from a shard to its children.
///
/// It is one integer, from the top, in hexadecimal digits: `2`, the second in which the shard came to be (9), the last digit of the
/// shard (1), the place in the shard (16), `00`, the second of arrival (9), the shard (8), `2`.
struct SequenceNumber: Sendable, Equatable {
  /// That of a closed shard's end.
  static let lastPlace: Int64 = .max

  var shardOpened: Int64
  /// 0 is before the first record, which has 1.
  var place: Int64
  var arrived: Int64
  var shard: ShardID

  /// A record's, by its number in the log.
  init(_ shard: Shard, number: Int64, at time: Instant) {
    (shardOpened, place, arrived, self.shard) = (shard.opened.seconds, number + 1, time.seconds, shard.id)
  }
  private init(_ shard: Shard, place: Int64, at time: Instant) {
    (shardOpened, self.place, arrived, self.shard) = (shard.opened.seconds, place, time.seconds, shard.id)
  }

  static func start(of shard: Shard) -> SequenceNumber { SequenceNumber(shard, place: 0, at: shard.opened) }
  static func end(of shard: Shard) -> SequenceNumber? { shard.closed.map { SequenceNumber(shard, place: lastPlace, at: $0) } }

  /// The number in the log from which to read, to see this record first.
  var number: Int64 { max(0, place - 1) }
  /// The same, to see what comes behind it.
  var numberAfter: Int64 { place }

  var text: String {
    var big = Big()
    big.append(2, digits: 1)
    big.append(UInt64(max(0, shardOpened)), digits: 9)
    big.append(UInt64(shard.index & 15), digits: 1)
    big.append(UInt64(max(0, place)), digits: 16)
    big.append(0, digits: 2)
    big.append(UInt64(max(0, arrived)), digits: 9)
    big.append(UInt64(shard.index), digits: 8)
    big.append(2, digits: 1)
    return big.decimal
  }

  /// Nil for a number that we have not made.
  init?(_ text: String) {
    guard var big = Big(text), big.take(digits: 1) == 2 else { return nil }
    let index = big.take(digits: 8)
    let arrived = big.take(digits: 9)
    guard big.take(digits: 2) == 0 else { return nil }
    let place = big.take(digits: 16)
    let nibble = big.take(digits: 1)
    let opened = big.take(digits: 9)
    guard big.take(digits: 1) == 2, big.isZero, index <= UInt64(Int32.max), nibble == index & 15, place <= UInt64(Int64.max) else {
      return nil
    }
    (shardOpened, self.place, self.arrived, shard) = (Int64(opened), Int64(place), Int64(arrived), ShardID(Int(index)))
  }
}

/// An integer of 192 bits, made of and taken apart into hexadecimal digits.
private struct Big {
  private var high: UInt64 = 0
  private var low: UInt128 = 0

  init() {}

  /// Nil for what is not 1 to 57 decimal digits.
  init?(_ decimal: String) {
    guard (1...57).contains(decimal.utf8.count) else { return nil }
    for byte in decimal.utf8 {
      guard (48...57).contains(byte) else { return nil }
      // Three limbs times ten, plus the digit. 57 digits are 190 bits.
      let (lowHigh, lowLow) = low.multipliedFullWidth(by: 10)
      let (sum, carry) = UInt128(lowLow).addingReportingOverflow(UInt128(byte - 48))
      low = sum
      high = high &* 10 &+ UInt64(truncatingIfNeeded: lowHigh) &+ (carry ? 1 : 0)
    }
  }

  var isZero: Bool { high == 0 && low == 0 }

  mutating func append(_ value: UInt64, digits: Int) {
    let bits = digits * 4
    high = (bits < 64 ? high << UInt64(bits) : 0) | UInt64(truncatingIfNeeded: low >> UInt128(128 - bits))
    low = low << UInt128(bits) | UInt128(value & (bits < 64 ? (1 << UInt64(bits)) - 1 : .max))
  }

  /// The lowest digits.
  mutating func take(digits: Int) -> UInt64 {
    let bits = digits * 4
    let value = UInt64(truncatingIfNeeded: low) & (bits < 64 ? (1 << UInt64(bits)) - 1 : .max)
    low = low >> UInt128(bits) | UInt128(high) << UInt128(128 - bits)
    high = bits < 64 ? high >> UInt64(bits) : 0
    return value
  }

  var decimal: String {
    // Nineteen digits at a time.
    let base: UInt64 = 10_000_000_000_000_000_000
    var limbs = [high, UInt64(truncatingIfNeeded: low >> 64), UInt64(truncatingIfNeeded: low)]
    var text: [UInt8] = []
    text.reserveCapacity(57)
    while limbs.contains(where: { $0 != 0 }) {
      var rest: UInt64 = 0
      for place in limbs.indices { (limbs[place], rest) = base.dividingFullWidth((rest, limbs[place])) }
      for _ in 0..<19 {
        text.append(UInt8(48 + rest % 10))
        rest /= 10
      }
    }
    while text.last == 48 { text.removeLast() }
    return text.isEmpty ? "0" : text.reversed().utf8Text
  }
}
