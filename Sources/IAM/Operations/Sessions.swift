import Base
import Fabric

/// STS for those who have keys of the account; `Federation.swift` has the rest.
extension IAMService {
  var sessionOperations: [Operation] {
    [
      Operation("GetCallerIdentity", access: { (_: GetCallerIdentityInput, _) in [] }, run: getCallerIdentity),
      Operation("AssumeRole", access: assumeRoleAccess, run: assumeRole),
      Operation("GetSessionToken", access: { (_: GetSessionTokenInput, _) in [] }, run: getSessionToken),
      Operation(
        "GetAccessKeyInfo", access: { (_: GetAccessKeyInfoInput, call) in [Access("sts:GetAccessKeyInfo", owner: call.account)] },
        run: getAccessKeyInfo),
    ]
  }

  private func getCallerIdentity(_: GetCallerIdentityInput, _ call: Call) async throws -> GetCallerIdentityOutput {
    var output = GetCallerIdentityOutput()
    (output.userId, output.account, output.arn) = (call.principal.userID, call.account.text, call.principal.arn)
    return output
  }

  /// Needs the trust policy's consent; a role that does not exist is refused in the same words, as on AWS.
  private func assumeRoleAccess(_ input: AssumeRoleInput, _ call: Call) async throws -> [Access] {
    guard let arn = ARN(input.roleArn), arn.service == "iam", let owner = AccountID(arn.account),
      arn.resource.hasPrefix("role/")
    else { throw IAMError.validation("\(input.roleArn) is invalid") }
    var facts = [
      "sts:rolesessionname": [input.roleSessionName], "sts:durationseconds": [String(input.durationSeconds ?? 3600)],
    ]
    if let id = input.externalId { facts["sts:externalid"] = [id] }
    // One that a session before has set needs the role's consent as well.
    let source = Self.sourceIdentity(of: call) ?? input.sourceIdentity
    if let source { facts["sts:sourceidentity"] = [source] }
    if let keys = input.transitiveTagKeys { facts["sts:transitivetagkeys"] = keys }
    let tags = [Tag](input.tags)
    for tag in tags { facts["aws:requesttag/\(tag.key.lowercased())"] = [tag.value] }
    if !tags.isEmpty { facts["aws:tagkeys"] = tags.map(\.key) }
    let trust = try await findRole(arn)?.trust?.document
    var actions = ["sts:AssumeRole"]
    if !tags.isEmpty { actions.append("sts:TagSession") }
    if source != nil { actions.append("sts:SetSourceIdentity") }
    return actions.map { Access($0, on: input.roleArn, owner: owner, resourcePolicy: trust, conditionValues: facts) }
  }

  private func assumeRole(_ input: AssumeRoleInput, _ call: Call) async throws -> AssumeRoleOutput {
    guard let arn = ARN(input.roleArn), let role = try await findRole(arn), let trust = role.trust else {
      throw IAMError.denied(
        "User: \(call.principal.arn) is not authorized to perform: sts:AssumeRole on resource: \(input.roleArn)")
    }
    if input.serialNumber != nil || input.tokenCode != nil { throw IAMError.noMFA() }
    if input.providedContexts?.isEmpty == false { throw IAMError.validation("ProvidedContexts are not supported.") }
    let seconds = try Self.sessionSeconds(input.durationSeconds, trust.maxSessionSeconds, call.principal)
    if case .federated = call.principal {
      throw IAMError.denied(
        "User: \(call.principal.arn) is not authorized to perform: sts:AssumeRole on resource: \(input.roleArn)")
    }
    let (tags, transitive) = try Self.sessionTags(input, call)
    let session = RoleSession(
      account: role.account, roleName: role.name, rolePath: role.path, roleID: role.id, sessionName: input.roleSessionName,
      sessionPolicies: try await sessionPolicies(input.policy, input.policyArns, role.account),
      sessionTags: Dictionary(tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
    var facts: [String: [String]] = [:]
    if !transitive.isEmpty { facts["sts:transitivetagkeys"] = transitive }
    let inherited = Self.sourceIdentity(of: call)
    if let inherited, let wanted = input.sourceIdentity, wanted != inherited {
      throw IAMError.denied(
        "User: \(call.principal.arn) is not authorized to perform: sts:SetSourceIdentity on resource: \(input.roleArn)")
    }
    let source = inherited ?? input.sourceIdentity
    if let source { facts["aws:sourceidentity"] = [source] }
    let issued = try await credentials(session, for: .seconds(seconds), conditionValues: facts)
    return AssumeRoleOutput(issued, sourceIdentity: source)
  }

  /// Once set, it stays through every further role.
  private static func sourceIdentity(of call: Call) -> String? { call.conditionValues["aws:sourceidentity"]?.first }

  static func sessionSeconds(_ wanted: Int?, _ longest: Int, _ principal: Principal) throws -> Int {
    let seconds = wanted ?? 3600
    guard seconds >= 900 else {
      throw IAMError.validation(
        "1 validation error detected: Value '\(seconds)' at 'durationSeconds' failed to satisfy constraint: "
          + "Member must have value greater than or equal to 900")
    }
    if case .role = principal, seconds > IAMLimits.chainedSessionSeconds {
      throw IAMError.validation(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    }
    guard seconds <= longest else {
      throw IAMError.validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    }
    return seconds
  }

  /// The request's tags and those that a session before passes on.
  private static func sessionTags(_ input: AssumeRoleInput, _ call: Call) throws -> (tags: [Tag], transitive: [String]) {
    var tags = [Tag](input.tags)
    guard Set(tags.map { $0.key.lowercased() }).count == tags.count else { throw IAMError.duplicateSessionTags() }
    var transitive = input.transitiveTagKeys ?? []
    let own = Set(tags.map { $0.key.lowercased() })
    guard transitive.allSatisfy({ own.contains($0.lowercased()) }) else { throw IAMError.transitiveTagMissing() }
    if case .role(let session) = call.principal {
      for key in call.conditionValues["sts:transitivetagkeys"] ?? [] {
        guard let value = session.sessionTags[key] else { continue }
        if own.contains(key.lowercased()) { throw IAMError.inheritedTag(key) }
        tags.append(Tag(key: key, value: value))
        transitive.append(key)
      }
    }
    if tags.count > IAMLimits.tags { throw IAMError.tooManyTags() }
    return (tags, transitive)
  }

  /// The document and the managed policies' ARNs, checked.
  func sessionPolicies(_ document: String?, _ descriptors: [PolicyDescriptorType]?, _ account: AccountID) async throws -> [String] {
    var policies: [String] = []
    if let document {
      try check(document, as: .identity)
      guard countedCharacters(document) <= IAMLimits.sessionPolicyCharacters else { throw IAMError.packedPolicyTooLarge() }
      policies.append(document)
    }
    let arns = (descriptors ?? []).compactMap(\.arn)
    guard arns.count <= 10 else { throw IAMError.packedPolicyTooLarge() }
    try await read(account) { rows in
      for arn in arns where try rows.findPolicy(arn) == nil { throw IAMError.noSuchSessionPolicy(arn) }
    }
    return policies + arns
  }

  private func getSessionToken(_ input: GetSessionTokenInput, _ call: Call) async throws -> GetSessionTokenOutput {
    if input.serialNumber != nil || input.tokenCode != nil { throw IAMError.noMFA() }
    let seconds: Int
    switch call.principal {
    case .root: seconds = min(input.durationSeconds ?? IAMLimits.rootSessionSeconds, IAMLimits.rootSessionSeconds)
    case .user: seconds = input.durationSeconds ?? 43_200
    case .role, .federated, .service, .anonymous: throw IAMError.denied("Cannot call GetSessionToken with session credentials")
    }
    if call.accessKeyID?.hasPrefix(KeyForm.sessionPrefix) == true {
      throw IAMError.denied("Cannot call GetSessionToken with session credentials")
    }
    guard IAMLimits.userSessionSeconds.contains(seconds) else {
      throw IAMError.validation("The requested DurationSeconds must be between 900 and 129600.")
    }
    let issued = try await credentials(call.principal, call.account, .seconds(seconds))
    var output = GetSessionTokenOutput()
    output.credentials = STSCredentials(issued)
    return output
  }

  private func getAccessKeyInfo(_ input: GetAccessKeyInfoInput, _ call: Call) async throws -> GetAccessKeyInfoOutput {
    var output = GetAccessKeyInfoOutput()
    if let root = configuration.rootKey, root.id == input.accessKeyId {
      output.account = root.account.text
    } else if let account = KeyForm.account(of: input.accessKeyId) {
      output.account = account.text
    } else if configuration.localMode {
      output.account = (AccountID(input.accessKeyId) ?? self.configuration.standardAccount).text
    } else {
      throw IAMError.validation("Invalid value for parameter: AccessKeyId, value: \(input.accessKeyId)")
    }
    return output
  }
}

extension AssumeRoleOutput {
  init(_ issued: SessionCredentials, sourceIdentity: String?) {
    self.init()
    var shape = STSCredentials()
    (shape.accessKeyId, shape.secretAccessKey) = (issued.accessKeyID, issued.secretAccessKey)
    (shape.sessionToken, shape.expiration) = (issued.sessionToken, issued.expiration)
    credentials = shape
    var user = AssumedRoleUser()
    (user.arn, user.assumedRoleId) = (Principal.role(issued.session).arn, Principal.role(issued.session).userID)
    assumedRoleUser = user
    self.sourceIdentity = sourceIdentity
    packedPolicySize = packedSize(issued.session.sessionPolicies, issued.session.sessionTags)
  }
}

extension STSCredentials {
  init(_ issued: (keyID: String, secret: String, token: String, expires: Instant)) {
    self.init()
    (accessKeyId, secretAccessKey) = (issued.keyID, issued.secret)
    (sessionToken, expiration) = (issued.token, issued.expires)
  }
}

/// Per cent of the room that session policies and tags have; nil when there are none.
func packedSize(_ policies: [String], _ tags: [String: String]) -> Int? {
  let packed = policies.map(\.utf8.count).reduce(0, +) + tags.map { $0.utf8.count + $1.utf8.count }.reduce(0, +)
  return packed > 0 ? min(100, max(1, packed * 100 / 4096)) : nil
}

extension [Tag] {
  init(_ tags: [STSTag]?) { self = (tags ?? []).map { Tag(key: $0.key, value: $0.value) } }
}

extension IAMError {
  static func noMFA() -> AWSError { denied("MultiFactorAuthentication failed with invalid MFA one time pass code.") }
  static func packedPolicyTooLarge() -> AWSError {
    AWSError(
      "PackedPolicyTooLargeException", "Packed size of session policies consumes more than the allotted space.", status: 400)
  }
  static func noSuchSessionPolicy(_ arn: String) -> AWSError {
    AWSError("MalformedPolicyDocumentException", "Policy \(arn) does not exist or is not attachable.", status: 400)
  }
  static func duplicateSessionTags() -> AWSError {
    AWSError(
      "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", status: 400)
  }
  static func transitiveTagMissing() -> AWSError {
    AWSError(
      "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.", status: 400)
  }
  static func inheritedTag(_ key: String) -> AWSError {
    AWSError(
      "InvalidParameterValue",
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag "
        + "key from the calling session: \(key)", status: 400)
  }
}
