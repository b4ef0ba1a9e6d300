import Base

/// The parts of a pattern.
indirect enum PatternNode {
  case set(ScalarSet)
  case sequence([PatternNode])
  case choice([PatternNode])
  case `repeat`(PatternNode, Int, Int?)
  case start, end
  case lookAhead(PatternNode, isWanted: Bool)
  case lookBehind(ScalarSet, isWanted: Bool)
}

/// Reads the subset of Java's regular expressions that AWS's models use: classes, groups, alternation, quantifiers,
/// anchors, look-ahead, and look-behind over one character. No back references, flags or class intersections.
struct PatternParser {
  struct Unsupported: Error { var reason: String }

  private let scalars: [UInt32]
  private var at = 0

  private init(_ pattern: String) { scalars = pattern.unicodeScalars.map(\.value) }

  static func parse(_ pattern: String) throws(Unsupported) -> PatternNode {
    var parser = PatternParser(pattern)
    let node = try parser.choice()
    guard parser.at == parser.scalars.count else { throw Unsupported(reason: "unbalanced parenthesis") }
    return node
  }

  private var next: UInt32? { at < scalars.count ? scalars[at] : nil }
  private func isNext(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard at + count <= scalars.count else { return false }
    return (0..<count).allSatisfy { scalars[at + $0] == UInt32(text.utf8Start[$0]) }
  }
  private mutating func take(_ text: StaticString) -> Bool {
    guard isNext(text) else { return false }
    at += text.utf8CodeUnitCount
    return true
  }
  private mutating func advance() throws(Unsupported) -> UInt32 {
    guard let scalar = next else { throw Unsupported(reason: "unexpected end") }
    at += 1
    return scalar
  }

  private mutating func choice() throws(Unsupported) -> PatternNode {
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(Unsupported) -> PatternNode {
    var nodes: [PatternNode] = []
    while next != nil, !isNext("|"), !isNext(")") {
      let atom = try atom()
      nodes.append(try quantified(atom))
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func atom() throws(Unsupported) -> PatternNode {
    if take("(") { return try group() }
    if take("[") { return .set(try characterClass().sealed()) }
    if take("^") { return .start }
    if take("$") { return .end }
    if take(".") { return .set(ScalarSet.dot.sealed()) }
    if take("\\") {
      if take("S") { return .set(negated(.space)) }
      if take("W") { return .set(negated(.word)) }
      if take("D") { return .set(negated(.digit)) }
      return .set(try escape().sealed())
    }
    let scalar = try advance()
    guard ![0x2A, 0x2B, 0x3F].contains(scalar) else { throw Unsupported(reason: "quantifier without an atom") }
    return .set(ScalarSet([scalar...scalar]).sealed())
  }

  private func negated(_ set: ScalarSet) -> ScalarSet {
    var set = set
    set.negate()
    return set.sealed()
  }

  private mutating func group() throws(Unsupported) -> PatternNode {
    let node: PatternNode
    if take("?!") {
      node = .lookAhead(try choice(), isWanted: false)
    } else if take("?=") {
      node = .lookAhead(try choice(), isWanted: true)
    } else if isNext("?<!") || isNext("?<=") {
      let isWanted = isNext("?<=")
      at += 3
      guard case .set(let set) = try choice() else { throw Unsupported(reason: "look-behind over more than one character") }
      node = .lookBehind(set, isWanted: isWanted)
    } else {
      guard take("?:") || !isNext("?") else { throw Unsupported(reason: "group extension") }
      node = try choice()
    }
    guard take(")") else { throw Unsupported(reason: "unbalanced parenthesis") }
    return node
  }

  private mutating func quantified(_ atom: PatternNode) throws(Unsupported) -> PatternNode {
    var node = atom
    if take("*") {
      node = .repeat(atom, 0, nil)
    } else if take("+") {
      node = .repeat(atom, 1, nil)
    } else if take("?") {
      node = .repeat(atom, 0, 1)
    } else if take("{") {
      let low = try number() ?? 0
      var high: Int? = low
      if take(",") { high = try number() }
      guard take("}"), high.map({ $0 >= low }) ?? true else { throw Unsupported(reason: "bad repetition") }
      node = .repeat(atom, low, high)
    } else {
      return atom
    }
    // Lazy and possessive forms match the same whole texts here.
    _ = take("?") || take("+")
    return node
  }

  private mutating func number() throws(Unsupported) -> Int? {
    var value: Int?
    while let scalar = next, scalar >= 48, scalar <= 57 {
      value = (value ?? 0) * 10 + Int(scalar - 48)
      at += 1
      guard value ?? 0 <= Pattern.maximumSize else { throw Unsupported(reason: "repetition too large") }
    }
    return value
  }

  private mutating func characterClass() throws(Unsupported) -> ScalarSet {
    var set = ScalarSet()
    let isNegated = take("^")
    while !isNext("]") {
      guard !isNext("&&") else { throw Unsupported(reason: "class intersection") }
      if take("[") {
        set.insert(try characterClass())
        continue
      }
      guard let low = try classItem(&set) else { continue }
      // A hyphen before the closing bracket or after a range stands for itself.
      if isNext("-"), at + 1 < scalars.count, scalars[at + 1] != 0x5D, scalars[at + 1] != 0x5B {
        let saved = at
        at += 1
        var other = ScalarSet()
        if let high = try classItem(&other), high >= low {
          set.insert(low...high)
          continue
        }
        at = saved
      }
      set.insert(low...low)
    }
    at += 1
    if isNegated { set.negate() }
    return set
  }

  /// One scalar, or nil when the item was a class of its own and went into the set.
  private mutating func classItem(_ set: inout ScalarSet) throws(Unsupported) -> UInt32? {
    let scalar = try advance()
    guard scalar == 0x5C else { return scalar }
    for (letter, inner) in [("S" as StaticString, ScalarSet.space), ("W", .word), ("D", .digit)] where isNext(letter) {
      at += 1
      set.insert(negated(inner))
      return nil
    }
    let escaped = try escape()
    if escaped.categories.isEmpty, escaped.ranges.count == 1, let range = escaped.ranges.first, range.count == 1 {
      return range.lowerBound
    }
    set.insert(escaped)
    return nil
  }

  /// What follows a backslash.
  private mutating func escape() throws(Unsupported) -> ScalarSet {
    let scalar = try advance()
    switch Unicode.Scalar(scalar) {
    case "w": return .word
    case "d": return .digit
    case "s": return .space
    case "n": return ScalarSet([10...10])
    case "r": return ScalarSet([13...13])
    case "t": return ScalarSet([9...9])
    case "f": return ScalarSet([12...12])
    case "x": return try code(digits: 2)
    case "u": return try code(digits: 4)
    case "p":
      guard take("{") else { throw Unsupported(reason: "\\p without braces") }
      var name = ""
      while !isNext("}") { name.unicodeScalars.append(Unicode.Scalar(try advance()) ?? " ") }
      at += 1
      guard let category = ScalarSet.Category(name) else { throw Unsupported(reason: "category \(name)") }
      var set = ScalarSet()
      set.insert(category)
      return set
    default:
      let isLetterOrDigit = ScalarSet.word.sealed().contains(scalar) && scalar != 0x5F
      guard !isLetterOrDigit else { throw Unsupported(reason: "escape \\\(Unicode.Scalar(scalar) ?? "?")") }
      return ScalarSet([scalar...scalar])
    }
  }

  private mutating func code(digits: Int) throws(Unsupported) -> ScalarSet {
    var value: UInt32 = 0
    for _ in 0..<digits {
      let scalar = try advance()
      guard scalar < 128, let digit = hexValue(UInt8(scalar)) else { throw Unsupported(reason: "bad hexadecimal escape") }
      value = value << 4 | UInt32(digit)
    }
    return ScalarSet([value...value])
  }
}
