import Base

/// Reads the JSON of a policy by AWS's grammar.
struct PolicyGrammar {
  let kind: PolicyDocument.Kind
  let document: JSON

  func statements() throws(MalformedPolicy) -> [PolicyDocument.Statement] {
    guard let object = document.object else { throw .syntax }
    for name in object.names where !["Version", "Id", "Statement"].contains(name) { throw .syntax }
    let version = try version(object)
    guard let list = object["Statement"] else { throw .syntax }
    if let id = object["Id"], id.string == nil { throw .syntax }
    var statements: [PolicyDocument.Statement] = []
    var sids: Set<String> = []
    for element in list.array ?? [list] {
      guard let fields = element.object else { throw .syntax }
      let statement = try statement(fields, version)
      // Resource policies are free in this: services number statements themselves.
      if let sid = statement.sid, !sid.isEmpty, kind != .resource, !sids.insert(sid).inserted { throw .duplicateSid }
      statements.append(statement)
    }
    if statements.isEmpty, kind != .resource { throw .syntax }
    return statements
  }

  /// Whether the document may use policy variables.
  private func version(_ object: JSONObject) throws(MalformedPolicy) -> Bool {
    guard let version = object["Version"] else { return false }
    switch version.string {
    case "2012-10-17": return true
    case "2008-10-17": return false
    default: throw .version
    }
  }

  private static let fields: Set<String> = [
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
  ]

  private func statement(_ fields: JSONObject, _ variables: Bool) throws(MalformedPolicy) -> PolicyDocument.Statement {
    for name in fields.names where !Self.fields.contains(name) { throw .syntax }
    for (one, other) in [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")]
    where fields[one] != nil && fields[other] != nil { throw .syntax }
    let effect: PolicyDocument.Effect
    switch fields["Effect"]?.string {
    case "Allow": effect = .allow
    case "Deny": effect = .deny
    default: throw .syntax
    }
    let options = PatternTemplate.Options(variables: variables, wildcards: true)
    return PolicyDocument.Statement(
      sid: try sid(fields), effect: effect, principals: try principals(fields),
      actions: try actions(fields), isNotAction: fields["NotAction"] != nil,
      resources: try resources(fields, options), isNotResource: fields["NotResource"] != nil,
      conditions: try conditions(fields, options))
  }

  private func sid(_ fields: JSONObject) throws(MalformedPolicy) -> String? {
    guard let value = fields["Sid"] else { return nil }
    guard let sid = value.string else { throw .syntax }
    let isPlain = sid.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
    guard isPlain || kind != .identity else { throw .invalidSid }
    return sid
  }

  /// A string or an array of strings; nil when the member is absent.
  private func texts(_ value: JSON?) throws(MalformedPolicy) -> [String]? {
    guard let value else { return nil }
    if let text = value.string { return [text] }
    guard let elements = value.array else { throw .syntax }
    var out: [String] = []
    for element in elements {
      guard let text = element.string else { throw .syntax }
      out.append(text)
    }
    return out
  }

  private func actions(_ fields: JSONObject) throws(MalformedPolicy) -> PatternSet {
    guard let actions = try texts(fields["Action"] ?? fields["NotAction"]), !actions.isEmpty else {
      throw kind == .trust ? .missing("Action") : .actionsMissing
    }
    for action in actions where action != "*" {
      let parts = action.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty else { throw .vendorMissing }
      let vendorIsPlain = parts[0].utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
      }
      guard parts[0] == "*" || (!parts[0].isEmpty && vendorIsPlain) else { throw .vendor(String(parts[0])) }
    }
    if kind == .trust {
      for action in actions where action != "*" && !action.lowercased().hasPrefix("sts:") { throw .trustActions }
    }
    return PatternSet(actions, .init(variables: false, wildcards: true, lowercased: true))
  }

  private func resources(_ fields: JSONObject, _ options: PatternTemplate.Options) throws(MalformedPolicy) -> PatternSet? {
    if kind == .trust {
      for name in ["Resource", "NotResource"] where fields[name] != nil { throw .prohibited(name) }
      return nil
    }
    guard let resources = try texts(fields["Resource"] ?? fields["NotResource"]), !resources.isEmpty else {
      guard kind == .identity else { return nil }
      throw .resourcesMissing
    }
    if kind == .identity { for resource in resources { try check(resource: resource) } }
    return PatternSet(resources, options)
  }

  private func check(resource: String) throws(MalformedPolicy) {
    if resource == "*" || resource.hasPrefix("${") { return }
    let parts = resource.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts[0] == "arn" || parts[0].contains("*"), parts.count >= 3 || resource.hasSuffix("*") else {
      throw .resource(resource)
    }
    if parts.count > 1, !parts[1].hasPrefix("aws"), !parts[1].contains("*") {
      throw .partition(String(parts[1]), resource)
    }
  }

  private func conditions(_ fields: JSONObject, _ options: PatternTemplate.Options) throws(MalformedPolicy) -> [PolicyCondition] {
    guard let value = fields["Condition"] else { return [] }
    guard let blocks = value.object else { throw .syntax }
    var conditions: [PolicyCondition] = []
    for (name, block) in blocks { conditions += try PolicyCondition.parse(operator: name, block, options) }
    return conditions
  }

  private func principals(_ fields: JSONObject) throws(MalformedPolicy) -> PrincipalClause? {
    let value = fields["Principal"] ?? fields["NotPrincipal"]
    guard kind != .identity else {
      if value != nil { throw .principalForbidden }
      return nil
    }
    guard let value else { throw .missing("Principal") }
    let isNegated = fields["NotPrincipal"] != nil
    if isNegated, kind == .trust { throw .prohibited("NotPrincipal") }
    if let text = value.string {
      guard text == "*" else { throw .principal("AWS", text) }
      return PrincipalClause(patterns: [.everyone], isNegated: isNegated)
    }
    guard let kinds = value.object, !kinds.isEmpty else { throw .syntax }
    var patterns: [PrincipalClause.Pattern] = []
    for (name, value) in kinds {
      guard let names = try texts(value) else { throw .syntax }
      for text in names { patterns.append(try pattern(name, text)) }
    }
    return PrincipalClause(patterns: patterns, isNegated: isNegated)
  }

  private func pattern(_ name: String, _ text: String) throws(MalformedPolicy) -> PrincipalClause.Pattern {
    switch name {
    case "AWS": return try awsPrincipal(text)
    case "Service":
      guard text.contains("."), !text.contains("*") else { throw .principal(name, text) }
      return .service(text)
    case "Federated": return .federated(text)
    case "CanonicalUser": return .canonicalUser(text)
    default: throw .syntax
    }
  }

  private func awsPrincipal(_ text: String) throws(MalformedPolicy) -> PrincipalClause.Pattern {
    if text == "*" { return .everyone }
    if let account = AccountID(text) { return .account(account.text) }
    if text.hasPrefix("AIDA") || text.hasPrefix("AROA"), text.utf8.count >= 16 { return .uniqueID(text) }
    guard let arn = ARN(text), arn.service == "iam" || arn.service == "sts", AccountID(arn.account) != nil,
      !arn.resource.contains("*"), !arn.resource.contains("?")
    else { throw .principal("AWS", text) }
    if arn.resource == "root" { return .account(arn.account) }
    return .arn(text)
  }
}
