import Base

/// Which parts of items are wanted, as a tree of the paths.
struct Projection: Sendable {
  /// Nil: all that is there.
  private indirect enum Pick: Sendable {
    case whole
    case parts([(step: ResolvedStep, pick: Pick)])
  }
  private var root: [(step: ResolvedStep, pick: Pick)] = []
  /// The attributes in which they lie.
  var heads: [[UInt8]] { root.compactMap { if case .name(let name) = $0.step { name } else { nil } } }

  /// Throws for paths that overlap, unless they are known not to.
  init(_ paths: [[ResolvedStep]], kind: String = "ProjectionExpression") throws {
    try PathOverlap.check(paths, kind: kind)
    for path in paths { Self.add(path[...], to: &root) }
  }
  init(names: [String]) { root = names.map { (.name(Array($0.utf8)), .whole) } }

  private static func add(_ path: ArraySlice<ResolvedStep>, to parts: inout [(step: ResolvedStep, pick: Pick)]) {
    guard let first = path.first else { return }
    let rest = path.dropFirst()
    if let place = parts.firstIndex(where: { $0.step == first }) {
      guard case .parts(var inner) = parts[place].pick else { return }
      add(rest, to: &inner)
      parts[place].pick = .parts(inner)
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
    Item.forEach(entries) { name, value in
      for part in parts {
        guard case .name(let wanted) = part.step, wanted.count == name.count, wanted.elementsEqual(name) else { continue }
        guard let picked = pick(value, part.pick) else { return }
        Lengths.append(name, to: &out)
        Lengths.append(picked, to: &out)
        return
      }
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
      for (place, element) in whole.elements.enumerated() {
        guard let part = parts.first(where: { $0.step == .index(place) }), let picked = Self.pick(element, part.pick) else { continue }
        Lengths.append(picked, to: &out)
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
    for (place, path) in paths.enumerated() {
      for other in paths[..<place] { try check(other, path, kind) }
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
