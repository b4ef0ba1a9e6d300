import Base
import Store
import Synchronization

/// A subscription with its filter policy ready to be asked.
struct CompiledSubscription: Sendable {
  let subscription: Subscription
  let filter: FilterPolicy?

  init(_ subscription: Subscription) {
    self.subscription = subscription
    // It was checked when it was set.
    filter = subscription.attributes["FilterPolicy"].flatMap { try? FilterPolicy($0, scope: subscription.filterScope) }
  }
}

/// A topic and its subscriptions as one transaction left them.
struct TopicView: Sendable {
  /// The row of the topic, which any change replaces.
  let row: [UInt8]
  let topic: Topic
  /// Nil when there are so many that they are read page by page.
  let subscriptions: [CompiledSubscription]?

  init(_ name: TopicName, row: [UInt8], _ rows: any Reader) throws {
    self.row = row
    topic = try Topic(row, name: name)
    subscriptions =
      topic.subscriptions > SNSLimits.directDeliveries
      ? nil : try rows.subscriptions(of: name, limit: .max).map { CompiledSubscription($0) }
  }
}

/// Parsed topics, so that authorising a publication and choosing its subscriptions reads nothing.
///
/// A transaction that publishes compares the row of the topic with the one here; what is here may be late, but decides nothing.
final class TopicCache: Sendable {
  private let store: any Store
  private struct Cache {
    var topics: [TopicName: TopicView] = [:]
    var subscriptions = 0
    /// Grows with each change, so that what was read before one is not remembered after it.
    var generation: UInt64 = 0
  }
  private let cache = Mutex(Cache())

  init(_ store: any Store) { self.store = store }

  func find(_ name: TopicName) async throws -> TopicView? {
    let (cached, generation) = cache.withLock { ($0.topics[name], $0.generation) }
    if let cached { return cached }
    let view = try await store.read { rows in try rows.get(Keys.topic(name)).map { try TopicView(name, row: $0, rows) } }
    guard let view else { return nil }
    cache.withLock { cache in
      guard cache.generation == generation else { return }
      if cache.topics.count >= SNSLimits.cachedTopics || cache.subscriptions > SNSLimits.cachedSubscriptions {
        (cache.topics, cache.subscriptions) = ([:], 0)
      }
      cache.topics[name] = view
      cache.subscriptions += view.subscriptions?.count ?? 0
    }
    return view
  }

  func existing(_ name: TopicName) async throws -> TopicView {
    guard let view = try await find(name) else { throw SNSError.topicNotFound }
    return view
  }

  /// The subscription and its topic as they are now; nil when it is gone.
  func subscription(_ name: SubscriptionName) async throws -> (Subscription, Topic)? {
    guard let view = try await find(name.topic) else { return nil }
    if let all = view.subscriptions {
      return all.first { $0.subscription.name.id == name.id }.map { ($0.subscription, view.topic) }
    }
    return try await store.read { try $0.subscription(name) }.map { ($0, view.topic) }
  }

  /// Without a look into the store.
  func cached(_ name: SubscriptionName) -> (Subscription, Topic)? {
    guard let view = cache.withLock({ $0.topics[name.topic] }) else { return nil }
    return view.subscriptions?.first { $0.subscription.name.id == name.id }.map { ($0.subscription, view.topic) }
  }

  /// After a change, before anybody is told of it.
  func forget(_ name: TopicName) {
    cache.withLock { cache in
      cache.generation += 1
      if let old = cache.topics.removeValue(forKey: name) { cache.subscriptions -= old.subscriptions?.count ?? 0 }
    }
  }
}
