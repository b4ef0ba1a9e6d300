import Base

/// What an event's value is looked up by. A value that fulfils a condition fulfils its probe, too; not always the other way round.
enum Probe: Sendable {
  case value(ExactValue)
  /// In lower case.
  case folded(String)
  case prefix([UInt8])
  case foldedPrefix([UInt8])
  /// The last byte first.
  case suffix([UInt8])
  case foldedSuffix([UInt8])
  case numbers(NumberRange)
  case addresses(AddressRange)
  /// There is a value.
  case present
}

extension Matcher {
  /// Nil when a missing value fulfils it.
  var probes: [Probe]? {
    switch self {
    case .text(let test): [test.probe]
    case .oneOf(let values): values.values.map(Probe.value)
    case .numeric(let tests): [.numbers(NumberRange(tests))]
    case .cidr(let range): [.addresses(range)]
    case .exists(false): nil
    case .exists(true), .anythingBut, .anythingButNumbers, .anythingButText: [.present]
    }
  }
}

extension TextTest {
  fileprivate var probe: Probe {
    switch self {
    case .equalsIgnoringCase(let text): .folded(text.lowercased())
    case .prefix(let text): text.isEmpty ? .present : .prefix(Array(text.utf8))
    case .prefixIgnoringCase(let text): text.isEmpty ? .present : .foldedPrefix(Array(text.lowercased().utf8))
    case .suffix(let text): text.isEmpty ? .present : .suffix(text.utf8.reversed())
    case .suffixIgnoringCase(let text): text.isEmpty ? .present : .foldedSuffix(text.lowercased().utf8.reversed())
    case .wildcard(let wildcard): wildcard.probe
    }
  }
}

extension Wildcard {
  /// By what is fixed at one of its ends.
  fileprivate var probe: Probe {
    if !beginning.isEmpty { return .prefix(beginning) }
    return ending.isEmpty ? .present : .suffix(ending.reversed())
  }
}

/// The numbers that comparisons let through, both ends included: the ends themselves may not be.
struct NumberRange: Sendable, Hashable {
  var low = -Double.infinity
  var high = Double.infinity

  init(_ tests: [NumericTest]) {
    for test in tests {
      switch test.comparison {
      case .equal: (low, high) = (max(low, test.bound), min(high, test.bound))
      case .less, .lessOrEqual: high = min(high, test.bound)
      case .greater, .greaterOrEqual: low = max(low, test.bound)
      }
    }
  }
}
