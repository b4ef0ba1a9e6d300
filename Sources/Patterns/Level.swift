import Base

/// The conditions on one object: all fields, and one alternative of each `$or`.
struct Level: Sendable, Equatable {
  indirect enum Field: Sendable, Equatable {
    case level(Level)
    case leaf([Matcher])
  }
  var fields: [(name: String, field: Field)] = []
  var alternatives: [[Level]] = []

  static func == (a: Level, b: Level) -> Bool {
    a.fields.elementsEqual(b.fields) { $0.name == $1.name && $0.field == $1.field } && a.alternatives == b.alternatives
  }

  /// - Parameter value: nil where the event has nothing. A list matches when an element does.
  func matches(_ value: JSON?) -> Bool {
    if case .array(let elements)? = value, !elements.isEmpty { return elements.contains { matches($0) } }
    let object = value?.object
    return fields.allSatisfy { name, field in
      let value = object?[name]
      return switch field {
      case .level(let level): level.matches(value)
      case .leaf(let matchers): matchers.contains { $0.matches(value) }
      }
    } && alternatives.allSatisfy { $0.contains { $0.matches(value) } }
  }
}

/// Putting together. AWS takes a pattern for a list of paths with conditions, in which a path that comes again takes the place of
/// the first: within an object, and in the alternatives of an `$or` that stands behind it.
extension Level {
  mutating func set(_ path: ArraySlice<String>, _ matchers: [Matcher]) {
    guard let name = path.first else { return }
    for group in alternatives.indices {
      for place in alternatives[group].indices { alternatives[group][place].remove(path) }
    }
    guard path.count == 1 else { return inner(name) { $0.set(path.dropFirst(), matchers) } }
    if let known = fields.firstIndex(where: { $0.name.isExactly(name) && $0.field.isLeaf }) {
      fields[known].field = .leaf(matchers)
    } else {
      fields.append((name, .leaf(matchers)))
    }
  }

  mutating func merge(_ level: Level, at path: ArraySlice<String>) {
    if let name = path.first { return inner(name) { $0.merge(level, at: path.dropFirst()) } }
    for (name, field) in level.fields {
      switch field {
      case .leaf(let matchers): set([name], matchers)
      case .level(let inner): merge(inner, at: [name])
      }
    }
    alternatives += level.alternatives
  }

  mutating func add(_ group: [Level]) {
    var group = group
    for path in leafPaths where group.contains(where: { $0.leaf(path) != nil }) {
      guard let matchers = leaf(path) else { continue }
      remove(path)
      for place in group.indices where group[place].leaf(path) == nil { group[place].set(path, matchers) }
    }
    alternatives.append(group)
  }

  private mutating func inner(_ name: String, _ body: (inout Level) -> Void) {
    let known = fields.firstIndex { $0.name.isExactly(name) && !$0.field.isLeaf }
    var level = Level()
    if let known, case .level(let inner) = fields[known].field { level = inner }
    body(&level)
    if let known { fields[known].field = .level(level) } else { fields.append((name, .level(level))) }
  }

  private mutating func remove(_ path: ArraySlice<String>) {
    guard let name = path.first, let place = place(of: name, isLeaf: path.count == 1) else { return }
    if case .level(var inner) = fields[place].field {
      inner.remove(path.dropFirst())
      fields[place].field = .level(inner)
      guard inner.fields.isEmpty, inner.alternatives.isEmpty else { return }
    }
    fields.remove(at: place)
  }

  private func leaf(_ path: ArraySlice<String>) -> [Matcher]? {
    guard let name = path.first, let place = place(of: name, isLeaf: path.count == 1) else { return nil }
    switch fields[place].field {
    case .leaf(let matchers): return matchers
    case .level(let inner): return inner.leaf(path.dropFirst())
    }
  }

  private func place(of name: String, isLeaf: Bool) -> Int? {
    fields.firstIndex { $0.name.isExactly(name) && $0.field.isLeaf == isLeaf }
  }

  private var leafPaths: [ArraySlice<String>] {
    fields.flatMap { name, field -> [ArraySlice<String>] in
      switch field {
      case .leaf: return [[name]]
      case .level(let inner): return inner.leafPaths.map { [name] + $0 }
      }
    }
  }
}

extension Level.Field {
  fileprivate var isLeaf: Bool { if case .leaf = self { true } else { false } }
}
