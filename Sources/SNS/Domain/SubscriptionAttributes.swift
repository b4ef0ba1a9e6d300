import Base

/// The attributes of subscriptions: which there are, what they may hold, what is shown.
enum SubscriptionAttributes {
  static let names: Set<String> = [
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "SubscriptionRoleArn", "ReplayPolicy",
  ]

  /// Checks the attributes of a new subscription; AWS's texts name their place.
  static func checkedAtSubscribe(
    _ given: [String: String], _ proto: SubscriptionProtocol, of topic: Topic
  ) throws(AWSError) -> [String: String] {
    var out: [String: String] = [:]
    do {
      // The scope decides what a policy may be.
      for name in given.keys.sorted(by: { ($0 == "FilterPolicyScope" ? "" : $0) < ($1 == "FilterPolicyScope" ? "" : $1) }) {
        out[name] = try checked(name, given[name] ?? "", proto, of: topic, scope: given["FilterPolicyScope"].flatMap(FilterScope.init))
      }
    } catch {
      guard error.code == "InvalidParameterException" else { throw error }
      let prefix = "Invalid parameter: "
      throw SNSError.invalid("Attributes", error.message.hasPrefix(prefix) ? String(error.message.dropFirst(prefix.count)) : error.message)
    }
    if proto == .firehose, out["SubscriptionRoleArn"] == nil {
      throw SNSError.invalid("Attributes", "SubscriptionRoleArn is required for the firehose protocol")
    }
    return out.filter { !$0.value.isEmpty }
  }

  /// Checks one attribute and returns it in canonical form; empty: it is to be taken away.
  /// - Parameter scope: of the filter policy.
  static func checked(
    _ name: String, _ value: String, _ proto: SubscriptionProtocol, of topic: Topic, scope: FilterScope?
  ) throws(AWSError) -> String {
    guard names.contains(name) else { throw SNSError.invalid("AttributeName") }
    switch name {
    case "RawMessageDelivery":
      guard value.lowercased() == "true" || value.lowercased() == "false" else {
        throw SNSError.invalid("RawMessageDelivery: Invalid value [\(value)]. Must be true or false.")
      }
      guard value.lowercased() == "false" || proto.takesRawDelivery else {
        throw SNSError.invalid("RawMessageDelivery: Raw message delivery is not supported by the protocol \(proto.rawValue).")
      }
      return value.lowercased()
    case "FilterPolicyScope":
      guard FilterScope(rawValue: value) != nil else {
        throw SNSError.invalid("FilterPolicyScope: Invalid value [\(value)]. Please use either MessageBody or MessageAttributes")
      }
    case "FilterPolicy":
      guard !value.isEmpty else { return "" }
      return try FilterPolicy(value, scope: scope ?? .attributes) == nil ? "" : value
    case "RedrivePolicy":
      if !value.isEmpty { try RedrivePolicy.check(value, isFIFO: topic.isFIFO) }
    case "DeliveryPolicy":
      guard !value.isEmpty else { return "" }
      guard proto.isHTTP else { throw SNSError.invalid("DeliveryPolicy: only for the protocols http and https") }
      _ = try HTTPDeliveryPolicy(value)
    case "SubscriptionRoleArn":
      guard proto == .firehose, ARN(value)?.service == "iam" else { throw SNSError.invalid("SubscriptionRoleArn") }
    default:
      guard !value.isEmpty, (try? JSON.parse(value))?.object?.isEmpty != true else { return "" }
      guard topic.archiveDays != nil else {
        throw SNSError.invalid("ReplayPolicy: the topic has no active archive policy")
      }
      _ = try ReplayPolicy(value)
    }
    return value
  }

  /// What GetSubscriptionAttributes tells.
  static func shown(_ subscription: Subscription, of topic: Topic) -> [String: String] {
    var out = subscription.attributes
    out["SubscriptionArn"] = subscription.name.arn
    out["TopicArn"] = subscription.name.topic.arn.text
    out["Owner"] = subscription.owner.text
    out["Endpoint"] = subscription.shownEndpoint
    out["Protocol"] = subscription.proto.rawValue
    out["SubscriptionPrincipal"] = subscription.principal
    out["RawMessageDelivery"] = out["RawMessageDelivery"] ?? "false"
    switch subscription.confirmation {
    case .pending: (out["PendingConfirmation"], out["ConfirmationWasAuthenticated"]) = ("true", "false")
    case .confirmed(let isAuthenticated):
      (out["PendingConfirmation"], out["ConfirmationWasAuthenticated"]) = ("false", isAuthenticated ? "true" : "false")
    }
    if subscription.hasFilter { out["FilterPolicyScope"] = subscription.filterScope.rawValue }
    if subscription.proto.isHTTP {
      out["EffectiveDeliveryPolicy"] =
        HTTPDeliveryPolicy.effective(subscription: out["DeliveryPolicy"], topic: topic.attributes["DeliveryPolicy"]).json.text
    }
    if let replay = subscription.replay { out["ReplayStatus"] = replay.rawValue }
    return out
  }
}
