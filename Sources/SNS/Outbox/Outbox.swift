import Base
import Fabric
import Store

/// A mail or a text message that would have gone out into the world.
struct OutboxItem: Sendable, Equatable {
  enum Kind: String, Sendable { case email, sms }
  /// Given again by an attempt that is repeated, so that there is one item.
  var id: String
  var kind: Kind
  var account: AccountID
  var recipient: String
  /// The display name of the topic, or the sender id.
  var sender: String
  /// Of a text message: its type, Promotional or Transactional.
  var subject: String
  var body: String
  var time: Instant
  var subscription: String?
  /// Where the reader confirms, or unsubscribes.
  var link: String?

  init(id: String, kind: Kind, account: AccountID, recipient: String, sender: String, subject: String, body: String, time: Instant) {
    (self.id, self.kind, self.account, self.recipient) = (id, kind, account, recipient)
    (self.sender, self.subject, self.body, self.time) = (sender, subject, body, time)
  }

  init(_ bytes: [UInt8], account: AccountID) throws {
    var row = try RowReader(bytes)
    let (id, kind) = (try row.string(), Kind(rawValue: try row.string()) ?? .email)
    self.init(
      id: id, kind: kind, account: account, recipient: try row.string(), sender: try row.string(), subject: try row.string(),
      body: try row.string(), time: try row.instant())
    subscription = try row.optionalString()
    link = try row.optionalString()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: body.utf8.count + 200)
    for text in [id, kind.rawValue, recipient, sender, subject, body] { row.string(text) }
    row.instant(time)
    row.optional(subscription)
    row.optional(link)
    return row.bytes
  }

  var json: JSON {
    var json = JSONObject([
      ("id", .string(id)), ("type", .string(kind.rawValue)), ("account", .string(account.text)), ("to", .string(recipient)),
      ("from", .string(sender)),
    ])
    if kind == .email { json["subject"] = .string(subject) } else { json["smsType"] = .string(subject.isEmpty ? "Promotional" : subject) }
    json["body"] = .string(body)
    json["time"] = .string(time.iso8601Milliseconds)
    if let subscription { json["subscription"] = .string(subscription) }
    if let link { json["link"] = .string(link) }
    return .object(json)
  }
}

/// Mail and text messages: nothing leaves the machine, whoever is interested reads them at `/_dewpoint/sns/outbox`.
struct Outbox: Sendable {
  let store: any Store

  /// The oldest of the account goes when there are too many.
  func add(_ item: OutboxItem) async throws {
    try await store.transact { rows in
      let key = Keys.outboxItem(item.account, item.time, item.id)
      if try rows.get(key) == nil {
        let counter = Counter(Keys.outboxCount(item.account))
        if try counter.add(1, rows) > SNSLimits.outboxItems, let (oldest, _) = try rows.first(Keys.outbox(item.account)) {
          try rows.delete(oldest)
          try counter.add(-1, rows)
        }
      }
      try rows.set(key, item.row)
    }
  }

  /// The newest first.
  private func items(_ account: AccountID, to recipient: String?, limit: Int) async throws -> [OutboxItem] {
    try await store.read { rows in
      var found: [OutboxItem] = []
      try rows.scan(Keys.outbox(account), reverse: true) { _, row in
        let item = try OutboxItem(row, account: account)
        if recipient == nil || item.recipient == recipient { found.append(item) }
        return found.count < limit
      }
      return found
    }
  }

  func clear(_ account: AccountID) async throws {
    try await store.transact { rows in
      try rows.deleteAll(Keys.outbox(account))
      try rows.delete(Keys.outboxCount(account))
    }
  }

  /// `GET …?account=&to=&limit=` shows, `DELETE …?account=` empties.
  var page: InternalPage {
    InternalPage("sns/outbox") { request in
      try request.require("GET", "DELETE")
      guard let account = request.parameter("account").map({ AccountID($0) }) ?? .local else {
        throw AWSError("BadRequest", "account must have twelve digits.", status: 400)
      }
      if request.method == "DELETE" {
        try await clear(account)
        return .json(["items": []])
      }
      guard let limit = request.parameter("limit").map({ Int($0) }) ?? 100, (1...1000).contains(limit) else {
        throw AWSError("BadRequest", "limit must be a number from 1 to 1000.", status: 400)
      }
      let items = try await items(account, to: request.parameter("to"), limit: limit)
      return .json(["items": .array(items.map(\.json))])
    }
  }
}
