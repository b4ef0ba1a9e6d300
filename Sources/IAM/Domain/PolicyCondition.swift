import Base

/// One operator with one key of a `Condition` block.
struct PolicyCondition: Sendable {
  enum Quantifier: Sendable { case none, forAllValues, forAnyValue }
  enum Comparison: Sendable { case equal, less, lessOrEqual, greater, greaterOrEqual }
  enum Test: Sendable {
    case text([PatternTemplate])
    case textIgnoringCase([PatternTemplate])
    case arn([PatternTemplate])
    case number(Comparison, [Double])
    case date(Comparison, [Instant])
    case bool([Bool])
    case binary([[UInt8]])
    case address([IPNetwork])
    /// The key must be absent (true) or present (false).
    case null([Bool])
  }
  let quantifier: Quantifier
  let ifExists: Bool
  let isNegated: Bool
  let test: Test
  let key: ConditionKey

  func holds(_ request: PolicyRequest) -> Bool {
    let values = request.values(key) ?? []
    if case .null(let wanted) = test { return wanted.contains(values.isEmpty) }
    guard !values.isEmpty else {
      if ifExists { return true }
      switch quantifier {
      case .none: return isNegated
      case .forAllValues: return true
      case .forAnyValue: return false
      }
    }
    switch quantifier {
    case .forAllValues: return values.allSatisfy { matchesAny($0, request) != isNegated }
    case .forAnyValue: return values.contains { matchesAny($0, request) != isNegated }
    // A key with several values but no quantifier: the positive operators want one of them, the negated none.
    case .none: return values.contains { matchesAny($0, request) } != isNegated
    }
  }

  /// Whether the request's value is one of the document's, negation aside.
  private func matchesAny(_ value: String, _ request: PolicyRequest) -> Bool {
    switch test {
    case .text(let patterns): return anyPattern(patterns, Array(value.utf8), request, globMatches)
    case .textIgnoringCase(let patterns):
      return anyPattern(patterns, Array(value.lowercased().utf8), request, Self.sameIgnoringCase)
    case .arn(let patterns): return anyPattern(patterns, Array(value.utf8), request, Self.arnMatches)
    case .number(let comparison, let numbers):
      guard let n = Double(value) else { return false }
      return numbers.contains { comparison.holds(n, $0) }
    case .date(let comparison, let dates):
      guard let date = Instant(policyText: value) else { return false }
      return dates.contains { comparison.holds(date, $0) }
    case .bool(let wanted):
      switch value.lowercased() {
      case "true": return wanted.contains(true)
      case "false": return wanted.contains(false)
      default: return false
      }
    case .binary(let blobs):
      guard let bytes = decodeBase64(value) else { return false }
      return blobs.contains(bytes)
    case .address(let networks):
      guard let address = IPAddress(value) else { return false }
      return networks.contains { $0.contains(address) }
    case .null(let wanted): return wanted.contains(false)
    }
  }

  private func anyPattern(
    _ patterns: [PatternTemplate], _ subject: [UInt8], _ request: PolicyRequest, _ matches: ([UInt8], [UInt8]) -> Bool
  ) -> Bool {
    for pattern in patterns {
      if let bytes = pattern.fixed ?? pattern.resolve(request), matches(bytes, subject) { return true }
    }
    return false
  }

  private static func sameIgnoringCase(_ pattern: [UInt8], _ subject: [UInt8]) -> Bool {
    pattern.utf8Text.lowercased().utf8.elementsEqual(subject)
  }

  /// Each of the six parts is matched by itself; only in the last may a wildcard meet colons.
  static func arnMatches(_ pattern: [UInt8], _ subject: [UInt8]) -> Bool {
    if pattern == [Wildcard.run] { return true }
    let colon = UInt8(ascii: ":")
    let wanted = pattern.split(separator: colon, maxSplits: 5, omittingEmptySubsequences: false)
    let parts = subject.split(separator: colon, maxSplits: 5, omittingEmptySubsequences: false)
    guard wanted.count == 6, parts.count == 6 else { return false }
    return zip(wanted, parts).allSatisfy { globMatches($0, $1) }
  }
}

extension PolicyCondition.Comparison {
  func holds<T: Comparable>(_ value: T, _ wanted: T) -> Bool {
    switch self {
    case .equal: value == wanted
    case .less: value < wanted
    case .lessOrEqual: value <= wanted
    case .greater: value > wanted
    case .greaterOrEqual: value >= wanted
    }
  }
}

extension Instant {
  /// A date as policies write it: ISO 8601 or seconds since 1970.
  init?(policyText text: String) {
    if let date = Instant(iso8601: text) {
      self = date
      return
    }
    guard let seconds = Int64(text), abs(seconds) < 1 << 40 else { return nil }
    self.init(seconds: seconds)
  }
}
