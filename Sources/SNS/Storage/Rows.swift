import Base
import Store

extension Topic {
  var row: [UInt8] {
    var row = RowWriter()
    row.int(id)
    row.int(version)
    row.instant(created)
    row.map(attributes)
    row.map(tags)
    for count in [confirmed, pending, deleted, filterPolicies] { row.int(count) }
    row.optional(archivedSince)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: TopicName) throws {
    var row = try RowReader(bytes)
    self.init(
      name: name, id: try row.int64(), version: try row.int(), created: try row.instant(), attributes: try row.map(), tags: try row.map(),
      confirmed: try row.int(), pending: try row.int(), deleted: try row.int(), filterPolicies: try row.int(),
      archivedSince: try row.optionalInstant())
  }
}

extension Subscription {
  var row: [UInt8] {
    var row = RowWriter()
    row.string(owner.text)
    row.string(principal)
    row.string(proto.rawValue)
    row.string(endpoint)
    row.instant(created)
    switch confirmation {
    case .pending(let until):
      row.int(0)
      row.instant(until)
    case .confirmed(let isAuthenticated): row.int(isAuthenticated ? 2 : 1)
    }
    row.optional(token)
    row.bool(needsSignatureToEnd)
    row.map(attributes)
    row.optional(replay?.rawValue)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: SubscriptionName) throws {
    var row = try RowReader(bytes)
    guard let owner = AccountID(try row.string()) else { throw StoreError.corrupt("owner of a subscription") }
    let principal = try row.string()
    guard let proto = SubscriptionProtocol(rawValue: try row.string()) else { throw StoreError.corrupt("protocol of a subscription") }
    let (endpoint, created, state) = (try row.string(), try row.instant(), try row.int())
    let confirmation: Confirmation =
      state == 0 ? .pending(until: try row.instant()) : .confirmed(authenticated: state == 2)
    self.init(
      name: name, owner: owner, principal: principal, proto: proto, endpoint: endpoint, created: created, confirmation: confirmation,
      token: try row.optionalString(), needsSignatureToEnd: try row.bool(), attributes: try row.map(),
      replay: try row.optionalString().flatMap(ReplayStatus.init))
  }
}

/// A subscription that ended, and may come back to its topic for a time.
struct Farewell: Sendable {
  var subscription: Subscription
  /// A topic that was made anew under its name is another one.
  var topicID: Int64
  var until: Instant

  init(subscription: Subscription, topicID: Int64, until: Instant) {
    (self.subscription, self.topicID, self.until) = (subscription, topicID, until)
  }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    guard let name = SubscriptionName(arn: try row.string()) else { throw StoreError.corrupt("name of a subscription") }
    (topicID, until) = (try row.int64(), try row.instant())
    subscription = try Subscription(try row.blob(), name: name)
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.string(subscription.name.arn)
    row.int(topicID)
    row.instant(until)
    row.blob(subscription.row)
    return row.bytes
  }
}

extension Notification {
  var row: [UInt8] {
    var row = RowWriter(capacity: size + 100)
    switch kind {
    case .message: row.int(0)
    case .confirmation(let token): row.int(1); row.string(token)
    case .farewell(let token): row.int(2); row.string(token)
    }
    row.string(id)
    row.string(topic.arn.text)
    row.optional(subject)
    row.string(body)
    row.array(attributes) { $0.attribute($1) }
    row.instant(time)
    row.optional(groupID)
    row.optional(deduplicationID)
    row.optional(sequenceNumber)
    row.bool(isReplayed)
    row.string(signatureVersion.rawValue)
    row.string(endpoint)
    return row.bytes
  }

  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let kind: Kind =
      switch try row.int() {
      case 1: .confirmation(token: try row.string())
      case 2: .farewell(token: try row.string())
      default: .message
      }
    let id = try row.string()
    guard let topic = ARN(try row.string()).flatMap({ TopicName($0) }) else { throw StoreError.corrupt("topic of a notification") }
    self.init(
      kind: kind, id: id, topic: topic, subject: try row.optionalString(), body: try row.string(),
      attributes: try row.array { try $0.attribute() }, time: try row.instant(), groupID: try row.optionalString(),
      deduplicationID: try row.optionalString(), sequenceNumber: try row.optionalString(), isReplayed: try row.bool(),
      signatureVersion: SignatureVersion(rawValue: try row.string()) ?? .one, endpoint: try row.string())
  }
}

extension RowWriter {
  fileprivate mutating func attribute(_ attribute: MessageAttribute) {
    string(attribute.name)
    string(attribute.dataType)
    switch attribute.content {
    case .string(let text):
      bool(false)
      string(text)
    case .binary(let bytes):
      bool(true)
      blob(bytes)
    }
  }
}
extension RowReader {
  fileprivate mutating func attribute() throws -> MessageAttribute {
    MessageAttribute(
      name: try string(), dataType: try string(), content: try bool() ? .binary(try blob()) : .string(try string()))
  }
}

/// Where a delivery goes, for the time when its subscription may be gone.
struct DeliveryPlace: Sendable, Equatable {
  var proto: SubscriptionProtocol
  var endpoint: String

  init(_ proto: SubscriptionProtocol, _ endpoint: String) { (self.proto, self.endpoint) = (proto, endpoint) }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    guard let proto = SubscriptionProtocol(rawValue: try row.string()) else { throw StoreError.corrupt("protocol of a delivery") }
    self.init(proto, try row.string())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 80)
    row.string(proto.rawValue)
    row.string(endpoint)
    return row.bytes
  }
}

/// What was published with a deduplication id.
struct Duplicate: Sendable, Equatable {
  var messageID: String
  var sequence: Int64
  var until: Instant

  init(messageID: String, sequence: Int64, until: Instant) { (self.messageID, self.sequence, self.until) = (messageID, sequence, until) }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(messageID: try row.string(), sequence: try row.int64(), until: try row.instant())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 60)
    row.string(messageID)
    row.int(sequence)
    row.instant(until)
    return row.bytes
  }
}
