import Base

/// The attributes of queues: which there are, what they may hold, what they are by default.
enum QueueAttributes {
  private enum Kind {
    case number(ClosedRange<Int>, default: Int)
    case flag
    case choice([String])
    case policy
    case redrive
    case redriveAllow
    case text
    /// Told by the service, never set.
    case computed
  }

  private static let kinds: [String: Kind] = [
    "DelaySeconds": .number(SQSLimits.delaySeconds, default: 0),
    "MaximumMessageSize": .number(SQSLimits.smallestMaximumMessageSize...SQSLimits.messageBytes, default: SQSLimits.messageBytes),
    "MessageRetentionPeriod": .number(SQSLimits.retentionSeconds, default: 345_600),
    "ReceiveMessageWaitTimeSeconds": .number(SQSLimits.waitSeconds, default: 0),
    "VisibilityTimeout": .number(SQSLimits.visibilitySeconds, default: 30),
    "KmsDataKeyReusePeriodSeconds": .number(SQSLimits.dataKeyReuseSeconds, default: 300),
    "KmsMasterKeyId": .text,
    "SqsManagedSseEnabled": .flag,
    "Policy": .policy,
    "RedrivePolicy": .redrive,
    "RedriveAllowPolicy": .redriveAllow,
    "FifoQueue": .flag,
    "ContentBasedDeduplication": .flag,
    "DeduplicationScope": .choice(["messageGroup", "queue"]),
    "FifoThroughputLimit": .choice(["perQueue", "perMessageGroupId"]),
    "QueueArn": .computed, "CreatedTimestamp": .computed, "LastModifiedTimestamp": .computed,
    "ApproximateNumberOfMessages": .computed, "ApproximateNumberOfMessagesNotVisible": .computed,
    "ApproximateNumberOfMessagesDelayed": .computed,
  ]
  private static let onlyFIFO: Set<String> = [
    "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
  ]
  /// A new queue shows these although nobody has set them.
  private static let shownByDefault = [
    "DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout",
  ]

  static func defaultNumber(_ name: String) -> Int {
    if case .number(_, let value)? = kinds[name] { value } else { 0 }
  }

  /// Checks attributes as they were given and returns them in canonical form. An empty value of an attribute that can be
  /// absent means "remove it".
  static func checked(_ given: [String: String], isFIFO: Bool, isNew: Bool) throws(AWSError) -> [String: String] {
    var out: [String: String] = [:]
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      guard let kind = kinds[name] else { throw SQSError.unknownAttribute(name) }
      if !isFIFO, onlyFIFO.contains(name) { throw misplaced(name) }
      if !isNew, name == "FifoQueue" {
        if value == "true" { continue }
        throw SQSError.attributeValue(name, "Modifying queue type is not supported.")
      }
      out[name] = try checked(name, value.trimmed, kind)
    }
    if out["SqsManagedSseEnabled"] == "true", let key = out["KmsMasterKeyId"], !key.isEmpty {
      throw SQSError.attributeName(
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
    }
    return out
  }

  /// Checks what a queue is set to as a whole, whenever which part of it was set.
  static func checkTogether(_ all: [String: String]) throws(AWSError) {
    guard all["FifoThroughputLimit"] == "perMessageGroupId", all["DeduplicationScope"] != "messageGroup" else { return }
    throw SQSError.attributeValue(
      "FifoThroughputLimit", "FifoThroughputLimit can be set to perMessageGroupId only when DeduplicationScope is messageGroup.")
  }

  /// The changes with what follows from them: each kind of encryption ends the other.
  static func completed(_ changes: [String: String]) -> [String: String] {
    var changes = changes
    if let key = changes["KmsMasterKeyId"], !key.isEmpty {
      changes["SqsManagedSseEnabled"] = "false"
    } else if changes["SqsManagedSseEnabled"] == "true" {
      (changes["KmsMasterKeyId"], changes["KmsDataKeyReusePeriodSeconds"]) = ("", "")
    }
    return changes
  }

  private static func misplaced(_ name: String) -> AWSError {
    switch name {
    case "DeduplicationScope", "FifoThroughputLimit":
      SQSError.attributeName("You can specify the \(name) only when FifoQueue is set to true.")
    default: SQSError.unknownAttribute(name)
    }
  }

  private static func checked(_ name: String, _ value: String, _ kind: Kind) throws(AWSError) -> String {
    switch kind {
    case .computed: throw SQSError.unknownAttribute(name)
    case .number(let range, _):
      guard let number = Int(value), range.contains(number) else { throw SQSError.attributeValue(name) }
      return String(number)
    case .flag:
      let lower = value.lowercased()
      guard lower == "true" || lower == "false" else { throw SQSError.attributeValue(name) }
      return lower
    case .choice(let choices):
      guard choices.contains(value) else { throw SQSError.attributeValue(name) }
      return value
    case .policy:
      if !value.isEmpty { try QueuePolicy.check(value) }
    case .redrive:
      if !value.isEmpty { _ = try RedrivePolicy(value) }
    case .redriveAllow:
      if !value.isEmpty { _ = try RedriveAllowPolicy(value) }
    case .text: break
    }
    return value
  }

  /// What GetQueueAttributes can tell of a queue besides the counts, defaults included.
  static func shown(_ queue: Queue) -> [String: String] {
    var out = queue.attributes
    for name in shownByDefault where out[name] == nil { out[name] = String(defaultNumber(name)) }
    if out["KmsMasterKeyId"] != nil {
      out["SqsManagedSseEnabled"] = "false"
      out["KmsDataKeyReusePeriodSeconds"] =
        out["KmsDataKeyReusePeriodSeconds"] ?? String(defaultNumber("KmsDataKeyReusePeriodSeconds"))
    } else {
      out["SqsManagedSseEnabled"] = out["SqsManagedSseEnabled"] ?? "true"
    }
    if queue.isFIFO {
      out["FifoQueue"] = "true"
      out["ContentBasedDeduplication"] = out["ContentBasedDeduplication"] ?? "false"
      out["DeduplicationScope"] = out["DeduplicationScope"] ?? "queue"
      out["FifoThroughputLimit"] = out["FifoThroughputLimit"] ?? "perQueue"
    }
    out["QueueArn"] = queue.name.arn.text
    out["CreatedTimestamp"] = String(queue.created.seconds)
    out["LastModifiedTimestamp"] = String(queue.modified.seconds)
    return out
  }

  static func isKnown(_ name: String) -> Bool { kinds[name] != nil }

  /// The first given attribute in which an existing queue differs, which forbids to take it for the queue asked for.
  static func firstDifference(_ given: [String: String], _ queue: Queue) -> String? {
    let present = shown(queue)
    return given.sorted { $0.key < $1.key }.first { name, value in
      let current = present[name] ?? ""
      guard current != value else { return false }
      if name == "Policy" || name == "RedrivePolicy" || name == "RedriveAllowPolicy",
        let a = try? JSON.parse(current), let b = try? JSON.parse(value)
      {
        return a != b
      }
      return true
    }?.key
  }
}
