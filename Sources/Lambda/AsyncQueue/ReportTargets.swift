import Base
import Fabric

/// Where records and dead letters go besides functions and buses: queues, topics and, for failures, buckets; as the function's role.
struct ReportTargets: Sendable {
  private let targets: TargetCarriers
  private let objects: any ObjectPort
  private let ambient: Ambient

  init(_ targets: TargetCarriers, _ objects: any ObjectPort, _ ambient: Ambient) {
    (self.targets, self.objects, self.ambient) = (targets, objects, ambient)
  }

  /// Throws `AWSError`. Meets no faults of chaos rules: what is lost here is lost for good.
  func send(_ message: OutgoingMessage, to target: ARN, as caller: Caller) async throws {
    try await Chaos.sparing { try await carry(message, to: target, as: caller) }
  }

  private func carry(_ message: OutgoingMessage, to target: ARN, as caller: Caller) async throws {
    guard target.service == "sns" else {
      try await targets.send(message, toQueue: target, as: caller)
      return
    }
    var caller = caller
    // Topics are asked in their own Region.
    if let region = Region(target.region) { caller.region = region }
    var attributes = JSONObject()
    for (name, attribute) in message.attributes {
      guard case .string(let text) = attribute.content else { continue }
      attributes[name] = ["DataType": .string(attribute.dataType), "StringValue": .string(text)]
    }
    let input: JSON = ["TopicArn": .string(target.text), "Message": .string(message.body), "MessageAttributes": .object(attributes)]
    _ = try await targets.call("sns", "Publish", input: input, as: caller)
  }

  /// Writes a record into a bucket. Throws `AWSError`.
  /// - Parameter folder: `async/NAME` of a function, `UUID/SHARD` of a mapping.
  func keep(_ record: [UInt8], below folder: String, in bucket: ARN, as caller: Caller) async throws {
    let key = Self.key(below: folder, at: ambient.now, id: ambient.uuid())
    try await objects.put(record, contentType: "application/json", as: ObjectName(bucket: bucket.resource, key: key), by: caller)
  }

  /// `aws/lambda/FOLDER/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID` ("Configuring destinations for failed invocations").
  static func key(below folder: String, at time: Instant, id: String) -> String {
    let text = Instant(seconds: time.seconds).iso8601
    let day = text.prefix(10), clock = text.dropFirst(11).prefix(8)
    return "aws/lambda/\(folder)/\(day.replacing("-", with: "/"))/\(day)T\(clock.replacing(":", with: "."))-\(id)"
  }

  /// What the role of the function must be allowed; of a bucket S3 itself is asked (`ObjectPort.checkPlace`).
  static func access(to target: ARN, owner: AccountID) -> Access {
    Access(target.service == "sns" ? "sns:Publish" : "sqs:SendMessage", on: target.text, owner: AccountID(target.account) ?? owner)
  }
}
