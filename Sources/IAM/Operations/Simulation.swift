import Base
import Fabric

/// A policy that takes part in a simulation, with its text to tell where its statements stand.
struct SimulatedPolicy: Sendable {
  let name: String
  let text: String
  let document: PolicyDocument

  /// Throws MalformedPolicyDocument; a boundary whose policy is gone has no statements and is none the worse for it.
  init(_ name: String, _ text: String, as kind: PolicyDocument.Kind) throws {
    (self.name, self.text) = (name, text)
    if text == #"{"Statement":[]}"# {
      document = PolicyDocument(statements: [])
    } else {
      do { document = try PolicyDocument(text, as: kind) } catch { throw IAMError.malformed(error) }
    }
  }

  /// The statements that fit the request, with their places in the text.
  func matches(_ request: PolicyRequest, _ type: String, where fits: (PolicyDocument.Statement) -> Bool = { _ in true })
    -> [IAMStatement]
  {
    let spans = StatementSpan.all(in: text)
    return document.statements.enumerated().filter { fits($1) && $1.applies(request) }.map { index, _ in
      var shape = IAMStatement()
      (shape.sourcePolicyId, shape.sourcePolicyType) = (name, type)
      if index < spans.count {
        (shape.startPosition, shape.endPosition) = (IAMPosition(spans[index].start), IAMPosition(spans[index].end))
      }
      return shape
    }
  }
}

extension IAMPosition {
  fileprivate init(_ position: StatementSpan.Position) {
    self.init()
    (line, column) = (position.line, position.column)
  }
}

extension Principal {
  /// Root is allowed everything; who simulates wants to know of policies.
  var simulated: Principal {
    if case .root(let account) = self {
      .user(account: account, name: "simulated", path: "/", id: "AIDASIMULATED00000000")
    } else {
      self
    }
  }
}

/// One simulation: the policies and the pretended facts.
struct Simulation {
  private var principal: Principal
  private var call: Call
  private var identity: [SimulatedPolicy]
  private var boundary: [SimulatedPolicy]
  private var resource: SimulatedPolicy?
  private var owner: AccountID
  private var context: [String: [String]] = [:]
  private let keys: [String]

  init(
    principal: Principal, call: Call, identity: [SimulatedPolicy], boundary: [SimulatedPolicy],
    resourcePolicy: String?, owner: String?, context entries: [ContextEntry]?
  ) throws {
    (self.principal, self.identity, self.boundary) = (principal, identity, boundary)
    self.call = call
    (self.call.principal, self.call.sourceIP, self.call.userAgent, self.call.conditionValues) = (principal, nil, nil, [:])
    self.owner = owner.flatMap { AccountID($0) ?? ARN($0).flatMap { AccountID($0.account) } } ?? principal.account ?? call.account
    resource = try resourcePolicy.map { try SimulatedPolicy("ResourcePolicy", $0, as: .resource) }
    for entry in entries ?? [] {
      guard let name = entry.contextKeyName else { continue }
      guard context[name.lowercased()] == nil else { throw IAMError.invalidInput("Duplicate context key: \(name)") }
      context[name.lowercased()] = entry.contextKeyValues ?? []
    }
    keys = ContextKeys.names(in: (identity + boundary).map(\.text) + [resource?.text].compactMap(\.self))
  }

  static func principal(_ arn: String?) throws -> Principal? {
    guard let arn else { return nil }
    guard let parsed = ARN(arn), let account = AccountID(parsed.account), parsed.resource.hasPrefix("user/"),
      let name = parsed.resource.split(separator: "/").last
    else { throw IAMError.invalidInput("Invalid caller ARN: \(arn)") }
    let path = "/" + parsed.resource.dropFirst(5).dropLast(name.count)
    return .user(account: account, name: String(name), path: path, id: "AIDASIMULATED00000000")
  }

  func response(_ actions: [String], _ resources: [String]?, _ marker: String?, _ limit: Int?) throws -> SimulatePolicyResponse {
    for action in actions where !action.contains(":") { throw IAMError.invalidInput("Invalid Action Name: \(action)") }
    var results: [(order: Int, result: EvaluationResult)] = []
    for action in actions {
      for resource in resources ?? ["*"] { results.append((results.count, result(action, resource))) }
    }
    let page = try Page(results, after: marker, limit: limit) { padded($0.order, 8) }
    var output = SimulatePolicyResponse()
    output.evaluationResults = page.items.map(\.result)
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func result(_ action: String, _ resourceARN: String) -> EvaluationResult {
    let request = PolicyRequest(
      Access(action, on: resourceARN, owner: owner, conditionValues: context), call, isSimulated: true)
    let bounds = boundary.isEmpty ? nil : PolicyDocument(statements: boundary.flatMap(\.document.statements))
    let decision = PolicyEvaluator(
      policies: PolicySet(identity: identity.map(\.document), boundary: bounds), resourcePolicy: resource?.document
    ).decide(request)
    var result = EvaluationResult()
    (result.evalActionName, result.evalResourceName) = (action, resourceARN)
    result.evalDecision = Self.word(decision)
    let names = PrincipalNames(request, isTrust: false)
    result.matchedStatements =
      identity.flatMap { $0.matches(request, "IAM Policy") }
      + boundary.flatMap { $0.matches(request, "Permissions Boundary Policy") }
      + (resource?.matches(request, "Resource Policy") { $0.principals?.grant(names) != nil } ?? [])
    result.missingContextValues = keys.filter { request.values(ConditionKey($0)) == nil }
    if principal.account != owner { result.evalDecisionDetails = details(request) }
    if let bounds {
      var detail = PermissionsBoundaryDecisionDetail()
      detail.allowedByPermissionsBoundary = PolicyEvaluator(policies: PolicySet(identity: [bounds])).decide(ownRequest(request)) == .allowed
      result.permissionsBoundaryDecisionDetail = detail
    }
    return result
  }

  /// Across accounts each side is told by itself.
  private func details(_ request: PolicyRequest) -> [String: String] {
    let own = PolicyEvaluator(policies: PolicySet(identity: identity.map(\.document))).decide(ownRequest(request))
    let everything = PolicyDocument.everything
    let theirs = PolicyEvaluator(policies: PolicySet(identity: [everything]), resourcePolicy: resource?.document).decide(request)
    return ["IAM Policy": Self.word(own), "Resource Policy": Self.word(theirs)]
  }

  /// As if the resource were the caller's account's.
  private func ownRequest(_ request: PolicyRequest) -> PolicyRequest {
    var access = request.access
    access.owner = principal.account ?? owner
    return PolicyRequest(access, call, isSimulated: true)
  }

  private static func word(_ decision: Decision) -> String {
    switch decision {
    case .allowed: "allowed"
    case .explicitDeny: "explicitDeny"
    case .implicitDeny: "implicitDeny"
    }
  }
}

extension PolicyDocument {
  /// Allows everything.
  static let everything: PolicyDocument = {
    let all = PatternSet(["*"], .init(variables: false, wildcards: true))
    return PolicyDocument(statements: [
      Statement(
        sid: nil, effect: .allow, principals: nil, actions: all, isNotAction: false, resources: all, isNotResource: false,
        conditions: [])
    ])
  }()
}
