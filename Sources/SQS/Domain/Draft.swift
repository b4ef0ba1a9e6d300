import Base

/// A message that is to be sent, checked as far as that is possible without the queue.
struct Draft: Sendable {
  var body: String
  var attributes: [MessageAttribute]
  var traceHeader: String?
  /// Of the call that sends, for a message that has none of its own.
  var inheritedTrace: String?
  var groupID: String?
  var deduplicationID: String?
  /// Nil: as the queue is set.
  var delaySeconds: Int?
  let bodyMD5: String
  let attributesMD5: String?

  init(
    body: String, attributes: [MessageAttribute] = [], traceHeader: String? = nil, groupID: String? = nil,
    deduplicationID: String? = nil, delaySeconds: Int? = nil
  ) throws(AWSError) {
    guard !body.isEmpty else { throw SQSError.missing("MessageBody") }
    guard isSendable(body) else { throw SQSError.invalidMessageContents }
    guard attributes.count <= SQSLimits.messageAttributes else {
      throw SQSError.invalid(
        "Number of message attributes [\(attributes.count)] exceeds the allowed maximum [\(SQSLimits.messageAttributes)].")
    }
    for attribute in attributes { try attribute.check() }
    guard traceHeader.map(isSendable) ?? true else { throw SQSError.invalidMessageContents }
    if let groupID { try Self.check("MessageGroupId", groupID) }
    if let deduplicationID { try Self.check("MessageDeduplicationId", deduplicationID) }
    (self.body, self.attributes, self.traceHeader) = (body, attributes, traceHeader)
    (self.groupID, self.deduplicationID, self.delaySeconds) = (groupID, deduplicationID, delaySeconds)
    bodyMD5 = MessageDigest.md5(body)
    attributesMD5 = MessageDigest.md5(attributes)
  }

  /// What counts against the limits. Trace headers do not.
  var size: Int { attributes.reduce(body.utf8.count) { $0 + $1.size } }

  /// The digest of the system attributes that were sent, as the answer shows it.
  var systemAttributesMD5: String? {
    traceHeader.flatMap {
      MessageDigest.md5([MessageAttribute(name: "AWSTraceHeader", dataType: "String", content: .string($0))])
    }
  }

  /// The form of group, deduplication and attempt ids.
  static func check(_ name: String, _ value: String) throws(AWSError) {
    guard SQSLimits.groupIDLength.contains(value.utf8.count), value.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw SQSError.invalid(name, value, "\(name) can only include alphanumeric and punctuation characters. 1 to 128 in length.")
    }
  }

  /// Checks what depends on the queue. Throws AWS's texts.
  func check(for queue: Queue) throws(AWSError) {
    guard size <= queue.maximumMessageSize else { throw SQSError.messageTooLong(queue.maximumMessageSize) }
    if let delaySeconds {
      if queue.isFIFO, delaySeconds != 0 { throw SQSError.notForThisType("DelaySeconds", delaySeconds) }
      guard SQSLimits.delaySeconds.contains(delaySeconds) else {
        throw SQSError.invalid("DelaySeconds", delaySeconds, "DelaySeconds must be >= 0 and <= 900.")
      }
    }
    if let deduplicationID, !queue.isFIFO { throw SQSError.notForThisType("MessageDeduplicationId", deduplicationID) }
  }

  /// A FIFO queue needs to know group and deduplication id. AWS refuses a whole batch when one of its entries lacks them, a
  /// missing group then with another code (semantics.md §3.1).
  func checkIdentity(for queue: Queue, isBatch: Bool) throws(AWSError) {
    guard queue.isFIFO else { return }
    guard groupID != nil else {
      let missing = SQSError.missing("MessageGroupId")
      throw isBatch ? SQSError.invalid(missing.message) : missing
    }
    guard deduplicationID != nil || queue.deduplicatesByContent else {
      throw SQSError.invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    }
  }

  func message(
    id: String, sequence: MessageSequence, sender: String, in queue: Queue, at now: Instant, origin: MessageOrigin?
  ) -> Message {
    let delay = delaySeconds.map { Duration.seconds($0) } ?? queue.delay
    return Message(
      id: id, sequence: sequence, senderID: sender, sentAt: now, body: body, bodyMD5: bodyMD5, attributes: attributes,
      attributesMD5: attributesMD5, traceHeader: traceHeader ?? inheritedTrace, groupID: groupID, deduplicationID: deduplicationID,
      firstVisibleAt: now + delay, origin: origin)
  }
}

/// What a send has done.
struct Sent: Sendable {
  var messageID: String
  /// FIFO only.
  var sequenceNumber: String?
}
