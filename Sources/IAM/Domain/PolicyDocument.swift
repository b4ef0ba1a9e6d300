import Base

/// A policy document compiled for evaluation: parsed once, then only compared.
final class PolicyDocument: Sendable {
  /// Where the document stands; each place has its own grammar.
  enum Kind: Sendable {
    /// Attached to a user, group or role, a boundary, or a session policy: no principal.
    case identity
    /// A role's trust policy: a principal and no resource.
    case trust
    /// On a resource of a service.
    case resource
  }
  enum Effect: Sendable { case allow, deny }

  /// A class, so that a walk over the statements copies nothing.
  final class Statement: Sendable {
    let sid: String?
    let effect: Effect
    let principals: PrincipalClause?
    let actions: PatternSet
    let isNotAction: Bool
    /// Nil where the grammar has none: the policy's own resource.
    let resources: PatternSet?
    let isNotResource: Bool
    let conditions: [PolicyCondition]

    init(
      sid: String?, effect: Effect, principals: PrincipalClause?, actions: PatternSet, isNotAction: Bool, resources: PatternSet?,
      isNotResource: Bool, conditions: [PolicyCondition]
    ) {
      (self.sid, self.effect, self.principals) = (sid, effect, principals)
      (self.actions, self.isNotAction) = (actions, isNotAction)
      (self.resources, self.isNotResource, self.conditions) = (resources, isNotResource, conditions)
    }

    /// Whether action, resource and conditions fit; principals are the caller's question.
    func applies(_ request: PolicyRequest) -> Bool {
      guard request.action.withUnsafeBufferPointer({ actions.matches($0, request) }) != isNotAction else { return false }
      if let resources {
        guard request.resource.withUnsafeBufferPointer({ resources.matches($0, request) }) != isNotResource else { return false }
      }
      for condition in conditions where !condition.holds(request) { return false }
      return true
    }
  }

  let statements: [Statement]
  init(statements: [Statement]) { self.statements = statements }

  /// Parses and compiles. Throws `MalformedPolicy` with AWS's words for what is wrong.
  convenience init(_ text: String, as kind: Kind) throws(MalformedPolicy) {
    let json: JSON
    do { json = try JSON.parse(text) } catch { throw kind == .trust ? .invalidJSON : .syntax }
    try self.init(statements: PolicyGrammar(kind: kind, document: json).statements())
  }
}
