import Base
import Schedules

/// Where a schedule is: names are unique within their group.
struct ScheduleName: Sendable, Hashable {
  var account: AccountID
  var region: Region
  var group: String
  var name: String

  static let defaultGroup = "default"

  var arn: String { "arn:aws:scheduler:\(region):\(account):schedule/\(group)/\(name)" }
  var groupARN: String { GroupName(account: account, region: region, name: group).arn }
}

struct GroupName: Sendable, Hashable {
  var account: AccountID
  var region: Region
  var name: String

  var arn: String { "arn:aws:scheduler:\(region):\(account):schedule-group/\(name)" }
}

struct ScheduleGroup: Sendable, Equatable {
  var createdAt: Instant
  var modifiedAt: Instant
  /// Its schedules are being removed; afterwards it is gone.
  var isDeleting = false
  var tags: [String: String] = [:]
  /// The token of the request that made it.
  var token: String?
}

struct Schedule: Sendable, Equatable {
  var name: ScheduleName
  var createdAt: Instant
  var modifiedAt: Instant
  var timing: Timing
  var isEnabled: Bool
  var deletesItself: Bool
  var description: String?
  var target: ScheduleTarget
  /// The token of the request that made it.
  var token: String?
}

/// When a schedule is due.
struct Timing: Sendable, Equatable {
  /// As it was given; it was checked then.
  var expression: String
  var zone: String
  var start: Instant?
  var end: Instant?
  /// How much later than its time it may be invoked; none when the mode is `OFF`.
  var windowMinutes: Int?
  /// The first time of a rate.
  var anchor: Instant

  private var parsed: ScheduleExpression? { try? ScheduleExpression(expression, dialect: .scheduler) }
  var isOneTime: Bool { parsed?.isOneTime ?? true }
  var window: Duration { .minutes(windowMinutes ?? 0) }

  /// The first time from `instant` on, that time included.
  func first(from instant: Instant) -> Instant? { next(after: instant - .milliseconds(1)) }

  /// Nil: never again. A one-time schedule does not look at start and end.
  func next(after instant: Instant) -> Instant? {
    guard let parsed, let zone = Zone(zone) else { return nil }
    if parsed.isOneTime { return parsed.next(after: instant, anchor: anchor, in: zone) }
    let from = start.map { max(instant, $0 - .milliseconds(1)) } ?? instant
    guard let next = parsed.next(after: from, anchor: anchor, in: zone) else { return nil }
    return end.map { next > $0 } == true ? nil : next
  }

  /// The time that follows one that was due. What was missed meanwhile is passed over: after a downtime a schedule is
  /// invoked once, and not once for each time.
  func following(_ due: Instant, now: Instant) -> Instant? {
    guard !isOneTime else { return nil }
    return next(after: max(due, now - window))
  }

  /// A moment in the window.
  func moment(of time: Instant, _ random: any RandomSource) -> Instant {
    guard windowMinutes != nil else { return time }
    return time + .milliseconds(Int64(random.number(below: UInt64(max(1, window.inMilliseconds)))))
  }
}

/// What a schedule invokes, as the user gave it.
struct ScheduleTarget: Sendable, Equatable {
  var arn: String
  var role: String
  var input: String?
  var deadLetterQueue: String?
  var retryAttempts = SchedulerLimits.retryAttempts
  var eventAgeSeconds = SchedulerLimits.eventAgeSeconds
  var eventDetailType: String?
  var eventSource: String?
  var partitionKey: String?
  var messageGroup: String?
}
