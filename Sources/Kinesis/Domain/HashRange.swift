import Base
import Crypto

/// A part of the space of 128-bit hash keys, both ends included.
struct HashRange: Hashable, Sendable {
  var first: UInt128
  var last: UInt128

  static let whole = HashRange(first: 0, last: .max)

  func contains(_ key: UInt128) -> Bool { key >= first && key <= last }

  /// Equal parts of the whole; the last gets what does not divide.
  static func uniform(_ count: Int) -> [HashRange] {
    let starts = (0..<count).map { boundary($0, of: count) }
    return starts.indices.map { HashRange(first: starts[$0], last: $0 + 1 < count ? starts[$0 + 1] - 1 : .max) }
  }

  /// Where the part of a uniform division begins.
  static func boundary(_ part: Int, of count: Int) -> UInt128 {
    guard count > 1 else { return 0 }
    // 2^128 / count, without a number that does not fit.
    let (quotient, rest) = UInt128.max.quotientAndRemainder(dividingBy: UInt128(count))
    return (rest == UInt128(count) - 1 ? quotient + 1 : quotient) * UInt128(part)
  }

  /// MD5 of the partition key, which decides the shard.
  static func key(of partitionKey: String) -> UInt128 {
    var text = partitionKey
    return text.withUTF8 { bytes in
      var hash = Insecure.MD5()
      hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
      return hash.finalize().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    }
  }

  /// An explicit hash key. Nil when it is no number of 128 bits.
  static func key(_ digits: String) -> UInt128? { UInt128(digits) }
}
