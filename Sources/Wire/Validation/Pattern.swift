import Base
import Synchronization

/// A pattern of a model, matched against whole texts without backtracking: time is at most text × pattern, whatever the
/// text. (Swift's Regex compiles slowly and may run for ever.)
public final class Pattern: Sendable {
  /// Instructions in one compiled pattern; counted repetitions are written out.
  public static let maximumSize = 20_000
  /// Scalars of a text that is looked at. Longer ones fail: every AWS string with a pattern is shorter.
  public static let maximumTextLength = 1_048_576

  enum Instruction: Sendable {
    case set(ScalarSet)
    /// Goes on at both.
    case split(Int, Int)
    case jump(Int)
    case start, end
    case lookAhead(Pattern, isWanted: Bool)
    case lookBehind(ScalarSet, isWanted: Bool)
    case match
  }

  private let program: [Instruction]
  /// Set for the most frequent form, one class repeated: no simulation is needed.
  private let loop: (set: ScalarSet, minimum: Int)?

  /// Nil when the pattern uses what we do not support; tests see to it that no schema has such a one.
  public convenience init?(_ text: String) {
    guard let node = try? PatternParser.parse(text) else { return nil }
    self.init(node)
  }

  private init?(_ node: PatternNode) {
    var builder = Builder()
    guard builder.add(node) else { return nil }
    builder.program.append(.match)
    program = builder.program
    if case .repeat(.set(let set), let minimum, nil) = node { loop = (set, minimum) } else { loop = nil }
  }

  /// Whether the whole text has the form.
  public func matches(_ text: String) -> Bool {
    guard text.utf8.count <= Self.maximumTextLength else { return false }
    if let loop {
      var count = 0
      for scalar in text.unicodeScalars {
        guard loop.set.contains(scalar.value) else { return false }
        count += 1
      }
      return count >= loop.minimum
    }
    return matches(text.unicodeScalars.map(\.value), from: 0, isWhole: true)
  }

  private func matches(_ text: [UInt32], from start: Int, isWhole: Bool) -> Bool {
    var threads = Threads(count: program.count)
    var following = Threads(count: program.count)
    add(0, start, text, &threads)
    for position in start...text.count {
      if threads.hasMatched, !isWhole || position == text.count { return true }
      guard position < text.count, !threads.list.isEmpty else { return false }
      for thread in threads.list {
        if case .set(let set) = program[thread], set.contains(text[position]) { add(thread + 1, position + 1, text, &following) }
      }
      swap(&threads, &following)
      following.clear()
    }
    return false
  }

  /// The places in the program that are alive at one position of the text.
  private struct Threads {
    var list: [Int] = []
    var hasMatched = false
    private var generation = 1
    private var seen: [Int]
    init(count: Int) { seen = Array(repeating: 0, count: count) }
    mutating func insert(_ place: Int) -> Bool {
      guard seen[place] != generation else { return false }
      seen[place] = generation
      return true
    }
    mutating func clear() {
      list.removeAll(keepingCapacity: true)
      generation += 1
      hasMatched = false
    }
  }

  /// Follows everything that consumes no text.
  private func add(_ place: Int, _ position: Int, _ text: [UInt32], _ threads: inout Threads) {
    var waiting = [place]
    while let place = waiting.popLast() {
      guard threads.insert(place) else { continue }
      switch program[place] {
      case .set: threads.list.append(place)
      case .match: threads.hasMatched = true
      case .jump(let target): waiting.append(target)
      case .split(let first, let second): waiting += [second, first]
      case .start: if position == 0 { waiting.append(place + 1) }
      case .end: if position == text.count { waiting.append(place + 1) }
      case .lookAhead(let pattern, let isWanted):
        if pattern.matches(text, from: position, isWhole: false) == isWanted { waiting.append(place + 1) }
      case .lookBehind(let set, let isWanted):
        if (position > 0 && set.contains(text[position - 1])) == isWanted { waiting.append(place + 1) }
      }
    }
  }

  private struct Builder {
    var program: [Instruction] = []

    /// False when the program grows too large.
    mutating func add(_ node: PatternNode) -> Bool {
      guard program.count < Pattern.maximumSize else { return false }
      switch node {
      case .set(let set): program.append(.set(set))
      case .start: program.append(.start)
      case .end: program.append(.end)
      case .lookBehind(let set, let isWanted): program.append(.lookBehind(set, isWanted: isWanted))
      case .lookAhead(let inner, let isWanted):
        guard let pattern = Pattern(inner) else { return false }
        program.append(.lookAhead(pattern, isWanted: isWanted))
      case .sequence(let nodes): return nodes.allSatisfy { add($0) }
      case .choice(let branches): return addChoice(branches[...])
      case .repeat(let inner, let low, let high): return addRepeat(inner, low, high)
      }
      return true
    }

    private mutating func addChoice(_ branches: ArraySlice<PatternNode>) -> Bool {
      guard let first = branches.first else { return true }
      guard branches.count > 1 else { return add(first) }
      let split = program.count
      program.append(.match)
      guard add(first) else { return false }
      let jump = program.count
      program.append(.match)
      program[split] = .split(split + 1, program.count)
      guard addChoice(branches.dropFirst()) else { return false }
      program[jump] = .jump(program.count)
      return true
    }

    private mutating func addRepeat(_ node: PatternNode, _ low: Int, _ high: Int?) -> Bool {
      for _ in 0..<low { guard add(node) else { return false } }
      guard let high else {
        let split = program.count
        program.append(.match)
        guard add(node) else { return false }
        program.append(.jump(split))
        program[split] = .split(split + 1, program.count)
        return true
      }
      var splits: [Int] = []
      for _ in low..<high {
        splits.append(program.count)
        program.append(.match)
        guard add(node) else { return false }
      }
      for split in splits { program[split] = .split(split + 1, program.count) }
      return true
    }
  }

  /// Compiled once per process. The keys are patterns of models, so the table stays small.
  private static let compiled = Mutex<[String: Pattern?]>([:])

  /// Nil when the pattern is not supported.
  static func of(_ text: String) -> Pattern? {
    compiled.withLock { table in
      if let known = table[text] { return known }
      let pattern = Pattern(text)
      table[text] = .some(pattern)
      return pattern
    }
  }
}
