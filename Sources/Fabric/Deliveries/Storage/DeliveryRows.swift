import Base
import Store

/// The rows of one delivery queue.
///
///   ready   "w" target number               → Entry     may be tried now, in this order
///   later   "d" due number                  → Entry     waits for its time, and becomes ready then
///   lane    "l" target source lane number   → Delivery  the deliveries of a lane in their order
///   number  "n"                             → the last number that was given
///
/// An entry is a delivery, or the name of a lane: its first delivery has the turn. A delivery without a lane has exactly one entry, and so
/// has each lane that is not empty. What is being tried stays ready until it has ended: a crash leaves everything to be tried again.
struct DeliveryRows: Sendable {
  /// What is read in one step at most, with the entries counted by their caller.
  private static let pageBytes = 2 << 20

  let prefix: Key
  private let ready: Key
  private let later: Key
  private let lanes: Key
  private let numbers: Counter

  init(_ name: String) {
    prefix = Key("deliveries", name)
    (ready, later, lanes) = (prefix.appending("w"), prefix.appending("d"), prefix.appending("l"))
    numbers = Counter(prefix.appending("n"))
  }

  /// Gives ids, and the turn to those that are nobody's follower.
  func add(_ deliveries: [Delivery], _ transaction: any Transaction) throws -> [Delivery] {
    guard !deliveries.isEmpty else { return [] }
    var number = try numbers.add(Int64(deliveries.count), transaction) - Int64(deliveries.count)
    return try deliveries.map { delivery in
      number += 1
      var delivery = delivery
      (delivery.id, delivery.attempts, delivery.token) = (String(number), 0, nil)
      if delivery.lane == nil {
        delivery.token = .init(number: number)
        try transaction.set(ready.appending(delivery.target, number), Entry.delivery(delivery).row)
        return delivery
      }
      let lane = self.lane(of: delivery)
      if try transaction.first(KeyRange(prefix: lane)) == nil {
        delivery.token = .init(number: number)
        try transaction.set(ready.appending(delivery.target, number), Entry.lane(of: delivery).row)
      }
      try transaction.set(lane.appending(number), delivery.row)
      return delivery
    }
  }

  /// Ends a delivery that has the turn. Returns the next one of its lane, which has it now.
  func end(_ delivery: Delivery, _ transaction: any Transaction) throws -> Delivery? {
    guard let place = try place(of: delivery, transaction) else { return nil }
    try transaction.delete(place)
    guard delivery.lane != nil else { return nil }
    let lane = lane(of: delivery)
    try transaction.delete(lane.appending(try number(delivery.id)))
    guard let (_, row) = try transaction.first(KeyRange(prefix: lane)) else { return nil }
    var next = try Delivery(row: row)
    let turn = try numbers.next(transaction)
    next.token = .init(number: turn)
    try transaction.set(ready.appending(next.target, turn), Entry.lane(of: next).row)
    return next
  }

  /// Lets a delivery that has the turn wait until then.
  func postpone(_ delivery: Delivery, until due: Instant, _ transaction: any Transaction) throws {
    guard let place = try place(of: delivery, transaction) else { return }
    try transaction.delete(place)
    let entry: Entry
    if delivery.lane != nil {
      try transaction.set(lane(of: delivery).appending(try number(delivery.id)), delivery.row)
      entry = .lane(of: delivery)
    } else {
      entry = .delivery(delivery)
    }
    try transaction.set(later.appending(due, try numbers.next(transaction)), entry.row)
  }

  /// Makes ready what is due, up to `limit`. Tells when the next one will be; `.soon` when there is more.
  func wake(upTo now: Instant, limit: Int, _ transaction: any Transaction) throws -> (woken: [Delivery], next: NextTurn) {
    var woken: [Delivery] = []
    var next = NextTurn.onNudge
    var bytes = 0
    var due: [(Key, [UInt8])] = []
    try transaction.scan(KeyRange(prefix: later)) { key, row in
      var parts = KeyReader(key, after: later)
      let time = try parts.instant()
      guard time <= now else { next = .at(time); return false }
      guard due.count < limit, bytes < Self.pageBytes else { next = .soon; return false }
      bytes += row.count
      due.append((key, row))
      return true
    }
    for (key, row) in due {
      try transaction.delete(key)
      guard var delivery = try Entry(row: row).delivery(self, transaction) else { continue }
      let turn = try numbers.next(transaction)
      delivery.token = .init(number: turn)
      try transaction.set(ready.appending(delivery.target, turn), row)
      woken.append(delivery)
    }
    return (woken, next)
  }

  /// What is ready for a target behind a number.
  func page(of target: String, after number: Int64, limit: Int, _ reader: any Reader) throws -> DeliveryPage {
    var page = DeliveryPage(deliveries: [], through: number, isMore: false)
    let home = ready.appending(target)
    var bytes = 0
    var entries: [(Int64, [UInt8])] = []
    try reader.scan(KeyRange(home.appending(number + 1), home.end)) { key, row in
      guard entries.count < limit, bytes < Self.pageBytes else { page.isMore = true; return false }
      var parts = KeyReader(key, after: home)
      bytes += row.count
      entries.append((try parts.int(), row))
      return true
    }
    for (number, row) in entries {
      page.through = number
      guard var delivery = try Entry(row: row).delivery(self, reader) else { continue }
      delivery.token = .init(number: number)
      page.deliveries.append(delivery)
    }
    return page
  }

  /// Targets for which something is ready, behind one of them: one seek for each.
  func targets(after last: String?, limit: Int, _ reader: any Reader) throws -> [String] {
    var targets: [String] = []
    var from = last.map { ready.appending($0).end } ?? ready
    while targets.count < limit, let (key, _) = try reader.first(KeyRange(from, ready.end)) {
      var parts = KeyReader(key, after: ready)
      let target = try parts.string()
      targets.append(target)
      from = ready.appending(target).end
    }
    return targets
  }

  /// Deletes what is of the account among the first rows of the range. Returns what is left to look at.
  func remove(of account: AccountID, in range: KeyRange, limit: Int, _ transaction: any Transaction) throws -> KeyRange? {
    let page = try transaction.entries(range, limit: limit)
    for (key, row) in page where key != numbers.key {
      let owner = key.hasPrefix(lanes) ? try Delivery(row: row).account : try Entry(row: row).account
      if owner == account { try transaction.delete(key) }
    }
    return page.count == limit ? page.last.map { KeyRange(Key(bytes: $0.key.bytes + [0]), range.upper) } : nil
  }

  /// Its place among what is ready; nil when it was removed meanwhile. Only what is ready is ever tried.
  private func place(of delivery: Delivery, _ reader: any Reader) throws -> Key? {
    guard let token = delivery.token else { return nil }
    let key = ready.appending(delivery.target, token.number)
    return try reader.get(key) == nil ? nil : key
  }

  private func lane(of delivery: Delivery) -> Key { lanes.appending(delivery.target, delivery.source, delivery.lane ?? "") }

  private func number(_ id: String) throws -> Int64 {
    guard let number = Int64(id) else { throw StoreError.corrupt("a delivery's id is no number") }
    return number
  }

  fileprivate func first(ofLane lane: String, _ target: String, _ source: String, _ reader: any Reader) throws -> Delivery? {
    try reader.first(KeyRange(prefix: lanes.appending(target, source, lane))).map { try Delivery(row: $0.value) }
  }
}

struct DeliveryPage: Sendable {
  var deliveries: [Delivery]
  /// The last number that was looked at.
  var through: Int64
  var isMore: Bool
}

/// What has a turn.
private enum Entry {
  case delivery(Delivery)
  /// The first one of the lane.
  case lane(String, target: String, source: String, account: AccountID)

  static func lane(of delivery: Delivery) -> Entry {
    .lane(delivery.lane ?? "", target: delivery.target, source: delivery.source, account: delivery.account)
  }

  var row: [UInt8] {
    switch self {
    case .delivery(let delivery):
      var w = RowWriter(capacity: delivery.content.count + delivery.details.count + 400)
      w.bool(false)
      delivery.write(to: &w)
      return w.bytes
    case .lane(let lane, let target, let source, let account):
      var w = RowWriter()
      w.bool(true)
      for text in [lane, target, source, account.text] { w.string(text) }
      return w.bytes
    }
  }

  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    guard try r.bool() else { self = .delivery(try Delivery(from: &r)); return }
    let (lane, target, source) = (try r.string(), try r.string(), try r.string())
    guard let account = AccountID(try r.string()) else { throw StoreError.corrupt("a lane without an account") }
    self = .lane(lane, target: target, source: source, account: account)
  }

  var account: AccountID {
    switch self {
    case .delivery(let delivery): delivery.account
    case .lane(_, _, _, let account): account
    }
  }

  /// The delivery whose turn it is; nil when its lane was emptied.
  func delivery(_ rows: DeliveryRows, _ reader: any Reader) throws -> Delivery? {
    switch self {
    case .delivery(let delivery): delivery
    case .lane(let lane, let target, let source, _): try rows.first(ofLane: lane, target, source, reader)
    }
  }
}

extension Delivery {
  fileprivate var row: [UInt8] {
    var w = RowWriter(capacity: content.count + details.count + 400)
    write(to: &w)
    return w.bytes
  }
  fileprivate init(row: [UInt8]) throws {
    var r = try RowReader(row)
    try self.init(from: &r)
  }

  fileprivate func write(to w: inout RowWriter) {
    for text in [id, source, target, account.text, region.text, trace.header] { w.string(text) }
    sender.write(to: &w)
    w.blob(content)
    w.blob(details)
    w.instant(acceptedAt)
    w.int(attempts)
    w.optional(lane)
  }

  fileprivate init(from r: inout RowReader) throws {
    let (id, source, target) = (try r.string(), try r.string(), try r.string())
    guard let account = AccountID(try r.string()), let region = Region(try r.string()), let trace = TraceContext(header: try r.string())
    else { throw StoreError.corrupt("a delivery without an account, Region or trace") }
    let sender = try DeliverySender(from: &r)
    self.init(
      source: source, target: target, sender: sender, account: account, region: region, content: try r.blob(), details: try r.blob(),
      trace: trace, acceptedAt: try r.instant())
    self.id = id
    attempts = try r.int()
    lane = try r.optionalString()
  }
}

extension DeliverySender {
  fileprivate func write(to w: inout RowWriter) {
    switch self {
    case .service(let service):
      w.bool(false)
      service.write(to: &w)
    case .role(let role, let sessionName, let service):
      w.bool(true)
      w.string(role.text)
      w.string(sessionName)
      service.write(to: &w)
    }
  }
  fileprivate init(from r: inout RowReader) throws {
    guard try r.bool() else { self = .service(try ServicePrincipal(from: &r)); return }
    guard let role = ARN(try r.string()) else { throw StoreError.corrupt("a delivery's role is no ARN") }
    self = .role(role, sessionName: try r.string(), by: try ServicePrincipal(from: &r))
  }
}

extension ServicePrincipal {
  fileprivate func write(to w: inout RowWriter) {
    w.string(name)
    w.optional(sourceARN)
    w.optional(sourceAccount?.text)
  }
  fileprivate init(from r: inout RowReader) throws {
    self.init(try r.string(), sourceARN: try r.optionalString(), sourceAccount: try r.optionalString().flatMap { AccountID($0) })
  }
}
