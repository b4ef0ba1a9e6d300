import Base

/// When something happens: `at(…)` once, `rate(…)` and `cron(…)` again and again (EventBridge Scheduler User Guide, "Schedule types";
/// EventBridge User Guide, "Setting a schedule pattern").
public enum ScheduleExpression: Sendable, Equatable {
  /// A local time of the schedule's zone.
  case at(CivilTime)
  case rate(Rate)
  case cron(CronExpression)

  /// Whose expression it is.
  public enum Dialect: Sendable {
    /// A rule of an event bus: no `at`, always in UTC, and `rate(1 minute)` but `rate(2 minutes)`.
    case rule
    /// A schedule of EventBridge Scheduler.
    case scheduler
  }

  /// - Throws: `ScheduleError` in AWS's words.
  public init(_ text: String, dialect: Dialect) throws(ScheduleError) {
    guard let expression = Self.parse(text, dialect) else { throw ScheduleError(text, dialect) }
    self = expression
  }

  private static func parse(_ text: String, _ dialect: Dialect) -> ScheduleExpression? {
    guard text.utf8.last == UInt8(ascii: ")"), let open = text.firstIndex(of: "(") else { return nil }
    let inner = text[text.index(after: open)...].dropLast()
    switch text[..<open] {
    case "at": return dialect == .scheduler ? localTime(inner).map(at) : nil
    case "rate": return Rate(inner, dialect).map(rate)
    case "cron": return CronExpression(inner).map(cron)
    default: return nil
    }
  }

  /// Reads `2026-11-20T13:00:00`.
  private static func localTime(_ text: Substring) -> CivilTime? {
    let bytes = Array(text.utf8)
    guard bytes.count == 19, bytes[10] == UInt8(ascii: "T"), let instant = Instant(iso8601: text) else { return nil }
    let local = CivilTime(instant)
    // A second 60 would have become the next minute.
    return local.instant.iso8601 == text + "Z" ? local : nil
  }

  /// Whether it happens once only.
  public var isOneTime: Bool { if case .at = self { true } else { false } }

  /// The first time after `instant`; nil when there is none. The cost is bounded: a cron expression that never comes is found out by
  /// looking at each month up to 2199.
  ///
  /// Where clocks are put forward, cron times between are left out; where they are put back, cron times that come twice count the
  /// first time only. A rate goes on in real time. An `at` that clocks skip is taken as if they had not been changed.
  /// - Parameter anchor: the first time of a rate, from which all others follow.
  public func next(after instant: Instant, anchor: Instant, in zone: Zone = .utc) -> Instant? {
    switch self {
    case .at(let local):
      let time = zone.instants(of: local).first ?? local.instant - .minutes(zone.offset(at: local.instant - .days(1)))
      return time > instant ? time : nil
    case .rate(let rate): return rate.next(after: instant, anchor: anchor)
    case .cron(let cron): return cron.next(after: instant, in: zone)
    }
  }
}

/// So many minutes, hours or days. A day has 24 hours, whatever clocks do.
public struct Rate: Sendable, Equatable {
  public let period: Duration

  /// Reads `5 minutes`.
  init?(_ text: Substring, _ dialect: ScheduleExpression.Dialect) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...9).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
      let value = Int(parts[0]), value > 0
    else { return nil }
    switch parts[1] {
    case "minute", "minutes": period = .minutes(value)
    case "hour", "hours": period = .hours(value)
    case "day", "days": period = .days(value)
    default: return nil
    }
    if dialect == .rule, (value == 1) == parts[1].hasSuffix("s") { return nil }
  }

  func next(after instant: Instant, anchor: Instant) -> Instant? {
    guard instant >= anchor else { return anchor }
    let step = period.inMilliseconds
    let passed = instant.milliseconds - anchor.milliseconds
    let next = anchor + .milliseconds((passed / step + 1) * step)
    return next > instant && next <= .distantFuture ? next : nil
  }
}

/// Why a text is no schedule expression, in the words of the service.
public struct ScheduleError: Error, Sendable, Equatable {
  public let message: String

  init(_ text: String, _ dialect: ScheduleExpression.Dialect) {
    message =
      switch dialect {
      case .rule: "Parameter ScheduleExpression is not valid."
      case .scheduler: "Invalid Schedule Expression \(text)."
      }
  }
}
