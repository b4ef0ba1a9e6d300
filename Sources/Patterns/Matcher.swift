import Base

/// One condition on a value.
enum Matcher: Sendable, Equatable {
  case text(TextTest)
  case oneOf(ExactValues)
  case numeric([NumericTest])
  case cidr(AddressRange)
  case exists(Bool)
  case anythingBut(ExactValues)
  /// Numbers compare by what they are worth: 1 is 1.0.
  case anythingButNumbers(Set<Double>)
  /// The text passes none of the tests. What is no text is anything but.
  case anythingButText([TextTest])

  /// - Parameter value: nil where the event has nothing.
  func matches(_ value: JSON?) -> Bool {
    if case .exists(let wanted) = self { return Self.isLeaf(value) == wanted }
    switch value {
    case nil, .object?: return false
    case .array(let elements)?: return elements.contains { matches($0) }
    case let leaf?: return matches(leaf: leaf)
    }
  }

  private func matches(leaf: JSON) -> Bool {
    switch self {
    case .text(let test): leaf.string.map(test.passes) ?? false
    case .oneOf(let values): values.contains(leaf)
    case .numeric(let tests): Self.number(leaf).map { number in tests.allSatisfy { $0.passes(number) } } ?? false
    case .cidr(let range): leaf.string.map(range.contains) ?? false
    case .exists: false
    case .anythingBut(let values): !values.contains(leaf)
    case .anythingButNumbers(let values): Self.number(leaf).map { !values.contains($0) } ?? true
    case .anythingButText(let tests): leaf.string.map { text in !tests.contains { $0.passes(text) } } ?? true
    }
  }

  /// Whether there is a value that is no object; of a list, whether it has one.
  private static func isLeaf(_ value: JSON?) -> Bool {
    switch value {
    case nil, .object?: false
    case .array(let elements)?: elements.contains { isLeaf($0) }
    default: true
    }
  }

  private static func number(_ value: JSON) -> Double? {
    switch value {
    case .int, .double, .number: value.double
    default: nil
    }
  }
}

/// A comparison of `numeric`.
struct NumericTest: Sendable, Equatable {
  enum Comparison: String, Sendable { case equal = "=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">=" }
  var comparison: Comparison
  var bound: Double

  func passes(_ number: Double) -> Bool {
    switch comparison {
    case .equal: number == bound
    case .less: number < bound
    case .lessOrEqual: number <= bound
    case .greater: number > bound
    case .greaterOrEqual: number >= bound
    }
  }
}

/// A condition on a text. Texts compare by their code points, not as readers see them.
enum TextTest: Sendable, Equatable {
  case equalsIgnoringCase(String)
  case prefix(String)
  case prefixIgnoringCase(String)
  case suffix(String)
  case suffixIgnoringCase(String)
  case wildcard(Wildcard)

  func passes(_ text: String) -> Bool {
    switch self {
    case .equalsIgnoringCase(let wanted): text.lowercased().utf8.elementsEqual(wanted.lowercased().utf8)
    case .prefix(let wanted): text.utf8.starts(with: wanted.utf8)
    case .prefixIgnoringCase(let wanted): text.lowercased().utf8.starts(with: wanted.lowercased().utf8)
    case .suffix(let wanted): text.utf8.reversed().starts(with: wanted.utf8.reversed())
    case .suffixIgnoringCase(let wanted): text.lowercased().utf8.reversed().starts(with: wanted.lowercased().utf8.reversed())
    case .wildcard(let wildcard): wildcard.matches(text)
    }
  }
}
