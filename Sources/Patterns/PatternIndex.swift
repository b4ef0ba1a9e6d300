import Base

/// Where patterns hang: a tree of the names in events, and at its leaves the values that patterns ask for.
struct PatternIndex: Sendable {
  private struct Node: Sendable {
    var children: [String: Int] = [:]
    var values: ValueIndex?
  }
  /// Conditions of which an event must fulfil one for the pattern to match.
  private struct Anchor {
    var probes: [(path: [String], probe: Probe)]
    var cost: Int
    var depth: Int
  }

  private var nodes = [Node()]
  /// Patterns that ask for nothing that must be there.
  private var always: [Int] = []

  mutating func insert(_ place: Int, _ root: Level) {
    guard let anchor = best(anchors(root, [])) else { return always.append(place) }
    for (path, probe) in anchor.probes { insert(place, probe, at: node(path)) }
  }

  /// The places whose patterns may match, each once, in their order.
  func candidates(_ event: JSON) -> [Int] {
    var found = always
    visit(0, event, &found)
    guard found.count > 1 else { return found }
    found.sort()
    var (last, unique) = (-1, [Int]())
    for place in found where place != last {
      unique.append(place)
      last = place
    }
    return unique
  }

  private func visit(_ node: Int, _ value: JSON, _ found: inout [Int]) {
    switch value {
    case .array(let elements): for element in elements { visit(node, element, &found) }
    case .object(let object):
      guard !nodes[node].children.isEmpty else { return }
      for (name, value) in object.members {
        if let child = nodes[node].children[name] { visit(child, value, &found) }
      }
    case .null, .bool, .int, .double, .number, .string: nodes[node].values?.collect(value, &found)
    }
  }

  private func best(_ anchors: [Anchor]) -> Anchor? { anchors.min { ($0.cost, -$0.depth) < ($1.cost, -$1.depth) } }

  private func anchors(_ level: Level, _ path: [String]) -> [Anchor] {
    var found: [Anchor] = []
    for (name, field) in level.fields {
      switch field {
      case .level(let inner): found += anchors(inner, path + [name])
      case .leaf(let matchers): if let anchor = anchor(matchers, path + [name]) { found.append(anchor) }
      }
    }
    for alternatives in level.alternatives {
      let bests = alternatives.map { best(anchors($0, path)) }
      guard !bests.contains(where: { $0 == nil }) else { continue }
      let whole = bests.compactMap(\.self)
      found.append(
        Anchor(
          probes: whole.flatMap(\.probes), cost: whole.reduce(0) { $0 + $1.cost }, depth: whole.map(\.depth).min() ?? 0))
    }
    return found
  }

  private func anchor(_ matchers: [Matcher], _ path: [String]) -> Anchor? {
    let values = existingNode(path).flatMap { nodes[$0].values }
    var anchor = Anchor(probes: [], cost: 0, depth: path.count)
    for matcher in matchers {
      guard let probes = matcher.probes else { return nil }
      for probe in probes {
        anchor.probes.append((path, probe))
        anchor.cost += values?.sharers(of: probe) ?? ValueIndex.vagueness(of: probe)
      }
    }
    return anchor
  }

  private func existingNode(_ path: [String]) -> Int? {
    var node = 0
    for name in path {
      guard let child = nodes[node].children[name] else { return nil }
      node = child
    }
    return node
  }

  private mutating func node(_ path: [String]) -> Int {
    var node = 0
    for name in path {
      if let child = nodes[node].children[name] {
        node = child
      } else {
        nodes.append(Node())
        nodes[node].children[name] = nodes.count - 1
        node = nodes.count - 1
      }
    }
    return node
  }

  private mutating func insert(_ place: Int, _ probe: Probe, at node: Int) {
    nodes[node].values = nodes[node].values ?? ValueIndex()
    nodes[node].values?.insert(place, probe)
  }
}
