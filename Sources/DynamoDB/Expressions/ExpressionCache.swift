import Base
import Synchronization

/// Expressions that were compiled before, by their text: programs send the same few over and over.
final class ExpressionCache: Sendable {
  private struct Cache {
    var conditions: [String: Compiled<Condition>] = [:]
    var updates: [String: Compiled<[UpdateAction]>] = [:]
    var projections: [String: Compiled<[DocumentPath]>] = [:]
  }
  private let cache = Mutex(Cache())

  private func find<Body>(
    _ text: String, in table: WritableKeyPath<Cache, [String: Compiled<Body>]>, make: () throws -> Compiled<Body>
  ) throws -> Compiled<Body> {
    if let found = cache.withLock({ $0[keyPath: table][text] }) { return found }
    let made = try make()
    cache.withLock { cache in
      if cache[keyPath: table].count >= DynamoDBLimits.cachedExpressions { cache[keyPath: table].removeAll(keepingCapacity: true) }
      cache[keyPath: table][text] = made
    }
    return made
  }

  /// - Parameter kind: the parameter: `ConditionExpression`, `FilterExpression` or `KeyConditionExpression`.
  func condition(_ text: String, kind: String, _ substitutions: inout Substitutions) throws -> BoundCondition {
    // What a syntax error says begins with the kind, so only good ones are kept.
    let compiled = try find(text, in: \.conditions) { try Parser.condition(text, kind: kind) }
    let bound = BoundCondition(condition: compiled.body, bindings: try substitutions.bind(compiled, kind: kind))
    try ConditionRules(bindings: bound.bindings, kind: kind).check(bound.condition)
    return bound
  }
  func update(_ text: String, _ substitutions: inout Substitutions) throws -> Update {
    let compiled = try find(text, in: \.updates) { try Parser.update(text) }
    return try Update(compiled.body, try substitutions.bind(compiled, kind: "UpdateExpression"))
  }
  func projection(_ text: String, _ substitutions: inout Substitutions) throws -> Projection {
    let compiled = try find(text, in: \.projections) { try Parser.projection(text) }
    let bindings = try substitutions.bind(compiled, kind: "ProjectionExpression")
    return try Projection(compiled.body.map(bindings.resolved))
  }
}
