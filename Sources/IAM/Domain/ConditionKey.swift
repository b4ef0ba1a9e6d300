import Base

/// A condition key or policy variable; the global ones that we know are told apart when the document is compiled.
enum ConditionKey: Sendable, Hashable {
  case principalARN, principalAccount, principalType, principalIsAWSService, principalServiceName
  case userID, username, sourceIP, currentTime, epochTime, requestedRegion, sourceARN, sourceAccount
  case secureTransport, userAgent, viaAWSService, resourceAccount
  /// The tag's key in lower case: condition keys have no case.
  case principalTag(String)
  /// Any other key in lower case; the service or the session may know it.
  case named(String)

  init(_ text: String) {
    let name = text.lowercased()
    let tag = "aws:principaltag/"
    if name.hasPrefix(tag) {
      self = .principalTag(String(name.dropFirst(tag.count)))
      return
    }
    self = Self.known[name] ?? .named(name)
  }

  private static let known: [String: ConditionKey] = [
    "aws:principalarn": .principalARN, "aws:principalaccount": .principalAccount, "aws:principaltype": .principalType,
    "aws:principalisawsservice": .principalIsAWSService, "aws:principalservicename": .principalServiceName,
    "aws:userid": .userID, "aws:username": .username, "aws:sourceip": .sourceIP, "aws:currenttime": .currentTime,
    "aws:epochtime": .epochTime, "aws:requestedregion": .requestedRegion, "aws:sourcearn": .sourceARN,
    "aws:sourceaccount": .sourceAccount, "aws:securetransport": .secureTransport, "aws:useragent": .userAgent,
    "aws:viaawsservice": .viaAWSService, "aws:resourceaccount": .resourceAccount,
  ]

  /// The name under which a service or a session may state the key itself.
  var text: String {
    switch self {
    case .named(let name): return name
    case .principalTag(let tag): return "aws:principaltag/" + tag
    case .principalARN, .principalAccount, .principalType, .principalIsAWSService, .principalServiceName, .userID,
      .username, .sourceIP, .currentTime, .epochTime, .requestedRegion, .sourceARN, .sourceAccount, .secureTransport,
      .userAgent, .viaAWSService, .resourceAccount:
      return Self.known.first { $0.value == self }?.key ?? ""
    }
  }
}
