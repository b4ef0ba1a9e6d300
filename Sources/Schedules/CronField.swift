/// The values of one field of a cron expression, as bits.
struct CronField: Sendable, Equatable {
  /// What a field may hold.
  struct Kind: Sendable {
    var range: ClosedRange<Int>
    /// Names of the values from the first on: `JAN`.
    var names: [String] = []

    static let minute = Kind(range: 0...59)
    static let hour = Kind(range: 0...23)
    static let dayOfMonth = Kind(range: 1...31)
    static let month = Kind(
      range: 1...12, names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    /// 1 is Sunday.
    static let dayOfWeek = Kind(range: 1...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])
    static let year = Kind(range: 1970...2199)
  }

  private let first: Int
  private var bits: [UInt64]

  /// Reads `*`, values, ranges, steps and lists of them. A range may go over the end, as `FRI-MON` does, but for years.
  init?(_ text: Substring, _ kind: Kind) {
    first = kind.range.lowerBound
    bits = [UInt64](repeating: 0, count: kind.range.count / 64 + 1)
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= kind.range.count else { return nil }
    for part in parts {
      guard insert(part, kind) else { return nil }
    }
  }

  private mutating func insert(_ part: Substring, _ kind: Kind) -> Bool {
    let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    var step = 1
    if halves.count == 2 {
      guard let given = Self.number(halves[1]), given > 0, given <= kind.range.upperBound else { return false }
      step = given
    }
    let (low, high): (Int, Int)
    if halves[0] == "*" {
      (low, high) = (kind.range.lowerBound, kind.range.upperBound)
    } else {
      let ends = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      guard let from = Self.value(ends[0], kind) else { return false }
      guard let to = ends.count == 2 ? Self.value(ends[1], kind) : halves.count == 2 ? kind.range.upperBound : from else { return false }
      // Over the end: the count goes on at the beginning.
      guard from <= to || kind.range.upperBound < 100 else { return false }
      (low, high) = (from, from <= to ? to : to + kind.range.count)
    }
    for value in stride(from: low, through: high, by: step) { insert((value - first) % kind.range.count) }
    return true
  }

  private mutating func insert(_ place: Int) { bits[place / 64] |= 1 << UInt64(place % 64) }

  func contains(_ value: Int) -> Bool {
    let place = value - first
    return place >= 0 && place / 64 < bits.count && bits[place / 64] & (1 << UInt64(place % 64)) != 0
  }

  /// The smallest value from `value` on.
  func next(from value: Int) -> Int? {
    var place = max(0, value - first)
    while place / 64 < bits.count {
      let rest = bits[place / 64] >> UInt64(place % 64)
      if rest != 0 { return first + place + rest.trailingZeroBitCount }
      place = (place / 64 + 1) * 64
    }
    return nil
  }

  static func value(_ text: Substring, _ kind: Kind) -> Int? {
    if let place = kind.names.firstIndex(of: text.uppercased()) { return kind.range.lowerBound + place }
    guard let value = number(text), kind.range.contains(value) else { return nil }
    return value
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return Int(text)
  }
}
