import Base
import Fabric
import Store
import Synchronization

/// A message that was accepted for more subscriptions, or bytes, than one transaction takes.
struct Fanout: Sendable {
  var notification: Notification
  /// Of `MessageStructure: json`.
  var bodies: [String: String]
  var trace: TraceContext
  /// The subscription that was the last to get it.
  var after: String?

  init(notification: Notification, bodies: [String: String], trace: TraceContext, after: String?) {
    (self.notification, self.bodies, self.trace, self.after) = (notification, bodies, trace, after)
  }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    notification = try Notification(try row.blob())
    bodies = try row.map()
    guard let trace = TraceContext(header: try row.string()) else { throw StoreError.corrupt("trace of a message") }
    self.trace = trace
    after = try row.optionalString()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: notification.size + 300)
    row.blob(notification.row)
    row.map(bodies)
    row.string(trace.header)
    row.optional(after)
    return row.bytes
  }

  func own(_ subscription: Subscription) -> Notification {
    var own = notification
    own.body = bodies[subscription.proto.rawValue] ?? notification.body
    return own
  }
}

/// Brings such messages on their way, page by page: where it is stands in the store, so a restart goes on there. Topics take turns, so
/// that none waits for all messages of another.
struct FanoutWorker: Worker {
  let name = "sns-fan-out"
  let nudge = Nudge()
  let store: any Store
  let deliveries: DeliveryQueue
  let told: FilterTold

  private let turns = Turns()

  init(store: any Store, deliveries: DeliveryQueue, told: FilterTold) {
    (self.store, self.deliveries, self.told) = (store, deliveries, told)
  }

  /// Whose turn it was.
  private final class Turns: Sendable {
    let last = Mutex<TopicName?>(nil)
  }

  private struct Step: Sendable {
    var topic: TopicName?
    var started: [Delivery] = []
    var filtered: [(Subscription, FilterPolicy.Verdict)] = []
    var trace: TraceContext?
    var isMore = false
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let last = turns.last.withLock { $0 }
    let step = try await store.transact { [deliveries] rows in try Self.step(behind: last, rows, deliveries, now) }
    turns.last.withLock { $0 = step.topic }
    deliveries.started(step.started)
    if let trace = step.trace { for (subscription, verdict) in step.filtered { told.tell(subscription, verdict, trace) } }
    return step.isMore ? .soon : .onNudge
  }

  private static func step(
    behind last: TopicName?, _ rows: any Transaction, _ deliveries: DeliveryQueue, _ now: Instant
  ) throws -> Step {
    let next = try last.flatMap { try rows.first(KeyRange(Keys.fanouts($0).end, Keys.allFanouts.upper)) }
    guard let (key, bytes) = try next ?? rows.first(Keys.allFanouts) else { return Step() }
    var fanout = try Fanout(bytes)
    var step = Step(topic: fanout.notification.topic, trace: fanout.trace, isMore: true)
    let room = max(1, min(SNSLimits.directDeliveries, SNSLimits.directBytes / max(1, fanout.notification.size)))
    let page = try rows.subscriptions(of: fanout.notification.topic, after: fanout.after, limit: room)
    let subject = FilterSubject(fanout.notification.attributes, body: fanout.notification.body)
    var made: [Delivery] = []
    for subscription in page where subscription.isConfirmed && !subscription.leavesToReplay {
      let verdict = CompiledSubscription(subscription).filter?.verdict(subject) ?? .passes
      guard verdict == .passes else { step.filtered.append((subscription, verdict)); continue }
      made.append(SNSService.delivery(fanout.own(subscription), to: subscription, fanout.trace, at: fanout.notification.time))
    }
    step.started = try deliveries.add(made, to: rows)
    if page.count < room {
      try rows.delete(key)
      try rows.countFanouts(of: fanout.notification.topic, -1)
    } else {
      fanout.after = page.last?.name.id
      try rows.set(key, fanout.row)
    }
    return step
  }
}
