import Base

/// What goes to a subscription: a message, or a word about the subscription itself.
struct Notification: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case message
    /// The endpoint is to confirm, with this token, that it wants messages.
    case confirmation(token: String)
    /// It gets no more; with the token it may have the subscription back.
    case farewell(token: String)

    var word: String {
      switch self {
      case .message: "Notification"
      case .confirmation: "SubscriptionConfirmation"
      case .farewell: "UnsubscribeConfirmation"
      }
    }
  }
  var kind = Kind.message
  var id: String
  var topic: TopicName
  var subject: String?
  var body: String
  var attributes: [MessageAttribute] = []
  var time: Instant
  var groupID: String?
  var deduplicationID: String?
  /// Of FIFO topics.
  var sequenceNumber: String?
  var isReplayed = false
  var signatureVersion: SignatureVersion
  /// How the publisher reached us; URLs in messages are made from it.
  var endpoint: String

  var size: Int { attributes.reduce(body.utf8.count + (subject?.utf8.count ?? 0)) { $0 + $1.size } + 300 }

  /// The signed text: names and values in lines, by name (developer guide, "Verifying the signatures of Amazon SNS messages").
  var canonicalText: [UInt8] {
    var lines: [(String, String)] = [("Message", body), ("MessageId", id)]
    switch kind {
    case .message: if let subject { lines.append(("Subject", subject)) }
    case .confirmation(let token), .farewell(let token):
      lines.append(("SubscribeURL", URLs.confirm(topic, token, at: endpoint)))
      lines += [("Timestamp", time.iso8601Milliseconds), ("Token", token), ("TopicArn", topic.arn.text), ("Type", kind.word)]
      return Self.joined(lines)
    }
    lines += [("Timestamp", time.iso8601Milliseconds), ("TopicArn", topic.arn.text), ("Type", kind.word)]
    return Self.joined(lines)
  }
  private static func joined(_ lines: [(String, String)]) -> [UInt8] {
    var out: [UInt8] = []
    for (name, value) in lines {
      out += name.utf8
      out.append(10)
      out += value.utf8
      out.append(10)
    }
    return out
  }

  static func confirmation(token: String, of topic: Topic, id: String, at now: Instant, endpoint: String) -> Notification {
    Notification(
      kind: .confirmation(token: token), id: id, topic: topic.name,
      body: "You have chosen to subscribe to the topic \(topic.name.arn).\nTo confirm the subscription, visit the SubscribeURL included in "
        + "this message.",
      time: now, signatureVersion: topic.signatureVersion, endpoint: endpoint)
  }

  static func farewell(
    _ subscription: Subscription, token: String, of topic: Topic, id: String, at now: Instant, endpoint: String
  ) -> Notification {
    Notification(
      kind: .farewell(token: token), id: id, topic: topic.name,
      body: "You have chosen to deactivate subscription \(subscription.name.arn).\nTo cancel this operation and restore the subscription, "
        + "visit the SubscribeURL included in this message.",
      time: now, signatureVersion: topic.signatureVersion, endpoint: endpoint)
  }
}

/// The addresses in messages, which anybody may open without a key.
enum URLs {
  static func confirm(_ topic: TopicName, _ token: String, at endpoint: String) -> String {
    "\(endpoint)/?Action=ConfirmSubscription&TopicArn=\(topic.arn)&Token=\(token)"
  }
  static func unsubscribe(_ subscription: String, at endpoint: String) -> String {
    "\(endpoint)/?Action=Unsubscribe&SubscriptionArn=\(subscription)"
  }
}
