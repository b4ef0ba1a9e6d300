/// How much a field's wildcards could keep a matcher busy that follows them all at once, byte by byte: AWS refuses rules by it, so we
/// do, though our matching is linear (EventBridge User Guide, "Wildcard matching complexity").
///
/// The measure is the largest number of places in patterns that one text can have reached at the same time. AWS does not publish its
/// limit; ten is what others have found.
enum WildcardComplexity {
  static let limit = 10
  /// Steps from one combination of places to another that are tried; a pattern with more is too complex in any case.
  private static let maximumSteps = 200_000

  private enum Token: Hashable {
    case byte(UInt8)
    case star
  }

  /// - Parameter matchers: of one field.
  /// - Throws: `PatternError` when they are too complex together.
  static func check(_ matchers: [Matcher]) throws(PatternError) {
    let patterns = matchers.flatMap(wildcards).map(tokens)
    guard !patterns.isEmpty, isTooComplex(patterns) else { return }
    throw PatternError(
      "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character")
  }

  private static func wildcards(_ matcher: Matcher) -> [Wildcard] {
    let tests: [TextTest] =
      switch matcher {
      case .text(let test): [test]
      case .anythingButText(let tests): tests
      default: []
      }
    return tests.compactMap { if case .wildcard(let wildcard) = $0 { wildcard } else { nil } }
  }

  private static func tokens(_ wildcard: Wildcard) -> [Token] {
    Array(wildcard.literals.map { $0.map(Token.byte) }.joined(separator: [.star]))
  }

  private static func isTooComplex(_ patterns: [[Token]]) -> Bool {
    // A place is how many tokens are behind it; one behind a star stays there.
    let bytes = Set(patterns.joined()).compactMap { if case .byte(let byte) = $0 { byte as UInt8? } else { nil } }
    var pending = [Set(patterns.indices.map { Place(pattern: $0, reached: 0) })]
    var seen = Set(pending)
    guard pending.allSatisfy({ weight($0, patterns) <= limit }) else { return true }
    var steps = 0
    while let places = pending.popLast() {
      steps += bytes.count + 1
      guard steps <= maximumSteps else { return true }
      for byte in bytes.map(Optional.some) + [nil] {
        let next = Set(places.flatMap { after($0, byte, patterns[$0.pattern]) })
        if weight(next, patterns) > limit { return true }
        if !next.isEmpty, seen.insert(next).inserted { pending.append(next) }
      }
    }
    return false
  }

  private struct Place: Hashable {
    var pattern: Int
    var reached: Int
  }

  /// - Parameter byte: nil stands for one that no pattern has.
  private static func after(_ place: Place, _ byte: UInt8?, _ tokens: [Token]) -> [Place] {
    var next: [Place] = []
    func step(to reached: Int) { next.append(Place(pattern: place.pattern, reached: reached)) }
    let at = place.reached
    if at > 0, tokens[at - 1] == .star { step(to: at) }
    guard at < tokens.count else { return next }
    if tokens[at] == .star {
      step(to: at + 1)
      // A star may stand for nothing.
      if at + 1 < tokens.count, let byte, tokens[at + 1] == .byte(byte) { step(to: at + 2) }
    } else if let byte, tokens[at] == .byte(byte) {
      step(to: at + 1)
    }
    return next
  }

  private static func weight(_ places: Set<Place>, _ patterns: [[Token]]) -> Int {
    places.reduce(0) { sum, place in
      let tokens = patterns[place.pattern]
      let waits =
        place.reached < tokens.count && tokens[place.reached] == .star
        && !places.contains(Place(pattern: place.pattern, reached: place.reached + 1))
      return sum + (waits ? 2 : 1)
    }
  }
}
