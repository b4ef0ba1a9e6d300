import Base
import Fabric
import Store

// The keys of SNS. Every key begins with "sns" and a letter.
//
//   topic        "t" account region name                 → Topic          found and listed by name
//   subscription "s" account region name, id             → Subscription   the subscriptions of a topic
//   owned        "o" owner region, subscription ARN      → -              the subscriptions of an account, wherever their topics are
//   endpoint     "e" account region name, protocol, endpoint → id         the same endpoint is subscribed once
//   pending      "p" until, subscription ARN or token    → -              what nobody has confirmed or called back, by when it ends
//   farewell     "u" token                               → Farewell       that ended and may be called back
//   FIFO only, by the id of the topic:
//   sequence     "n" topic                               → Int            the last number that was given
//   duplicate    "d" topic, scope, deduplication id      → Duplicate      what was published within five minutes
//   forget       "f" time, topic, scope, id              → -              when a "duplicate" row ends
//   archive      "a" topic, time, sequence               → Notification   without what belongs to one subscription
//   archived     "b" account region name                 → topic          topics whose archive is swept
//   replay       "r" subscription ARN                    → ReplayCursor   how far a replay has come
//   fan-out      "w" account region name, number         → Fanout         accepted, and not yet on its way to all subscriptions
//   fan-outs     "c" account region name                 → Int            how many of them the topic has
//   outbox       "x" account, time, id                   → OutboxItem     mail and text messages
//   sms          "m" account region                      → attributes
//   signing key  "k" bits                                → SigningRow

enum Keys {
  private static let root = Key("sns")
  private static let topics = root.appending("t")
  private static let subscriptions = root.appending("s")

  static let inventory = [InventoryItem("topics", below: topics), InventoryItem("subscriptions", below: subscriptions)]
  static let allTopics = KeyRange(prefix: topics)

  static func topic(_ name: TopicName) -> Key { topics.appending(name.account, name.region, name.name) }
  static func topics(of account: AccountID) -> KeyRange { KeyRange(prefix: topics.appending(account)) }
  static func topics(_ account: AccountID, _ region: Region, after last: String?) -> KeyRange {
    let home = topics.appending(account, region)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func topicName(_ key: Key) throws -> TopicName {
    var reader = KeyReader(key, after: topics)
    return try topicName(&reader)
  }
  private static func topicName(_ reader: inout KeyReader) throws -> TopicName {
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else { throw StoreError.corrupt("topic key") }
    return TopicName(account: account, region: region, name: try reader.string())
  }

  static func subscriptions(_ topic: TopicName) -> Key { subscriptions.appending(topic.account, topic.region, topic.name) }
  static func subscription(_ name: SubscriptionName) -> Key { subscriptions(name.topic).appending(name.id) }
  static func subscriptions(_ topic: TopicName, after last: String?) -> KeyRange {
    let home = subscriptions(topic)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func subscriptionID(_ key: Key, of topic: TopicName) throws -> String {
    var reader = KeyReader(key, after: subscriptions(topic))
    return try reader.string()
  }

  private static let owned = root.appending("o")
  static func owned(_ owner: AccountID, _ region: Region, _ subscription: String) -> Key { owned.appending(owner, region, subscription) }
  static func owned(_ owner: AccountID, _ region: Region, after last: String?) -> KeyRange {
    let home = owned.appending(owner, region)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func owned(by owner: AccountID) -> KeyRange { KeyRange(prefix: owned.appending(owner)) }
  static func ownedARN(_ key: Key) throws -> String {
    var reader = KeyReader(key, after: owned)
    _ = try reader.string()
    _ = try reader.string()
    return try reader.string()
  }

  private static let endpoints = root.appending("e")
  static func endpoint(_ topic: TopicName, _ proto: SubscriptionProtocol, _ endpoint: String) -> Key {
    endpoints.appending(topic.account, topic.region, topic.name, proto.rawValue, endpoint)
  }
  static func endpoints(_ topic: TopicName) -> KeyRange { KeyRange(prefix: endpoints.appending(topic.account, topic.region, topic.name)) }

  private static let pending = root.appending("p")
  static func pending(_ until: Instant, _ subscription: String) -> Key { pending.appending(until, subscription) }
  static let allPending = KeyRange(prefix: pending)
  static func farewell(_ token: String) -> Key { root.appending("u", token) }
  static func pending(upTo now: Instant) -> KeyRange { KeyRange(pending, pending.appending(Instant(milliseconds: now.milliseconds + 1))) }
  static func pendingEntry(_ key: Key) throws -> (until: Instant, subscription: String) {
    var reader = KeyReader(key, after: pending)
    return (try reader.instant(), try reader.string())
  }

  static func sequence(_ topic: Int64) -> Key { root.appending("n", topic) }
  private static let duplicates = root.appending("d")
  static func duplicate(_ topic: Int64, scope: String, _ id: String) -> Key { duplicates.appending(topic, scope, id) }
  static func duplicates(_ topic: Int64) -> KeyRange { KeyRange(prefix: duplicates.appending(topic)) }
  private static let forgets = root.appending("f")
  static func forget(at time: Instant, _ topic: Int64, scope: String, _ id: String) -> Key { forgets.appending(time, topic, scope, id) }
  static let allForgets = KeyRange(prefix: forgets)
  static func forgotten(_ key: Key) throws -> (time: Instant, topic: Int64, scope: String, id: String) {
    var reader = KeyReader(key, after: forgets)
    return (try reader.instant(), try reader.int(), try reader.string(), try reader.string())
  }

  private static let archives = root.appending("a")
  static func archive(_ topic: Int64) -> KeyRange { KeyRange(prefix: archives.appending(topic)) }
  static func archived(_ topic: Int64, _ time: Instant, _ sequence: Int64) -> Key { archives.appending(topic, time, sequence) }
  static func archive(_ topic: Int64, from: Instant) -> Key { archives.appending(topic, from) }
  static func archivedTime(_ key: Key, _ topic: Int64) throws -> Instant {
    var reader = KeyReader(key, after: archives.appending(topic))
    return try reader.instant()
  }
  private static let archiving = root.appending("b")
  static func archiving(_ topic: TopicName) -> Key { archiving.appending(topic.account, topic.region, topic.name) }
  static let allArchiving = KeyRange(prefix: archiving)
  static func archivingTopic(_ key: Key) throws -> TopicName {
    var reader = KeyReader(key, after: archiving)
    return try topicName(&reader)
  }

  private static let replays = root.appending("r")
  static func replay(_ subscription: String) -> Key { replays.appending(subscription) }
  static let allReplays = KeyRange(prefix: replays)
  static func replayed(_ key: Key) throws -> String {
    var reader = KeyReader(key, after: replays)
    return try reader.string()
  }

  private static let fanouts = root.appending("w")
  static func fanouts(_ topic: TopicName) -> Key { fanouts.appending(topic.account, topic.region, topic.name) }
  static func fanout(_ topic: TopicName, _ number: Int64) -> Key { fanouts(topic).appending(number) }
  static let allFanouts = KeyRange(prefix: fanouts)
  static let fanoutNumber = root.appending("v")
  static func fanoutCount(_ topic: TopicName) -> Key { root.appending("c", topic.account, topic.region, topic.name) }

  private static let outbox = root.appending("x")
  static func outbox(_ account: AccountID) -> KeyRange { KeyRange(prefix: outbox.appending(account)) }
  static func outboxItem(_ account: AccountID, _ time: Instant, _ id: String) -> Key { outbox.appending(account, time, id) }
  static let allOutbox = KeyRange(prefix: outbox)
  static func outboxCount(_ account: AccountID) -> Key { root.appending("y", account) }

  static func smsAttributes(_ account: AccountID, _ region: Region) -> Key { root.appending("m", account, region) }
  static func smsAttributes(of account: AccountID) -> KeyRange { KeyRange(prefix: root.appending("m", account)) }
  static func signingKey(_ bits: Int) -> Key { root.appending("k", bits) }
}
