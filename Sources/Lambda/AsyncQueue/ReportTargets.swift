import Base
import Fabric

/// Where records and dead letters go besides functions: queues and topics, as the function's role.
struct ReportTargets: Sendable {
  private let targets: TargetCarriers

  init(_ targets: TargetCarriers) { self.targets = targets }

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

  /// What the role of the function must be allowed.
  static func access(to target: ARN, owner: AccountID) -> Access {
    Access(target.service == "sns" ? "sns:Publish" : "sqs:SendMessage", on: target.text, owner: AccountID(target.account) ?? owner)
  }
}
