import Base

/// The attributes of topics: which there are, what they may hold, what is shown.
enum TopicAttributes {
  private enum Kind {
    case text(longest: Int)
    case flag
    case choice([String])
    case number(ClosedRange<Int>)
    case policy, deliveryPolicy, archivePolicy, role
  }
  private static let kinds: [String: Kind] = {
    var kinds: [String: Kind] = [
      "DisplayName": .text(longest: SNSLimits.displayNameLength), "Policy": .policy, "DeliveryPolicy": .deliveryPolicy,
      "KmsMasterKeyId": .text(longest: 2048), "TracingConfig": .choice(["PassThrough", "Active"]), "SignatureVersion": .choice(["1", "2"]),
      "FifoTopic": .flag, "ContentBasedDeduplication": .flag, "FifoThroughputScope": .choice(["Topic", "MessageGroup"]),
      "ArchivePolicy": .archivePolicy, "MaximumMessageSize": .number(SNSLimits.maximumMessageSize),
    ]
    for word in ["HTTP", "SQS", "Lambda", "Firehose", "Application"] {
      kinds[word + "SuccessFeedbackRoleArn"] = .role
      kinds[word + "FailureFeedbackRoleArn"] = .role
      kinds[word + "SuccessFeedbackSampleRate"] = .number(0...100)
    }
    return kinds
  }()
  static func isRole(_ name: String) -> Bool { if case .role = kinds[name] { true } else { false } }
  private static let onlyFIFO: Set<String> = ["FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"]

  /// Checks attributes of a new topic and returns them in canonical form.
  static func checked(_ given: [String: String], of topic: TopicName, isFIFO: Bool) throws(AWSError) -> [String: String] {
    var out: [String: String] = [:]
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      guard kinds[name] != nil else { throw SNSError.invalid("Attributes", "Unknown attribute \(name)") }
      do { out[name] = try checked(name, value, of: topic, isFIFO: isFIFO) } catch {
        throw error.message.hasPrefix("Invalid parameter: Attributes") ? error : SNSError.invalid("Attributes", stripped(error.message))
      }
    }
    return out.filter { !$0.value.isEmpty || $0.key == "DisplayName" }
  }

  /// Checks one attribute and returns it in canonical form; empty: it is to be taken away.
  static func checked(_ name: String, _ value: String, of topic: TopicName, isFIFO: Bool) throws(AWSError) -> String {
    guard let kind = kinds[name] else { throw SNSError.invalid("AttributeName") }
    if !isFIFO, onlyFIFO.contains(name), !(name == "FifoTopic" && value.lowercased() == "false") {
      throw SNSError.invalid("Attributes", name == "ContentBasedDeduplication"
        ? "Content based deduplication can only be set for FIFO topics" : "\(name) can only be set for FIFO topics")
    }
    if isFIFO, name == "TracingConfig", value == "Active" {
      throw SNSError.invalid("TracingConfig", "Active tracing is only supported on standard topics")
    }
    switch kind {
    case .text(let longest):
      guard value.count <= longest else { throw SNSError.invalid(name) }
      return value
    case .flag:
      let lower = value.lowercased()
      guard lower == "true" || lower == "false" else { throw SNSError.invalid("\(name): Invalid value [\(value)]. Must be true or false.") }
      return lower
    case .choice(let choices):
      guard choices.contains(value) else { throw SNSError.invalid(name, "Value must be one of \(choices.joined(separator: ", "))") }
      return value
    case .number(let range):
      guard let number = Int(value.trimmed), range.contains(number) else {
        throw SNSError.invalid(name, "Value must be between \(range.lowerBound) and \(range.upperBound)")
      }
      return String(number)
    case .policy:
      if !value.isEmpty { try TopicPolicy.check(value, of: topic) }
    case .deliveryPolicy:
      if !value.isEmpty { _ = try HTTPDeliveryPolicy.OfTopic(value) }
    case .archivePolicy:
      guard value.isEmpty || (try? JSON.parse(value))?.object?.isEmpty == true || ArchivePolicy.days(value) != nil else {
        throw SNSError.invalid("ArchivePolicy", "MessageRetentionPeriod must be a number of days between 1 and 365")
      }
      return (try? JSON.parse(value))?.object?.isEmpty == true ? "" : value
    case .role:
      guard value.isEmpty || ARN(value)?.service == "iam" else { throw SNSError.invalid(name, "Invalid role ARN: \(value)") }
    }
    return value
  }

  private static func stripped(_ message: String) -> String {
    let prefix = "Invalid parameter: "
    return message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
  }

  /// What GetTopicAttributes tells.
  static func shown(_ topic: Topic, at now: Instant) -> [String: String] {
    var out = topic.attributes
    out["TopicArn"] = topic.name.arn.text
    out["Owner"] = topic.name.account.text
    out["Policy"] = topic.policy
    out["DisplayName"] = out["DisplayName"] ?? ""
    out["EffectiveDeliveryPolicy"] = HTTPDeliveryPolicy.OfTopic.effective(topic.attributes["DeliveryPolicy"]).text
    out["SubscriptionsConfirmed"] = String(topic.confirmed)
    out["SubscriptionsPending"] = String(topic.pending)
    out["SubscriptionsDeleted"] = String(topic.deleted)
    if topic.isFIFO {
      out["FifoTopic"] = "true"
      out["ContentBasedDeduplication"] = out["ContentBasedDeduplication"] ?? "false"
      out["FifoThroughputScope"] = out["FifoThroughputScope"] ?? "Topic"
      if let days = topic.archiveDays, let since = topic.archivedSince {
        out["BeginningArchiveTime"] = max(since, now - .days(days)).iso8601Milliseconds
      }
    }
    return out
  }

  /// Whether an existing topic differs from what was asked for.
  static func differ(_ given: [String: String], from topic: Topic, at now: Instant) -> Bool {
    let present = shown(topic, at: now)
    return given.contains { name, value in
      let current = present[name] ?? ""
      guard current != value, !(current.isEmpty && value == "false") else { return false }
      if let a = try? JSON.parse(current), let b = try? JSON.parse(value), a.object != nil { return a != b }
      return true
    }
  }
}
