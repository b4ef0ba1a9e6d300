import Base

/// Which parts of items are wanted, as a tree of the paths.
struct Projection: Sendable {
  /// Nil: all that is there.
  private indirect enum Pick: Sendable {
    case whole
    case parts([(step: ResolvedStep, pick: Pick)])
  }
  /// In the order of the steps, on every level.
  private var root: [(step: ResolvedStep, pick: Pick)] = []
  /// The attributes in which they lie.
  var heads: [[UInt8]] { root.compactMap { if case .name(let name) = $0.step { name } else { nil } } }

  /// Throws for paths that overlap, unless they are known not to.
  init(_ paths: [[ResolvedStep]], kind: String = "ProjectionExpression") throws {
    try PathOverlap.check(paths, kind: kind)
    // What has the same beginning stands together.
    for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) { Self.add(path[...], to: &root) }
  }
  init(names: [String]) {
    for name in names.map({ ResolvedStep.name(Array($0.utf8)) }).sorted() { Self.add([name], to: &root) }
  }

  private static func add(_ path: ArraySlice<ResolvedStep>, to parts: inout [(step: ResolvedStep, pick: Pick)]) {
    guard let first = path.first else { return }
    let rest = path.dropFirst()
    if let last = parts.last, last.step == first {
      guard case .parts(var inner) = last.pick else { return }
      parts.removeLast()
      add(rest, to: &inner)
      parts.append((first, .parts(inner)))
    } else if rest.isEmpty {
      parts.append((first, .whole))
    } else {
      var inner: [(step: ResolvedStep, pick: Pick)] = []
      add(rest, to: &inner)
      parts.append((first, .parts(inner)))
    }
  }

  func callAsFunction(_ item: Item) -> Item { Item(bytes: Self.entries(item.bytes[...], root)) }

  private static func entries(_ entries: ArraySlice<UInt8>, _ parts: [(step: ResolvedStep, pick: Pick)]) -> [UInt8] {
    var out: [UInt8] = []
    // Attributes are in the order of their names, too.
    var next = 0
    Item.forEach(entries) { name, value in
      while next < parts.count, case .name(let wanted) = parts[next].step, wanted.lexicographicallyPrecedes(name) { next += 1 }
      guard next < parts.count, case .name(let wanted) = parts[next].step, wanted.elementsEqual(name) else { return }
      guard let picked = pick(value, parts[next].pick) else { return }
      Lengths.append(name, to: &out)
      Lengths.append(picked, to: &out)
    }
    return out
  }

  private static func pick(_ value: ArraySlice<UInt8>, _ pick: Pick) -> ArraySlice<UInt8>? {
    guard case .parts(let parts) = pick else { return value }
    let whole = AttributeValue(value)
    var out = [whole.type.rawValue]
    switch whole.type {
    case .map: out += entries(whole.payload, parts)
    case .list:
      var next = 0
      for (place, element) in whole.elements.enumerated() where next < parts.count && parts[next].step == .index(place) {
        next += 1
        if let picked = Self.pick(element, parts[next - 1].pick) { Lengths.append(picked, to: &out) }
      }
    default: return nil
    }
    return out.count > 1 ? out[...] : nil
  }
}

/// Paths of which one lies in another, or that take one thing for a list and for a map.
enum PathOverlap {
  static func check(_ paths: [[ResolvedStep]], kind: String) throws {
    guard paths.count > 1 else { return }
    var seen = Seen()
    for (place, path) in paths.enumerated() where !seen.insert(path[...]) {
      for other in paths[..<place] { try check(other, path, kind) }
    }
  }

  /// The paths so far, by their steps.
  private struct Seen {
    private var isEnd = false
    private var inner: [ResolvedStep: Seen] = [:]

    /// False when the path cannot stand beside those that were inserted before.
    mutating func insert(_ path: ArraySlice<ResolvedStep>) -> Bool {
      guard !isEnd else { return false }
      guard let step = path.first else {
        isEnd = true
        return inner.isEmpty
      }
      if let other = inner.keys.first, other.isName != step.isName { return false }
      return inner[step, default: Seen()].insert(path.dropFirst())
    }
  }

  private static func check(_ a: [ResolvedStep], _ b: [ResolvedStep], _ kind: String) throws {
    for (x, y) in zip(a, b) {
      switch (x, y) {
      case (.name, .index), (.index, .name): throw failure("conflict", a, b, kind)
      default: if x != y { return }
      }
    }
    throw failure("overlap", a, b, kind)
  }
  private static func failure(_ what: String, _ a: [ResolvedStep], _ b: [ResolvedStep], _ kind: String) -> AWSError {
    DynamoDBError.expression(
      kind, "Two document paths \(what) with each other; must remove or rewrite one of these paths; "
        + "path one: \(a.shown), path two: \(b.shown)")
  }
}
