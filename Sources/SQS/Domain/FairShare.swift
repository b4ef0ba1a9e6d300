import Base

/// A tenant of a standard queue: a number made of its `MessageGroupId`. Two that fall together share their fortune.
struct Lane: Hashable, Sendable {
  let number: Int64
  /// Of messages without a group, each of which is its own tenant.
  static let none = Lane(number: 0)

  init(number: Int64) { self.number = number }
  /// FNV-1a.
  init(group: String?) {
    guard let group else {
      self = .none
      return
    }
    let hash = group.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    self.init(number: Int64(bitPattern: hash == 0 ? 1 : hash))
  }
}

/// Who takes how much of the consumers of one standard queue, and who takes too much: the rules of fair queues.
///
/// A tenant is noisy while it has more than a tenth of the messages in flight and at least 30 of its own, or more than a
/// tenth of the recent processing time; not when it has sent nothing for five minutes (developer guide, "How Amazon SQS fair
/// queues work", which calls the figures approximate). What is here is an estimate in memory: it orders, and decides nothing
/// durable. After a restart it begins at nothing and learns from what is received then.
struct FairShare: Sendable {
  /// What happened to a message, once that is durable.
  enum Event: Sendable {
    case sent(Lane, at: Instant)
    /// It is in flight until then.
    case began(Lane, at: Instant, until: Instant, sentAt: Instant)
    /// It is no longer in flight; `until` and `began` as they were told.
    case ended(Lane, at: Instant, until: Instant, began: Instant)
    /// The tenant has no messages left.
    case drained(Lane)
  }

  private struct Tenant {
    var flights = Flights()
    var lastSent: Instant
  }
  private var tenants: [Lane: Tenant] = [:]
  private var all = Flights()

  /// The noisy tenants with how many messages each has in flight.
  mutating func noisy(at now: Instant) -> [Lane: Int] {
    all.land(by: now)
    var noisy: [Lane: Int] = [:]
    var forgotten: [Lane] = []
    var place = tenants.startIndex  // `indices` would hold a copy, which each change would have to make
    while place != tenants.endIndex {
      tenants.values[place].flights.land(by: now)
      let (lane, tenant) = tenants[place]
      if tenant.flights.isForgotten(at: now) {
        forgotten.append(lane)
      } else if isNoisy(tenant, at: now) {
        noisy[lane] = tenant.flights.count
      }
      tenants.formIndex(after: &place)
    }
    for lane in forgotten { tenants[lane] = nil }
    return noisy
  }

  private func isNoisy(_ tenant: Tenant, at now: Instant) -> Bool {
    guard now - tenant.lastSent < SQSLimits.fairQuietInterval else { return false }
    let share = SQSLimits.fairShare
    if tenant.flights.count >= SQSLimits.fairFlights, tenant.flights.count * share > all.count { return true }
    let time = tenant.flights.recentTime(at: now)
    return time >= SQSLimits.fairTime.inMilliseconds && time * Int64(share) > all.recentTime(at: now)
  }

  mutating func note(_ event: Event) {
    switch event {
    case .sent(let lane, let now): tenants[lane]?.lastSent = now
    case .began(let lane, let told, let until, let sentAt):
      // What a client's receipt tells may be anything.
      let now = min(max(told, until - SQSLimits.totalVisibility), until)
      all.began(at: now, until: until)
      guard lane != .none else { return }
      var tenant = tenants[lane] ?? Tenant(lastSent: sentAt)
      tenant.lastSent = max(tenant.lastSent, sentAt)
      tenant.flights.began(at: now, until: until)
      if tenants[lane] == nil { makeRoom() }
      tenants[lane] = tenant
    case .ended(let lane, let now, let until, let told):
      let began = min(max(told, now - SQSLimits.totalVisibility), now)
      all.ended(at: now, until: until, began: began)
      tenants[lane]?.flights.ended(at: now, until: until, began: began)
    case .drained(let lane): tenants[lane]?.flights.forgetTime()
    }
  }

  /// Whoever has a tenth of the messages in flight is never the smallest of so many.
  private mutating func makeRoom() {
    guard tenants.count >= SQSLimits.fairTenants,
      let smallest = tenants.min(by: { $0.value.flights.count < $1.value.flights.count })
    else { return }
    tenants[smallest.key] = nil
  }
}

/// Messages in flight, by the second in which their time-outs end, and the time that consumers have spent on messages.
private struct Flights: Sendable {
  private struct Second { var count = 0, starts: Int64 = 0 }
  private var seconds: [Int64: Second] = [:]
  private(set) var count = 0
  /// The sum of the times at which those in flight were received. Sums wrap: only their differences, which are small, count.
  private var starts: Int64 = 0
  private var landed: Int64 = 0
  /// Time spent, in milliseconds, in this minute and the one before.
  private var minute: Int64 = 0
  private var spent: (now: Int64, before: Int64) = (0, 0)

  private static func second(_ time: Instant) -> Int64 { (time + .milliseconds(999)).seconds }

  mutating func began(at now: Instant, until: Instant) {
    guard until > now else { return }
    let second = Self.second(until)
    seconds[second, default: Second()].count += 1
    seconds[second, default: Second()].starts &+= now.milliseconds
    count += 1
    starts &+= now.milliseconds
  }

  mutating func ended(at now: Instant, until: Instant, began: Instant) {
    let second = Self.second(until)
    guard var there = seconds[second], there.count > 0 else { return }
    there.count -= 1
    there.starts &-= began.milliseconds
    seconds[second] = there.count == 0 ? nil : there
    count -= 1
    starts &-= began.milliseconds
    spend((now - began).inMilliseconds, at: now)
  }

  /// Takes those out whose time-outs have ended.
  mutating func land(by now: Instant) {
    guard now.seconds > landed else { return }
    landed = now.seconds
    for (second, there) in seconds where second <= now.seconds {
      seconds[second] = nil
      count -= there.count
      starts &-= there.starts
      spend(Int64(there.count) &* second &* 1000 &- there.starts, at: now)
    }
  }

  private mutating func spend(_ milliseconds: Int64, at now: Instant) {
    let this = now.seconds / 60
    if this != minute {
      spent = (0, this == minute + 1 ? spent.now : 0)
      minute = this
    }
    spent.now &+= max(0, milliseconds)
  }

  /// Milliseconds of this minute and the one before, and of what is in flight.
  func recentTime(at now: Instant) -> Int64 {
    let age = now.seconds / 60 - minute
    let past = age == 0 ? spent.now &+ spent.before : age == 1 ? spent.now : 0
    return past &+ Int64(count) &* now.milliseconds &- starts
  }

  func isForgotten(at now: Instant) -> Bool { count == 0 && recentTime(at: now) == 0 }
  mutating func forgetTime() { spent = (0, 0) }
}
