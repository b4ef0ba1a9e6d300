import Base

/// A set of Unicode scalars, as a character class of a pattern describes it.
struct ScalarSet: Sendable {
  enum Category: Sendable { case letter, separator, number }

  private(set) var ranges: [ClosedRange<UInt32>] = []
  private(set) var categories: [Category] = []
  private(set) var nested: [ScalarSet] = []
  private(set) var isNegated = false
  /// Membership of U+0000 to U+007F, one bit each, kept by `sealed`.
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init(_ ranges: [ClosedRange<UInt32>] = []) { self.ranges = ranges }

  mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }
  mutating func insert(_ category: Category) { categories.append(category) }
  mutating func insert(_ set: ScalarSet) { nested.append(set) }
  mutating func negate() { isNegated.toggle() }

  /// The set with its table for ASCII, after which it does not change.
  func sealed() -> ScalarSet {
    var set = self
    (set.low, set.high) = (0, 0)
    for scalar: UInt32 in 0..<128 where isMember(scalar) {
      if scalar < 64 { set.low |= 1 << UInt64(scalar) } else { set.high |= 1 << UInt64(scalar - 64) }
    }
    return set
  }

  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return low >> UInt64(scalar) & 1 == 1 }
    if scalar < 128 { return high >> UInt64(scalar - 64) & 1 == 1 }
    return isMember(scalar)
  }

  private func isMember(_ scalar: UInt32) -> Bool {
    let found = ranges.contains { $0.contains(scalar) } || nested.contains { $0.isMember(scalar) }
      || categories.contains { $0.contains(scalar) }
    return found != isNegated
  }

  static let digit = ScalarSet([48...57])
  static let word = ScalarSet([48...57, 65...90, 95...95, 97...122])
  static let space = ScalarSet([9...13, 32...32])
  /// What a dot matches: anything but a line end.
  static let dot: ScalarSet = {
    var set = ScalarSet([10...10, 13...13, 0x85...0x85, 0x2028...0x2029])
    set.negate()
    return set
  }()
}

extension ScalarSet.Category {
  init?(_ name: String) {
    switch name {
    case "L": self = .letter
    case "Z": self = .separator
    case "N": self = .number
    default: return nil
    }
  }

  func contains(_ scalar: UInt32) -> Bool {
    guard let category = Unicode.Scalar(scalar)?.properties.generalCategory else { return false }
    return switch (self, category) {
    case (.letter, .uppercaseLetter), (.letter, .lowercaseLetter), (.letter, .titlecaseLetter), (.letter, .modifierLetter),
      (.letter, .otherLetter):
      true
    case (.separator, .spaceSeparator), (.separator, .lineSeparator), (.separator, .paragraphSeparator): true
    case (.number, .decimalNumber), (.number, .letterNumber), (.number, .otherNumber): true
    default: false
    }
  }
}
