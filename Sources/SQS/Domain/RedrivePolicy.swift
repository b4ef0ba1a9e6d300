import Base

/// Where messages go that were received too often.
struct RedrivePolicy: Sendable, Equatable {
  var target: QueueName
  var maximumReceives: Int

  /// Reads the attribute; the text is what AWS quotes in its refusals.
  init(_ text: String) throws(AWSError) {
    guard let json = try? JSON.parse(text), let object = json.object else { throw SQSError.attributeValue("RedrivePolicy") }
    func refused(_ reason: String) -> AWSError { SQSError.invalid("RedrivePolicy", text, reason) }
    guard let target = object["deadLetterTargetArn"] else {
      throw refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
    }
    guard let count = object["maxReceiveCount"] else {
      throw refused("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
    }
    let extra = object.names.first { $0 != "deadLetterTargetArn" && $0 != "maxReceiveCount" }
    guard extra == nil else { throw refused("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].") }
    guard let arn = target.string.flatMap({ ARN($0) }), let queue = QueueName(arn) else {
      throw refused("Invalid value for deadLetterTargetArn.")
    }
    // The console writes a number, CloudFormation and many scripts a string; AWS takes both.
    guard let number = count.int.map({ Int(clamping: $0) }) ?? count.string.flatMap({ Int($0) }),
      SQSLimits.receivesBeforeRedrive.contains(number)
    else {
      throw refused(
        "Invalid value for maxReceiveCount: \(count.string ?? count.text), valid values are from 1 to 1000 both inclusive.")
    }
    (self.target, maximumReceives) = (queue, number)
  }

  /// Throws when the source may not have the queue as its dead-letter queue.
  func check(source: Queue, target: Queue?, text: String) throws(AWSError) {
    func refused(_ reason: String) -> AWSError { SQSError.invalid("RedrivePolicy", text, reason) }
    guard self.target.account == source.name.account else {
      throw refused("Dead-letter target owner should be same as the source.")
    }
    guard self.target.region == source.name.region else {
      throw refused("Dead-letter target should be in the same region as the source.")
    }
    guard let target else { throw refused("Dead letter target does not exist.") }
    guard target.isFIFO == source.isFIFO else { throw refused("Dead-letter queue must be same type of queue as the source.") }
    guard target.redriveAllow.allows(source.name.arn.text) else {
      throw refused("Queue \(target.name.arn) does not allow \(source.name.arn) to use it as its dead-letter queue.")
    }
  }
}

/// Which queues may have this one as their dead-letter queue.
enum RedriveAllowPolicy: Sendable, Equatable {
  case allowAll
  case denyAll
  case byQueue([String])

  init(_ text: String) throws(AWSError) {
    func refused(_ reason: String) -> AWSError { SQSError.invalid("RedriveAllowPolicy", text, reason) }
    guard let json = try? JSON.parse(text), let object = json.object else {
      throw SQSError.attributeValue("RedriveAllowPolicy")
    }
    let sources = object["sourceQueueArns"]
    switch object["redrivePermission"]?.string {
    case "allowAll" where sources == nil: self = .allowAll
    case "denyAll" where sources == nil: self = .denyAll
    case "allowAll", "denyAll": throw refused("sourceQueueArns is only allowed when redrivePermission is byQueue.")
    case "byQueue":
      let arns = sources?.array?.compactMap(\.string) ?? []
      guard (1...SQSLimits.redriveSources).contains(arns.count) else {
        throw refused(
          "sourceQueueArns must contain 1 to \(SQSLimits.redriveSources) queue ARNs when redrivePermission is byQueue.")
      }
      guard arns.allSatisfy({ ARN($0).flatMap(QueueName.init) != nil }) else {
        throw refused("Invalid value for sourceQueueArns.")
      }
      self = .byQueue(arns)
    default: throw refused("redrivePermission must be one of allowAll, denyAll, byQueue.")
    }
  }

  func allows(_ source: String) -> Bool {
    switch self {
    case .allowAll: true
    case .denyAll: false
    case .byQueue(let arns): arns.contains(source)
    }
  }
}
