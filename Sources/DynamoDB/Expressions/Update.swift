import Base

/// An update that is ready to be applied: paths and values are known.
struct Update: Sendable {
  private struct Action: Sendable {
    enum Change: Sendable { case set(UpdateValue), remove, add(AttributeValue), delete(AttributeValue) }
    var path: [ResolvedStep]
    var change: Change
  }
  private var actions: [Action] = []
  private let bindings: Bindings
  /// What UPDATED_OLD and UPDATED_NEW show.
  let touched: Projection
  /// The attributes that it changes, or something in them.
  var heads: [[UInt8]] { touched.heads }
  /// The attributes that it names: those too that it only reads.
  var named: [[UInt8]] {
    heads + actions.flatMap { action -> [[UInt8]] in
      guard case .set(let value) = action.change else { return [] }
      return value.paths.map { bindings.name($0.head) }
    }
  }

  /// Throws for what is wrong with an update whatever the item is.
  init(_ compiled: [UpdateAction], _ bindings: Bindings) throws {
    self.bindings = bindings
    for action in compiled {
      let path = bindings.resolved(action.path)
      switch action {
      case .set(_, let value): actions.append(Action(path: path, change: .set(value)))
      case .remove: actions.append(Action(path: path, change: .remove))
      case .add(_, let place): actions.append(Action(path: path, change: .add(bindings.values[place])))
      case .delete(_, let place): actions.append(Action(path: path, change: .delete(bindings.values[place])))
      }
    }
    touched = try Projection(actions.map(\.path), kind: "UpdateExpression")
    for action in actions { try Self.check(action, bindings) }
  }

  private static func check(_ action: Action, _ bindings: Bindings) throws {
    switch action.change {
    case .remove: break
    case .set(let value): try check(value, bindings)
    case .add(let value):
      guard value.type == .number || value.type.isSet else { throw incorrect("operator: ADD", value.type) }
    case .delete(let value): guard value.type.isSet else { throw incorrect("operator: DELETE", value.type) }
    }
  }
  private static func incorrect(_ what: String, _ type: AttributeType) -> AWSError {
    let names: [AttributeType: String] = [
      .string: "STRING", .number: "NUMBER", .binary: "BINARY", .null: "NULL", .true: "BOOLEAN", .false: "BOOLEAN", .list: "LIST", .map: "MAP",
    ]
    return DynamoDBError.expression(
      "UpdateExpression", "Incorrect operand type for operator or function; \(what), operand type: \(names[type] ?? type.name)")
  }
  private static func check(_ value: UpdateValue, _ bindings: Bindings) throws {
    func check(_ operand: UpdateValue, _ name: String, _ wanted: AttributeType) throws {
      try Self.check(operand, bindings)
      guard case .value(let place) = operand else { return }
      let type = bindings.values[place].type
      guard type == wanted else {
        throw DynamoDBError.expression(
          "UpdateExpression",
          "Incorrect operand type for operator or function; operator or function: \(name), operand type: \(type.name)")
      }
    }
    switch value {
    case .path, .value: break
    case .ifNotExists(_, let other): try Self.check(other, bindings)
    case .listAppend(let a, let b):
      try check(a, "list_append", .list)
      try check(b, "list_append", .list)
    case .plus(let a, let b):
      try check(a, "+", .number)
      try check(b, "+", .number)
    case .minus(let a, let b):
      try check(a, "-", .number)
      try check(b, "-", .number)
    }
  }

  /// The item after the update. Every operand sees the item as it was.
  func callAsFunction(_ item: Item) throws -> Item {
    let evaluator = Evaluator(item: item, bindings: bindings)
    var trees: [(name: [UInt8], tree: ValueTree?)] = []
    func change(_ path: [ResolvedStep], _ body: (inout ValueTree) throws -> Void, orNew value: AttributeValue?) throws {
      guard case .name(let head)? = path.first else { return }
      let place: Int
      if let known = trees.firstIndex(where: { $0.name == head }) {
        place = known
      } else {
        trees.append((head, item[head].map { .leaf($0) }))
        place = trees.count - 1
      }
      if trees[place].tree != nil {
        try body(&trees[place].tree!)  // Not nil: just seen.
      } else if path.count > 1 {
        throw DynamoDBError.invalidPath
      } else if let value {
        trees[place].tree = .leaf(value)
      }
    }
    // Places of lists mean what they were before the update: what goes is marked first and what comes behind the end is added in order.
    for action in actions {
      switch action.change {
      case .remove: try change(action.path, { try $0.remove(action.path.dropFirst()) }, orNew: nil)
      default: continue
      }
    }
    for action in sortedSets {
      let value: AttributeValue?
      switch action.change {
      case .remove: continue
      case .set(let source): value = try self.value(source, evaluator)
      case .add(let operand): value = try Self.sum(evaluator.resolved(action.path), operand)
      case .delete(let operand):
        guard let old = evaluator.resolved(action.path) else { continue }
        guard let rest = try Self.difference(old, operand) else {
          try change(action.path, { try $0.remove(action.path.dropFirst()) }, orNew: nil)
          continue
        }
        value = rest
      }
      if let value { try change(action.path, { try $0.set(action.path.dropFirst(), value) }, orNew: value) }
    }
    let changes = trees.map { (name: $0.name, value: $0.tree?.value) }
    // A path of the limit may get a value of the limit.
    guard !changes.contains(where: { $0.value?.isTooDeep ?? false }) else { throw DynamoDBError.nesting }
    return item.replacing(changes)
  }

  /// Elements of lists come last, by their places.
  private var sortedSets: [Action] {
    var (others, elements): ([Action], [(index: Int, action: Action)]) = ([], [])
    for action in actions {
      if case .index(let index)? = action.path.last { elements.append((index, action)) } else { others.append(action) }
    }
    return others + elements.sorted { $0.index < $1.index }.map(\.action)
  }

  private func value(_ source: UpdateValue, _ item: Evaluator) throws -> AttributeValue {
    switch source {
    case .value(let place): return bindings.values[place]
    case .path(let path):
      guard let value = item.value(path) else { throw DynamoDBError.operandMissing }
      return value
    case .ifNotExists(let path, let other): return try item.value(path) ?? value(other, item)
    case .listAppend(let a, let b):
      let (first, second) = (try value(a, item), try value(b, item))
      guard first.type == .list, second.type == .list else { throw DynamoDBError.operandType }
      return AttributeValue(.list, first.payload + second.payload)
    case .plus(let a, let b): return try Self.number(value(a, item), value(b, item)) { try $0.adding($1) }
    case .minus(let a, let b): return try Self.number(value(a, item), value(b, item)) { try $0.subtracting($1) }
    }
  }

  private static func number(
    _ a: AttributeValue, _ b: AttributeValue, _ body: (Number, Number) throws -> Number
  ) throws -> AttributeValue {
    guard a.type == .number, b.type == .number else { throw DynamoDBError.operandType }
    do {
      return AttributeValue(try body(Number(bytes: a.payload), Number(bytes: b.payload)))
    } catch let failure as Number.Failure {
      throw DynamoDBError.number(failure, "")
    }
  }

  /// ADD: a number, or elements of a set.
  static func sum(_ old: AttributeValue?, _ operand: AttributeValue) throws -> AttributeValue {
    guard let old else { return operand }
    guard old.type == operand.type else { throw DynamoDBError.operandType }
    if operand.type == .number { return try number(old, operand) { try $0.adding($1) } }
    return set(operand.type, Set(old.elements).union(operand.elements))
  }
  /// DELETE; nil when nothing is left.
  static func difference(_ old: AttributeValue, _ operand: AttributeValue) throws -> AttributeValue? {
    guard old.type == operand.type else { throw DynamoDBError.operandType }
    let rest = Set(old.elements).subtracting(operand.elements)
    return rest.isEmpty ? nil : set(old.type, rest)
  }
  private static func set(_ type: AttributeType, _ elements: Set<ArraySlice<UInt8>>) -> AttributeValue {
    var out = [type.rawValue]
    for element in elements.sorted(by: { $0.lexicographicallyPrecedes($1) }) { Lengths.append(element, to: &out) }
    return AttributeValue(out[...])
  }
}

extension Evaluator {
  func resolved(_ path: [ResolvedStep]) -> AttributeValue? {
    guard case .name(let head)? = path.first else { return nil }
    var value = item[head]
    for step in path.dropFirst() {
      switch step {
      case .name(let name): value = value?[name]
      case .index(let index): value = value?.element(index)
      }
    }
    return value
  }
}
