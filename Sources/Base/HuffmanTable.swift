/// A canonical prefix code of DEFLATE (RFC 1951 §3.2.2) as a lookup table with one level for short codes.
struct HuffmanTable {
  /// Codes up to this many bits are found in one step.
  private static let quickBits = 9

  /// `symbol << 4 | length` by the next `quickBits` bits; 0 where the code is longer or does not exist.
  private var quick: [UInt16]
  private var counts: [Int]
  private var symbols: [UInt16]

  /// - Parameter lengths: the code length of each symbol, 0 to 15; 0 for a symbol without a code.
  /// - Throws: `InflateFailure` for a code that has more words than its lengths allow, or too few. A single code of
  ///   one bit is allowed to be incomplete, as the RFC says of distances.
  init(_ lengths: ArraySlice<UInt8>) throws {
    counts = [Int](repeating: 0, count: 16)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var left = 1
    for length in 1...15 {
      left = left << 1 - counts[length]
      if left < 0 { throw InflateFailure.malformed("over-subscribed prefix code") }
    }
    let words = counts.reduce(0, +)
    guard left == 0 || words <= 1 && counts[1] == words else { throw InflateFailure.malformed("incomplete prefix code") }
    var offsets = [Int](repeating: 0, count: 16), next = [Int](repeating: 0, count: 16)
    for length in 1..<15 { offsets[length + 1] = offsets[length] + counts[length] }
    for length in 1...15 { next[length] = (next[length - 1] + counts[length - 1]) << 1 }
    symbols = [UInt16](repeating: 0, count: words)
    quick = [UInt16](repeating: 0, count: 1 << Self.quickBits)
    for (symbol, length) in lengths.enumerated() where length != 0 {
      let length = Int(length)
      symbols[offsets[length]] = UInt16(symbol)
      offsets[length] += 1
      let code = next[length]
      next[length] += 1
      guard length <= Self.quickBits else { continue }
      var slot = Self.reversed(code, length)
      while slot < quick.count { quick[slot] = UInt16(symbol << 4 | length); slot += 1 << length }
    }
  }

  /// DEFLATE packs codes with their first bit lowest.
  private static func reversed(_ code: Int, _ length: Int) -> Int {
    (0..<length).reduce(0) { $0 | (code >> $1 & 1) << (length - 1 - $1) }
  }

  /// The next symbol of the input.
  @inline(__always)
  func symbol(_ input: inout BitReader) throws -> Int {
    input.fill()
    let entry = quick[Int(truncatingIfNeeded: input.bits) & (quick.count - 1)]
    if entry != 0 {
      try input.drop(Int(entry & 15))
      return Int(entry >> 4)
    }
    return try slowSymbol(&input)
  }

  private func slowSymbol(_ input: inout BitReader) throws -> Int {
    var code = 0, first = 0, index = 0
    for length in 1...15 {
      code |= try input.take(1)
      if code - counts[length] < first { return Int(symbols[index + code - first]) }
      index += counts[length]
      first = (first + counts[length]) << 1
      code <<= 1
    }
    throw InflateFailure.malformed("unknown prefix code")
  }
}

/// Bits of a byte sequence, lowest first.
struct BitReader {
  private var bytes: ArraySlice<UInt8>
  private var next: Int
  /// The rest of the sequence, piece by piece; an empty piece is its end.
  private let more: (() -> ArraySlice<UInt8>)?
  private(set) var bits: UInt64 = 0
  private(set) var count = 0

  init(_ bytes: ArraySlice<UInt8>, more: (() -> ArraySlice<UInt8>)? = nil) {
    (self.bytes, next, self.more) = (bytes, bytes.startIndex, more)
  }

  /// Whether all bytes were read, but for the bits that fill the last one.
  var isAtEnd: Bool { mutating get { count < 8 && next == bytes.endIndex && !loadPiece() } }

  /// Loads as many whole bytes as fit. At the end of the input the missing bits read as zero and cannot be dropped.
  @inline(__always)
  mutating func fill() {
    while count <= 56 {
      if next == bytes.endIndex, !loadPiece() { return }
      bits |= UInt64(bytes[next]) << UInt64(count)
      next += 1
      count += 8
    }
  }

  /// False at the end.
  @inline(never)
  private mutating func loadPiece() -> Bool {
    guard let piece = more?(), !piece.isEmpty else { return false }
    (bytes, next) = (piece, piece.startIndex)
    return true
  }

  @inline(__always)
  mutating func drop(_ n: Int) throws {
    guard n <= count else { throw InflateFailure.malformed("compressed data ends early") }
    bits >>= UInt64(n)
    count -= n
  }

  /// At most 32 bits.
  @inline(__always)
  mutating func take(_ n: Int) throws -> Int {
    if count < n { fill() }
    let value = Int(truncatingIfNeeded: bits & (1 << UInt64(n) - 1))
    try drop(n)
    return value
  }

  mutating func alignToByte() throws { try drop(count & 7) }
}
