import Base
import Fabric

/// STS for those whom the account does not know itself: tokens of identity providers, and federated users.
extension IAMService {
  var federationOperations: [Operation] {
    [
      Operation(
        "AssumeRoleWithWebIdentity", access: { (_: AssumeRoleWithWebIdentityInput, _) in [] }, run: assumeRoleWithWebIdentity),
      Operation("GetFederationToken", access: federationAccess, run: getFederationToken),
      Operation(
        "DecodeAuthorizationMessage",
        access: { (_: DecodeAuthorizationMessageInput, call) in [Access("sts:DecodeAuthorizationMessage", owner: call.account)] },
        run: decodeAuthorizationMessage),
    ]
  }

  /// Unsigned: the token says who calls. It must be signed by a configured key of its issuer, be meant for a client of the
  /// account's provider, and the role's trust policy must allow the provider.
  private func assumeRoleWithWebIdentity(_ input: AssumeRoleWithWebIdentityInput, _ call: Call) async throws
    -> AssumeRoleWithWebIdentityOutput
  {
    guard let arn = ARN(input.roleArn), arn.service == "iam", let account = AccountID(arn.account),
      arn.resource.hasPrefix("role/")
    else { throw IAMError.validation("\(input.roleArn) is invalid") }
    let (identity, provider, audience) = try await verified(input.webIdentityToken, account, call.now)
    guard let role = try await findRole(arn), let trust = role.trust else { throw Self.notFederated() }
    let facts = identity.facts(audience: audience, provider: provider)
    try await checkTrust(of: role, trust.document, identity, provider, facts, input.roleSessionName, call)

    let seconds = try Self.sessionSeconds(input.durationSeconds, trust.maxSessionSeconds, call.principal)
    let session = RoleSession(
      account: account, roleName: role.name, rolePath: role.path, roleID: role.id, sessionName: input.roleSessionName,
      sessionPolicies: try await sessionPolicies(input.policy, input.policyArns, account), sessionTags: identity.tags)
    var kept = facts
    if !identity.transitiveTagKeys.isEmpty { kept["sts:transitivetagkeys"] = identity.transitiveTagKeys }
    if let source = identity.sourceIdentity { kept["aws:sourceidentity"] = [source] }
    let issued = AssumeRoleOutput(
      try await credentials(session, for: .seconds(seconds), conditionValues: kept), sourceIdentity: identity.sourceIdentity)
    var output = AssumeRoleWithWebIdentityOutput()
    (output.credentials, output.assumedRoleUser) = (issued.credentials, issued.assumedRoleUser)
    (output.packedPolicySize, output.sourceIdentity) = (issued.packedPolicySize, issued.sourceIdentity)
    (output.subjectFromWebIdentityToken, output.audience, output.provider) = (identity.subject, audience, provider)
    return output
  }

  private static func notFederated() -> AWSError { IAMError.denied("Not authorized to perform sts:AssumeRoleWithWebIdentity") }

  /// Throws AccessDenied, and notes the denial, unless the trust policy allows all that the token brings with it.
  private func checkTrust(
    of role: Entity, _ document: String, _ identity: WebIdentity, _ provider: String, _ facts: [String: [String]],
    _ sessionName: String, _ call: Call
  ) async throws {
    var facts = facts
    facts["sts:rolesessionname"] = [sessionName]
    var actions = ["sts:AssumeRoleWithWebIdentity"]
    if !identity.tags.isEmpty {
      actions.append("sts:TagSession")
      facts["aws:tagkeys"] = identity.tags.keys.sorted()
      for (key, value) in identity.tags { facts["aws:requesttag/\(key.lowercased())"] = [value] }
    }
    if let source = identity.sourceIdentity {
      actions.append("sts:SetSourceIdentity")
      facts["sts:sourceidentity"] = [source]
    }
    var call = call
    // The caller has no account of its own; the denial is the role's owner's to see.
    (call.principal, call.account) = (.anonymous, role.account)
    for action in actions {
      let access = Access(action, on: role.arn, owner: role.account, resourcePolicy: document, conditionValues: facts)
      let decision = try await decide(access, call, provider: provider)
      if decision == .allowed { continue }
      do { try await refuse(access, call, decision, provider: provider) } catch { throw Self.notFederated() }
    }
  }

  /// The token's claims, the provider by the name that trust policies use, and the audience that was accepted.
  private func verified(_ token: String, _ account: AccountID, _ now: Instant) async throws -> (WebIdentity, String, String) {
    guard let identity = WebIdentity(token: token) else {
      throw IAMError.invalidToken(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    }
    let address = identity.address
    let own = try await read(account) { try $0.findProvider(address) }
    let configured = tokens.provider(address)
    // A provider of everybody's is known by its name; any other only to the accounts that have made it theirs.
    guard own != nil || configured?.audiences.isEmpty == false else {
      throw IAMError.invalidToken("No OpenIDConnect provider found in your account for \(identity.issuer)")
    }
    try await tokens.verify(token, of: address)
    guard now < identity.expires else {
      throw AWSError(
        "ExpiredTokenException",
        "Token expired: current date/time \(now.seconds) must be before the expiration date/time \(identity.expires.seconds)",
        status: 400)
    }
    if let notBefore = identity.notBefore, now < notBefore { throw IAMError.invalidToken("Token is not yet valid") }
    let accepted = Set((own?.clientIDs ?? []) + (configured?.audiences ?? []))
    guard let audience = identity.audience(among: accepted) else { throw IAMError.invalidToken("Incorrect token audience") }
    return (identity, own?.arn ?? address, audience)
  }

  private func federationAccess(_ input: GetFederationTokenInput, _ call: Call) async throws -> [Access] {
    let resource = "arn:aws:sts::\(call.account):federated-user/\(input.name)"
    let tags = [Tag](input.tags)
    var facts: [String: [String]] = [:]
    for tag in tags { facts["aws:requesttag/\(tag.key.lowercased())"] = [tag.value] }
    if !tags.isEmpty { facts["aws:tagkeys"] = tags.map(\.key) }
    let actions = tags.isEmpty ? ["sts:GetFederationToken"] : ["sts:GetFederationToken", "sts:TagSession"]
    return actions.map { Access($0, on: resource, owner: call.account, conditionValues: facts) }
  }

  private func getFederationToken(_ input: GetFederationTokenInput, _ call: Call) async throws -> GetFederationTokenOutput {
    let maker: String?
    switch call.principal {
    case .root: maker = nil
    case .user(_, _, _, let id): maker = id
    case .role, .federated, .service, .anonymous:
      throw IAMError.denied("Cannot call GetFederationToken with session credentials")
    }
    if call.accessKeyID?.hasPrefix(KeyForm.sessionPrefix) == true {
      throw IAMError.denied("Cannot call GetFederationToken with session credentials")
    }
    let longest = maker == nil ? IAMLimits.rootSessionSeconds : IAMLimits.federationSeconds.upperBound
    let seconds = min(input.durationSeconds ?? 43_200, longest)
    guard seconds >= IAMLimits.federationSeconds.lowerBound else {
      throw IAMError.validation("The requested DurationSeconds must be between 900 and 129600.")
    }
    let tags = [Tag](input.tags)
    guard Set(tags.map { $0.key.lowercased() }).count == tags.count else { throw IAMError.duplicateSessionTags() }
    let session = FederatedSession(
      account: call.account, name: input.name, makerID: maker,
      sessionPolicies: try await sessionPolicies(input.policy, input.policyArns, call.account),
      sessionTags: Dictionary(tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
    let issued = try await credentials(.federated(session), call.account, .seconds(seconds))
    var output = GetFederationTokenOutput()
    output.credentials = STSCredentials(issued)
    var user = FederatedUser()
    (user.arn, user.federatedUserId) = (Principal.federated(session).arn, Principal.federated(session).userID)
    output.federatedUser = user
    output.packedPolicySize = packedSize(session.sessionPolicies, session.sessionTags)
    return output
  }

  private func decodeAuthorizationMessage(_ input: DecodeAuthorizationMessageInput, _ call: Call) async throws
    -> DecodeAuthorizationMessageOutput
  {
    guard let message = try await sessionSealer().open(message: input.encodedMessage, call.account) else {
      throw AWSError("InvalidAuthorizationMessageException", "Message is not valid.", status: 400)
    }
    var output = DecodeAuthorizationMessageOutput()
    output.decodedMessage = message.utf8Text
    return output
  }

  /// A denial as DecodeAuthorizationMessage tells it, sealed for the account. AWS sends such messages with the errors of a few
  /// services that Dewpoint does not have; here the page of denials shows them.
  func encodedMessage(_ denial: Denial) async throws -> String {
    let conditions = denial.context.sorted { $0.key < $1.key }.map { key, values -> JSON in
      ["key": .string(key), "values": ["items": .array(values.map { ["value": .string($0)] })]]
    }
    let matched: [JSON] = denial.statement.map {
      [["statementId": .string($0), "effect": "DENY", "policy": JSON(denial.policy)]]
    } ?? []
    let message: JSON = [
      "allowed": false, "explicitDeny": .bool(denial.isExplicit), "matchedStatements": ["items": .array(matched)],
      "failures": ["items": []],
      "context": [
        "principal": ["arn": .string(denial.principal)], "action": .string(denial.action), "resource": .string(denial.resource),
        "conditions": ["items": .array(conditions)],
      ],
    ]
    return try await sessionSealer().seal(message: message.bytes, denial.account, ambient.random)
  }
}
