import Base
import Fabric
import Store

/// How far a replay has come. Nil: nothing was sent yet.
struct ReplayCursor: Sendable, Equatable {
  var after: Key?

  init(after: Key? = nil) { self.after = after }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    after = try row.optional { Key(bytes: try $0.blob()) }
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 40)
    row.optional(after) { $0.blob($1.bytes) }
    return row.bytes
  }
}

/// Sends archived messages of FIFO topics again, to the subscription that asked for it (developer guide, "Message replay for subscribers").
///
/// While it runs new messages wait in the archive, where it comes to them in their order; that it is done and that new ones go their own
/// way again is one step.
struct ReplayWorker: Worker {
  private static let page = 100

  let name = "sns-replay"
  let nudge = Nudge()
  let store: any Store
  let topics: TopicCache
  let deliveries: DeliveryQueue
  let ambient: Ambient
  let told: FilterTold

  private struct Step: Sendable {
    var started: [Delivery] = []
    var filtered: [(Subscription, FilterPolicy.Verdict)] = []
    var changed: TopicName?
    var isMore = false
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    var isMore = false
    for arn in try await store.read({ try $0.entries(Keys.allReplays, limit: SNSLimits.sweep).map { try Keys.replayed($0.key) } }) {
      let trace = TraceContext(ambient)
      let step = try await store.transact { [deliveries] rows in try Self.step(arn, rows, deliveries, trace, now) }
      if let topic = step.changed { topics.forget(topic) }
      deliveries.started(step.started)
      for (subscription, verdict) in step.filtered { told.tell(subscription, verdict, trace) }
      isMore = isMore || step.isMore
    }
    return isMore ? .soon : .onNudge
  }

  private static func step(
    _ arn: String, _ rows: any Transaction, _ deliveries: DeliveryQueue, _ trace: TraceContext, _ now: Instant
  ) throws -> Step {
    let key = Keys.replay(arn)
    var step = Step()
    guard let row = try rows.get(key), let name = SubscriptionName(arn: arn), var topic = try rows.topic(name.topic),
      let old = try rows.subscription(name), let policy = old.attributes["ReplayPolicy"].flatMap({ try? ReplayPolicy($0) })
    else {
      try rows.delete(key)
      return step
    }
    guard old.isConfirmed else { return step }
    var subscription = old
    let end = topic.archiveDays == nil ? ReplayStatus.failed : .completed
    var range = KeyRange(Keys.archive(topic.id, from: policy.start), Keys.archive(topic.id).upper)
    if let last = try ReplayCursor(row).after { range.lower = Key(bytes: last.bytes + [0]) }
    if let until = policy.end { range.upper = min(range.upper, Keys.archive(topic.id, from: until + .milliseconds(1))) }
    let found = topic.archiveDays == nil ? [] : try rows.entries(range, limit: page)
    let filter = CompiledSubscription(subscription).filter
    var made: [Delivery] = []
    for (_, row) in found {
      var notification = try Notification(row)
      notification.isReplayed = true
      // A queue has seen the id before and would take it for a duplicate.
      notification.deduplicationID = "\(notification.id)-\(now.milliseconds)"
      let verdict = filter?.verdict(FilterSubject(notification.attributes, body: notification.body)) ?? .passes
      guard verdict == .passes else { step.filtered.append((subscription, verdict)); continue }
      made.append(SNSService.delivery(notification, to: subscription, trace, at: now))
    }
    step.started = try deliveries.add(made, to: rows)
    step.isMore = found.count == page
    if step.isMore {
      try rows.set(key, ReplayCursor(after: found.last?.key).row)
      subscription.replay = .inProgress
    } else {
      try rows.delete(key)
      subscription.replay = end
    }
    guard subscription != old else { return step }
    try rows.save(subscription, was: old, &topic)
    step.changed = name.topic
    return step
  }
}
