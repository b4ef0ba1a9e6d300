import Base
import Store

/// Topics and their subscriptions within one transaction or snapshot.
extension Reader {
  /// Messages that are not yet on their way to all subscriptions.
  func fanouts(of topic: TopicName) throws -> Int64 { try get(Keys.fanoutCount(topic)).map { try NumberRow.int($0) } ?? 0 }

  func topic(_ name: TopicName) throws -> Topic? { try get(Keys.topic(name)).map { try Topic($0, name: name) } }

  func subscription(_ name: SubscriptionName) throws -> Subscription? {
    try get(Keys.subscription(name)).map { try Subscription($0, name: name) }
  }

  /// The subscriptions of a topic behind one of them, in the order of their ids.
  func subscriptions(of topic: TopicName, after last: String? = nil, limit: Int) throws -> [Subscription] {
    try entries(Keys.subscriptions(topic, after: last), limit: limit).map { key, row in
      try Subscription(row, name: SubscriptionName(topic: topic, id: try Keys.subscriptionID(key, of: topic)))
    }
  }

  /// Who has subscribed this endpoint already.
  func subscription(to topic: TopicName, _ proto: SubscriptionProtocol, _ endpoint: String) throws -> Subscription? {
    guard let id = try get(Keys.endpoint(topic, proto, endpoint)) else { return nil }
    return try subscription(SubscriptionName(topic: topic, id: id.utf8Text))
  }
}

extension Transaction {
  func existing(_ name: TopicName) throws -> Topic {
    guard let topic = try topic(name) else { throw SNSError.topicNotFound }
    return topic
  }

  /// Each save makes the row another one, so that whoever has read it before notices.
  func save(_ topic: Topic) throws {
    var topic = topic
    topic.version += 1
    try set(Keys.topic(topic.name), topic.row)
    if topic.archiveDays != nil {
      try set(Keys.archiving(topic.name), NumberRow.int(topic.id))
    } else {
      try delete(Keys.archiving(topic.name))
      if topic.isFIFO { try deleteAll(Keys.archive(topic.id)) }
    }
  }

  /// Puts a subscription in place of what it was, and keeps the counts of its topic.
  func save(_ subscription: Subscription, was old: Subscription?, _ topic: inout Topic) throws {
    let name = subscription.name
    try set(Keys.subscription(name), subscription.row)
    if old == nil {
      try set(Keys.owned(subscription.owner, name.topic.region, name.arn), [])
      try set(Keys.endpoint(name.topic, subscription.proto, subscription.endpoint), Array(name.id.utf8))
    }
    if case .pending(let until)? = old?.confirmation { try delete(Keys.pending(until, name.arn)) }
    if case .pending(let until) = subscription.confirmation { try set(Keys.pending(until, name.arn), []) }
    topic.count(old, -1)
    topic.count(subscription, 1)
    try save(topic)
  }

  func remove(_ subscription: Subscription, _ topic: inout Topic) throws {
    let name = subscription.name
    try delete(Keys.subscription(name))
    try delete(Keys.owned(subscription.owner, name.topic.region, name.arn))
    try delete(Keys.endpoint(name.topic, subscription.proto, subscription.endpoint))
    try delete(Keys.replay(name.arn))
    if case .pending(let until) = subscription.confirmation { try delete(Keys.pending(until, name.arn)) }
    topic.count(subscription, -1)
    topic.deleted += 1
    try save(topic)
  }

  /// Counts a message that is accepted for more than one transaction takes (1), or is on its way to all of them (-1).
  func countFanouts(of topic: TopicName, _ change: Int64) throws {
    let count = try fanouts(of: topic) + change
    if count > 0 { try set(Keys.fanoutCount(topic), NumberRow.int(count)) } else { try delete(Keys.fanoutCount(topic)) }
  }

  /// Takes a topic away that has no subscriptions left.
  func remove(_ topic: Topic) throws {
    try delete(Keys.topic(topic.name))
    try delete(Keys.archiving(topic.name))
    try delete(Keys.sequence(topic.id))
    try deleteAll(Keys.duplicates(topic.id))
    try deleteAll(Keys.archive(topic.id))
    try deleteAll(KeyRange(prefix: Keys.fanouts(topic.name)))
    try delete(Keys.fanoutCount(topic.name))
  }
}

extension Topic {
  fileprivate mutating func count(_ subscription: Subscription?, _ sign: Int) {
    guard let subscription else { return }
    if subscription.isConfirmed { confirmed += sign } else { pending += sign }
    if subscription.hasFilter { filterPolicies += sign }
  }
}

/// One integer as a row.
enum NumberRow {
  static func int(_ value: Int64) -> [UInt8] {
    var row = RowWriter(capacity: 12)
    row.int(value)
    return row.bytes
  }
  static func int(_ bytes: [UInt8]) throws -> Int64 {
    var row = try RowReader(bytes)
    return try row.int64()
  }
}
