import Base
import Fabric

/// What a policy is held against: who wants to do what to which resource, and the facts of the request.
struct PolicyRequest: Sendable {
  let access: Access
  let call: Call
  /// Tags of the user or role and of the session, by lower-case key.
  let principalTags: [String: String]
  /// In lower case.
  let action: [UInt8]
  let resource: [UInt8]
  /// Facts that the access states come before those that we know.
  let isSimulated: Bool
  /// The provider of a web identity: the ARN of the account's own, or the name of a public one.
  let provider: String?

  init(
    _ access: Access, _ call: Call, principalTags: [String: String] = [:], isSimulated: Bool = false, provider: String? = nil
  ) {
    (self.access, self.call, self.principalTags, self.isSimulated) = (access, call, principalTags, isSimulated)
    self.provider = provider
    action = access.action.utf8.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }
    resource = Array(access.resource.utf8)
  }

  var principal: Principal { call.principal }

  /// The values of a key; nil when the request does not have it.
  func values(_ key: ConditionKey) -> [String]? {
    if isSimulated, let values = access.conditionValues[key.text] { return values }
    return known(key)
  }

  private func known(_ key: ConditionKey) -> [String]? {
    switch key {
    case .named(let name): stated(name)
    case .principalTag(let tag): principalTags[tag].map { [$0] }
    case .currentTime: [call.now.iso8601]
    case .epochTime: [String(call.now.seconds)]
    case .requestedRegion: [call.region == .global ? Region.usEast1.text : call.region.text]
    case .resourceAccount: [access.owner.text]
    case .sourceIP: call.sourceIP.map { [$0] } ?? stated("aws:sourceip")
    case .userAgent: call.userAgent.map { [$0] }
    case .secureTransport: stated("aws:securetransport") ?? ["false"]
    case .viaAWSService: stated("aws:viaawsservice") ?? ["false"]
    case .sourceARN: servicePrincipal?.sourceARN.map { [$0] } ?? stated("aws:sourcearn")
    case .sourceAccount: servicePrincipal?.sourceAccount.map { [$0.text] } ?? stated("aws:sourceaccount")
    case .principalIsAWSService: [servicePrincipal == nil ? "false" : "true"]
    case .principalServiceName: servicePrincipal.map { [$0.name] }
    case .principalARN, .principalAccount, .principalType, .userID, .username: ofPrincipal(key).map { [$0] }
    }
  }

  private var servicePrincipal: ServicePrincipal? {
    if case .service(let service) = principal { service } else { nil }
  }

  private func stated(_ name: String) -> [String]? { access.conditionValues[name] ?? call.conditionValues[name] }

  private func ofPrincipal(_ key: ConditionKey) -> String? {
    switch (principal, key) {
    case (.service, _): nil
    case (.anonymous, .principalType): "Anonymous"
    case (.anonymous, .userID): "anonymous"
    case (.anonymous, _): nil
    case (_, .principalAccount): principal.account?.text
    case (_, .userID): principal.userID
    case (.role(let session), .principalARN): session.roleARN
    case (_, .principalARN): principal.arn
    case (.root, .principalType): "Account"
    case (.user, .principalType): "User"
    case (.role, .principalType): "AssumedRole"
    case (.federated, .principalType): "FederatedUser"
    case (.user(_, let name, _, _), .username): name
    case (_, _): nil
    }
  }
}
