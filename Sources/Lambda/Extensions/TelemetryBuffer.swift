import Base

/// The events that wait for one subscriber: handed out in batches that are full, due or wanted; what is too much is counted and
/// dropped. Decides; does nothing itself.
struct TelemetryBuffer: Sendable {
  /// A subscriber that does not keep up has as much waiting as two batches.
  private static let waitingBatches = 2

  private let limits: TelemetrySubscription.Buffering
  private var events: [[UInt8]] = []
  private var bytes = 0
  /// When the oldest waiting event has waited long enough.
  private var dueAt: Duration?
  private var isWanted = false
  private(set) var dropped = (records: 0, bytes: 0)

  init(_ limits: TelemetrySubscription.Buffering) { self.limits = limits }

  /// False when there is no room for it.
  /// - Parameter hasRoom: it is taken in any case: the word of what was dropped must not be dropped itself.
  mutating func append(_ event: [UInt8], now: Duration, hasRoom: Bool = false) -> Bool {
    let fits = events.count < Self.waitingBatches * limits.items && bytes + event.count <= Self.waitingBatches * limits.bytes
    guard fits || hasRoom else {
      dropped = (dropped.records + 1, dropped.bytes + event.count)
      return false
    }
    events.append(event)
    bytes += event.count
    if dueAt == nil { dueAt = now + limits.timeout }
    return true
  }

  /// What waits is to go out now.
  mutating func want() { isWanted = !events.isEmpty }

  /// When there is something to take: now or later; nil when nothing waits.
  func due(now: Duration) -> Duration? {
    guard let dueAt else { return nil }
    return isWanted || events.count >= limits.items || bytes >= limits.bytes ? now : dueAt
  }

  /// The next batch, if one is due.
  mutating func take(now: Duration) -> [[UInt8]]? {
    guard let due = due(now: now), due <= now else { return nil }
    var count = 0, size = 0
    while count < events.count, count < limits.items, size < limits.bytes {
      size += events[count].count
      count += 1
    }
    defer {
      events.removeFirst(count)
      bytes -= size
      dueAt = events.isEmpty ? nil : now
      isWanted = isWanted && !events.isEmpty
    }
    return Array(events[..<count])
  }

  /// What happened before there was a subscriber and could not be kept for it; it is told of like what was dropped.
  mutating func missed(_ lost: (records: Int, bytes: Int)) {
    dropped = (dropped.records + lost.records, dropped.bytes + lost.bytes)
  }

  /// What was dropped and nobody was told of.
  mutating func takeDropped() -> (records: Int, bytes: Int)? {
    guard dropped.records > 0 else { return nil }
    defer { dropped = (0, 0) }
    return dropped
  }
}
