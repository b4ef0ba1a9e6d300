import Base

/// A subscription as it is kept.
struct Subscription: Sendable, Equatable {
  /// Whether it may be delivered to.
  enum Confirmation: Sendable, Equatable {
    /// → confirmed, or the row goes once the time is over.
    case pending(until: Instant)
    /// - authenticated: whoever confirmed it had signed.
    case confirmed(authenticated: Bool)
  }
  let name: SubscriptionName
  /// Who subscribed.
  let owner: AccountID
  /// Whose call it was, as GetSubscriptionAttributes shows it.
  let principal: String
  let proto: SubscriptionProtocol
  let endpoint: String
  let created: Instant
  var confirmation: Confirmation
  /// With it the endpoint confirms; nil where nobody had to be asked.
  var token: String?
  /// The UnsubscribeURL alone ends it not: somebody must sign.
  var needsSignatureToEnd = false
  /// What was set; see `SubscriptionAttributes`.
  var attributes: [String: String]
  /// A change of ReplayPolicy begins a replay.
  var replay: ReplayStatus?

  var isConfirmed: Bool { if case .confirmed = confirmation { true } else { false } }
  var isRaw: Bool { attributes["RawMessageDelivery"] == "true" }
  var deadLetterTarget: ARN? { attributes["RedrivePolicy"].flatMap(RedrivePolicy.target) }
  var filterScope: FilterScope { attributes["FilterPolicyScope"].flatMap(FilterScope.init) ?? .attributes }
  var hasFilter: Bool { attributes["FilterPolicy"] != nil }

  /// New messages are left to the replay, which comes to them in their order; after one that has an end none are delivered.
  var leavesToReplay: Bool {
    guard let replay, let policy = attributes["ReplayPolicy"].flatMap({ try? ReplayPolicy($0) }) else { return false }
    return replay.isActive || policy.end != nil
  }
}

enum ReplayStatus: String, Sendable {
  /// → inProgress
  case pending = "Pending"
  /// → completed, failed
  case inProgress = "In progress"
  case completed = "Completed"
  case failed = "Failed"
  var isActive: Bool { self == .pending || self == .inProgress }
}

enum FilterScope: String, Sendable { case attributes = "MessageAttributes", body = "MessageBody" }

/// `{"deadLetterTargetArn": "arn:aws:sqs:…"}`
enum RedrivePolicy {
  static func target(_ text: String) -> ARN? {
    guard let arn = (try? JSON.parse(text))?["deadLetterTargetArn"]?.string.flatMap({ ARN($0) }), arn.service == "sqs" else { return nil }
    return arn
  }
  /// Throws AWS's text. The queue is looked for when a message is to go there, as on AWS.
  static func check(_ text: String, isFIFO: Bool) throws(AWSError) {
    guard let json = try? JSON.parse(text), json.object != nil else { throw SNSError.invalid("RedrivePolicy: failed to parse JSON.") }
    guard let target = target(text), AccountID(target.account) != nil, Region(target.region) != nil else {
      throw SNSError.invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    }
    guard !isFIFO || target.resource.hasSuffix(".fifo") else {
      throw SNSError.invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO subscription")
    }
  }
}

/// `{"PointType": "Timestamp", "StartingPoint": "2026-11-21T00:00:00.000Z", "EndingPoint": …}`
struct ReplayPolicy: Sendable, Equatable {
  var start: Instant
  var end: Instant?

  init(_ text: String) throws(AWSError) {
    let failed = SNSError.invalid("ReplayPolicy: failed to parse JSON.")
    guard let json = try? JSON.parse(text), let object = json.object else { throw failed }
    for name in object.names where !["PointType", "StartingPoint", "EndingPoint"].contains(name) {
      throw SNSError.invalid("ReplayPolicy: Unexpected JSON member: \(name)")
    }
    guard json["PointType"]?.string == "Timestamp" else { throw SNSError.invalid("ReplayPolicy: PointType must be Timestamp") }
    guard let start = json["StartingPoint"]?.string.flatMap({ Instant(iso8601: $0) }) else {
      throw SNSError.invalid("ReplayPolicy: StartingPoint must be a timestamp")
    }
    self.start = start
    guard let last = json["EndingPoint"] else { return }
    guard let end = last.string.flatMap({ Instant(iso8601: $0) }), end > start else {
      throw SNSError.invalid("ReplayPolicy: EndingPoint must be a timestamp after StartingPoint")
    }
    self.end = end
  }
}
