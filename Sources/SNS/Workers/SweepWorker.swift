import Base
import Fabric
import Store

/// Takes away what nobody confirmed in three days, and farewells that nobody took back.
struct PendingWorker: Worker {
  let name = "sns-pending"
  let nudge = Nudge()
  let store: any Store
  let topics: TopicCache

  func turn(_ now: Instant) async throws -> NextTurn {
    let (gone, count) = try await store.transact { rows -> ([TopicName], Int) in
      let due = try rows.entries(Keys.pending(upTo: now), limit: SNSLimits.sweep)
      var gone: [TopicName] = []
      for (key, _) in due {
        let name = try Keys.pendingEntry(key).subscription
        try rows.delete(key)
        guard let subscription = SubscriptionName(arn: name) else {
          try rows.delete(Keys.farewell(name))
          continue
        }
        guard var topic = try rows.topic(subscription.topic), let found = try rows.subscription(subscription), !found.isConfirmed else {
          continue
        }
        try rows.remove(found, &topic)
        gone.append(subscription.topic)
      }
      return (gone, due.count)
    }
    for topic in gone { topics.forget(topic) }
    if count == SNSLimits.sweep { return .soon }
    let next = try await store.read { try $0.first(Keys.allPending).map { try Keys.pendingEntry($0.key).until } }
    // A new one is due later than a day from now, so nobody has to call.
    return .at(min(next ?? .distantFuture, now + .days(1)))
  }
}

/// Forgets deduplication ids when their five minutes are over; some minutes late, since nobody minds.
struct ForgetWorker: Worker {
  private static let interval = Duration.minutes(5)

  let name = "sns-duplicates"
  let nudge = Nudge()
  let store: any Store

  func turn(_ now: Instant) async throws -> NextTurn {
    let count = try await store.transact { rows in
      var due: [Key] = []
      try rows.scan(Keys.allForgets) { key, _ in
        guard try Keys.forgotten(key).time <= now else { return false }
        due.append(key)
        return due.count < SNSLimits.sweep
      }
      for key in due {
        let entry = try Keys.forgotten(key)
        let row = Keys.duplicate(entry.topic, scope: entry.scope, entry.id)
        if let duplicate = try rows.get(row).map({ try Duplicate($0) }), duplicate.until <= now { try rows.delete(row) }
        try rows.delete(key)
      }
      return due.count
    }
    if count == SNSLimits.sweep { return .soon }
    return .at(now + Self.interval)
  }
}

/// Deletes archived messages when their days are over.
struct ArchiveWorker: Worker {
  private static let interval = Duration.hours(1)

  let name = "sns-archive"
  let nudge = Nudge()
  let store: any Store

  func turn(_ now: Instant) async throws -> NextTurn {
    let names = try await store.read { try $0.entries(Keys.allArchiving).map { try Keys.archivingTopic($0.key) } }
    for name in names {
      try await store.transact { rows in
        guard let topic = try rows.topic(name), let days = topic.archiveDays else { return }
        try rows.deleteAll(KeyRange(Keys.archive(topic.id).lower, Keys.archive(topic.id, from: now - .days(days))))
      }
    }
    return .at(now + Self.interval)
  }
}
