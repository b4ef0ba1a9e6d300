import Base

/// The name of an attribute in an expression: written out, or the place of its placeholder (`#name`).
enum NameReference: Equatable, Sendable {
  case literal([UInt8])
  case placeholder(Int)
}

enum PathStep: Equatable, Sendable {
  case name(NameReference)
  case index(Int)
}

/// A document path: an attribute, and what lies inside.
struct DocumentPath: Equatable, Sendable {
  var head: NameReference
  var steps: [PathStep] = []
}

/// What a condition compares.
indirect enum Operand: Equatable, Sendable {
  case path(DocumentPath)
  /// The place of a placeholder (`:value`).
  case value(Int)
  case size(Operand)
}

enum Comparator: String, Sendable { case equal = "=", notEqual = "<>", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">=" }

/// A condition or filter.
indirect enum Condition: Equatable, Sendable {
  case compare(Comparator, Operand, Operand)
  case between(Operand, Operand, Operand)
  case `in`(Operand, [Operand])
  case exists(DocumentPath)
  case notExists(DocumentPath)
  case hasType(Operand, Operand)
  case beginsWith(Operand, Operand)
  case contains(Operand, Operand)
  case and([Condition])
  case or([Condition])
  case not(Condition)
}

/// The right side of a SET.
indirect enum UpdateValue: Equatable, Sendable {
  case path(DocumentPath)
  case value(Int)
  case ifNotExists(DocumentPath, UpdateValue)
  case listAppend(UpdateValue, UpdateValue)
  case plus(UpdateValue, UpdateValue)
  case minus(UpdateValue, UpdateValue)

  /// What it reads of the item.
  var paths: [DocumentPath] {
    switch self {
    case .path(let path): [path]
    case .value: []
    case .ifNotExists(let path, let other): [path] + other.paths
    case .listAppend(let a, let b), .plus(let a, let b), .minus(let a, let b): a.paths + b.paths
    }
  }
}

/// One step of an update.
enum UpdateAction: Equatable, Sendable {
  case set(DocumentPath, UpdateValue)
  case remove(DocumentPath)
  case add(DocumentPath, Int)
  case delete(DocumentPath, Int)

  var path: DocumentPath {
    switch self {
    case .set(let path, _), .remove(let path), .add(let path, _), .delete(let path, _): path
    }
  }
}

/// An expression as it was parsed, with the placeholders that it uses in the order of their places.
struct Compiled<Body: Sendable>: Sendable {
  var body: Body
  var names: [String]
  var values: [String]
}

/// What stands behind the placeholders of one expression.
struct Bindings: Sendable {
  var names: [[UInt8]] = []
  var values: [AttributeValue] = []

  func name(_ reference: NameReference) -> [UInt8] {
    switch reference {
    case .literal(let bytes): bytes
    case .placeholder(let place): names[place]
    }
  }
  /// The path without placeholders.
  func resolved(_ path: DocumentPath) -> [ResolvedStep] {
    [.name(name(path.head))] + path.steps.map { step in
      switch step {
      case .name(let reference): .name(name(reference))
      case .index(let index): .index(index)
      }
    }
  }
}

enum ResolvedStep: Hashable, Comparable, Sendable {
  case name([UInt8])
  case index(Int)

  var isName: Bool { if case .name = self { true } else { false } }
  /// Names by their bytes, then places.
  static func < (a: ResolvedStep, b: ResolvedStep) -> Bool {
    switch (a, b) {
    case (.name(let a), .name(let b)): a.lexicographicallyPrecedes(b)
    case (.index(let a), .index(let b)): a < b
    case (.name, .index): true
    case (.index, .name): false
    }
  }
  var text: String {
    switch self {
    case .name(let bytes): bytes.utf8Text
    case .index(let index): "[\(index)]"
    }
  }
}

extension [ResolvedStep] {
  /// As AWS shows a path.
  var shown: String { "[" + map(\.text).joined(separator: ", ") + "]" }
}
