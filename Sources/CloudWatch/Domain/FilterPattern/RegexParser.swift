import Base

/// Reads the atoms and repetitions of a filter pattern's regular expression.
struct RegexParser {
  private let source: [UInt8]
  private var at = 0

  init(_ source: [UInt8]) { self.source = source }

  var peek: UInt8? { at < source.count ? source[at] : nil }
  mutating func skip() { at += 1 }
  mutating func eat(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    at += 1
    return true
  }
  private mutating func next() throws(InvalidFilterPattern) -> UInt8 {
    guard let byte = peek else { throw InvalidFilterPattern() }
    at += 1
    return byte
  }

  /// One byte class: a literal, `.`, `[…]` or an escape.
  mutating func atom() throws(InvalidFilterPattern) -> ByteSet {
    var set = ByteSet()
    let byte = try next()
    switch byte {
    case UInt8(ascii: "."):
      set.insert(10)
      return set.inverted
    case UInt8(ascii: "["): return try bracket()
    case UInt8(ascii: "\\"): return try escape()
    case _ where Self.isLiteral(byte):
      set.insert(byte)
      return set
    default: throw InvalidFilterPattern()
    }
  }

  /// AWS refuses every other symbol, `!` and parentheses among them, and characters beyond ASCII.
  private static func isLiteral(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, 32: true
    default: Array("_#=@/;,-:".utf8).contains(byte)
    }
  }

  private mutating func escape() throws(InvalidFilterPattern) -> ByteSet {
    var set = ByteSet()
    let byte = try next()
    switch byte {
    case UInt8(ascii: "d"), UInt8(ascii: "D"): for digit in UInt8(48)...57 { set.insert(digit) }
    case UInt8(ascii: "w"), UInt8(ascii: "W"): for letter in UInt8(0)...127 where isWordByte(letter) { set.insert(letter) }
    case UInt8(ascii: "s"), UInt8(ascii: "S"): for blank in UInt8(0)...32 where isBlank(blank) { set.insert(blank) }
    case UInt8(ascii: "t"): set.insert(9)
    case UInt8(ascii: "n"): set.insert(10)
    case UInt8(ascii: "r"): set.insert(13)
    case UInt8(ascii: "x"):
      guard let high = hexValue(try next()), let low = hexValue(try next()) else { throw InvalidFilterPattern() }
      set.insert(high << 4 | low)
    case 48...57, 65...90, 97...122, 128...255: throw InvalidFilterPattern()
    default: set.insert(byte)
    }
    return [UInt8(ascii: "D"), UInt8(ascii: "W"), UInt8(ascii: "S")].contains(byte) ? set.inverted : set
  }

  private mutating func bracket() throws(InvalidFilterPattern) -> ByteSet {
    var set = ByteSet()
    let isInverted = eat(UInt8(ascii: "^"))
    var isEmpty = true
    while !eat(UInt8(ascii: "]")) {
      isEmpty = false
      let low = try next()
      guard low < 128 else { throw InvalidFilterPattern() }
      if low == UInt8(ascii: "\\") {
        set.insert(try escape())
      } else if peek == UInt8(ascii: "-"), at + 1 < source.count, source[at + 1] != UInt8(ascii: "]") {
        at += 1
        let high = try next()
        guard high < 128, low <= high else { throw InvalidFilterPattern() }
        for byte in low...high { set.insert(byte) }
      } else {
        set.insert(low)
      }
    }
    guard !isEmpty else { throw InvalidFilterPattern() }
    return isInverted ? set.inverted : set
  }

  /// How often the atom before may come; no `most` is without end.
  mutating func repetition(limit: Int) throws(InvalidFilterPattern) -> (least: Int, most: Int?) {
    if eat(UInt8(ascii: "?")) { return (0, 1) }
    if eat(UInt8(ascii: "*")) { return (0, nil) }
    if eat(UInt8(ascii: "+")) { return (1, nil) }
    guard eat(UInt8(ascii: "{")) else { return (1, 1) }
    let least = try number(limit)
    if eat(UInt8(ascii: "}")) { return (least, least) }
    guard eat(UInt8(ascii: ",")) else { throw InvalidFilterPattern() }
    if eat(UInt8(ascii: "}")) { return (least, nil) }
    let most = try number(limit)
    guard eat(UInt8(ascii: "}")), most >= least else { throw InvalidFilterPattern() }
    return (least, most)
  }

  private mutating func number(_ limit: Int) throws(InvalidFilterPattern) -> Int {
    var n = 0
    let start = at
    while let byte = peek, byte >= 48, byte <= 57 {
      n = n * 10 + Int(byte - 48)
      guard n <= limit else { throw InvalidFilterPattern() }
      at += 1
    }
    guard at > start else { throw InvalidFilterPattern() }
    return n
  }
}
