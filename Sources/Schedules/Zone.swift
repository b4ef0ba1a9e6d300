import Base

/// A time zone of the IANA database, for times from 2026 on.
///
/// The rules are part of the program (`Tools/generate-zones`), so that a host without a time zone database keeps the same time.
public struct Zone: Sendable, Hashable {
  public let name: String
  private let rule: ZoneRule
  /// Single changes, the earliest first, that hold before the rule does; with the offset before the first.
  private let changes: [ZoneChange]
  private let before: Int

  public static let utc = Zone(name: "UTC", rule: ZoneRule(standard: 0, summer: nil), changes: [], before: 0)

  /// Nil for what the database does not have. Names are compared as they are written: `Europe/Berlin`.
  public init?(_ name: String) {
    guard let zone = ZoneDirectory.shared[name] else { return nil }
    self = zone
  }

  init(name: String, rule: ZoneRule, changes: [ZoneChange], before: Int) {
    (self.name, self.rule, self.changes, self.before) = (name, rule, changes, before)
  }

  /// How far local time is ahead of UTC, in minutes.
  public func offset(at instant: Instant) -> Int {
    guard let last = changes.last, instant < last.time else { return rule.offset(at: instant) }
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].time <= instant { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? before : changes[low - 1].offset
  }

  /// What clocks of the zone show.
  public func local(_ instant: Instant) -> CivilTime { CivilTime(instant + .minutes(offset(at: instant))) }

  /// When clocks of the zone show that: never where they were put forward over it, twice where they were put back.
  public func instants(of local: CivilTime) -> [Instant] {
    let asUTC = local.instant
    // No zone changes twice within two days.
    let offsets = Set([offset(at: asUTC - .days(1)), offset(at: asUTC + .days(1))])
    return offsets.map { asUTC - .minutes($0) }.filter { offsets.contains(offset(at: $0)) && self.local($0) == local }.sorted()
  }
}

/// A change of a zone's offset, in minutes, that follows no rule.
struct ZoneChange: Sendable, Hashable {
  var time: Instant
  var offset: Int
}

/// The offset of a zone in each year, as the rule of a POSIX `TZ` text has it.
struct ZoneRule: Sendable, Hashable {
  struct Summer: Sendable, Hashable {
    var offset: Int
    var begin: YearlyMoment
    var end: YearlyMoment
  }
  var standard: Int
  var summer: Summer?

  func offset(at instant: Instant) -> Int {
    guard let summer else { return standard }
    let year = CivilTime(instant + .minutes(standard)).year
    // Clocks are changed by what they show before.
    let begin = summer.begin.local(in: year) - .minutes(standard), end = summer.end.local(in: year) - .minutes(summer.offset)
    let isSummer = begin < end ? begin <= instant && instant < end : !(end <= instant && instant < begin)
    return isSummer ? summer.offset : standard
  }
}

/// The nth or last of a weekday in a month, and a time from that midnight on, which may lie on another day.
struct YearlyMoment: Sendable, Hashable {
  var month: Int
  /// 5 is the last one.
  var week: Int
  /// 0 is Sunday.
  var weekday: Int
  var minutes: Int

  /// What clocks show, as if it were UTC.
  func local(in year: Int) -> Instant {
    let first = CivilTime(year: year, month: month, day: 1)
    var day = 1 + (weekday - first.weekday + 7) % 7 + (week - 1) * 7
    if day > monthLength(year: year, month: month) { day -= 7 }
    return CivilTime(year: year, month: month, day: day).instant + .minutes(minutes)
  }
}

func monthLength(year: Int, month: Int) -> Int {
  switch month {
  case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}
