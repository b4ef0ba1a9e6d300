import Base
@testable import Schedules

/// Schedule expressions: the expression, the name of a zone, and eight bytes for the time (seconds from 2026 on) and the anchor of a
/// rate. What comes next is after now, is what the expression names as the user guide reads it, and nothing in between is.
func fuzzSchedule(_ bytes: [UInt8]) {
  let parts = bytes.parts(3)
  let (text, numbers) = (parts[0].utf8Text, parts[2] + [UInt8](repeating: 0, count: 8))
  let zone = Zone(parts[1].utf8Text) ?? zones[Int(numbers[7]) % zones.count]
  let now = Instant(seconds: 1_767_225_600 + Int64(number(numbers[0..<4])) % (174 * 366 * 86_400)) + .milliseconds(Int(numbers[7]))
  let anchor = now - .minutes(Int(number(numbers[4..<8]) % 100_000_000) - 1000)
  clocks(of: zone, at: now)
  for dialect in [ScheduleExpression.Dialect.rule, .scheduler] {
    guard let expression = try? ScheduleExpression(text, dialect: dialect) else { continue }
    guard let next = expression.next(after: now, anchor: anchor, in: zone) else { continue }
    promise(next > now, "what comes next is after now")
    promise(expression.next(after: next - .milliseconds(1), anchor: anchor, in: zone) == next, "just before it, it is the next")
    let between = now + .milliseconds(Int64(number(numbers[1..<5])) % (next - now).inMilliseconds)
    promise(expression.next(after: between, anchor: anchor, in: zone) == next, "from any time before it, it is the next")
    switch expression {
    case .at: promise(expression.next(after: next, anchor: anchor, in: zone) == nil, "once is once")
    case .rate(let rate):
      promise((next - anchor).inMilliseconds % rate.period.inMilliseconds == 0, "a whole number of periods from the anchor")
      promise(next == anchor || next - now <= rate.period, "at most a period away")
    case .cron: checkCron(NaiveCron(text), now, next, zone)
    }
  }
}

private let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago", "Asia/Kathmandu"]
  .compactMap { Zone($0) }

private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

/// What clocks show names the time, and the other way round.
private func clocks(of zone: Zone, at time: Instant) {
  let time = Instant(seconds: time.seconds), local = zone.local(time)
  let instants = zone.instants(of: local)
  promise(instants.contains(time), "the time of a clock: \(zone.name) \(time.iso8601)")
  promise(instants.count <= 2 && instants.allSatisfy { zone.local($0) == local }, "clocks show it once or twice: \(zone.name)")
}

private func checkCron(_ cron: NaiveCron, _ now: Instant, _ next: Instant, _ zone: Zone) {
  promise(cron.names(next, in: zone), "\(next.iso8601) is no time of the expression")
  let hours: Int64 = 3
  for start in [now.seconds / 60 * 60 + 60, max(now.seconds / 60 * 60 + 60, next.seconds - hours * 3600)] {
    for second in stride(from: start, to: min(next.seconds, start + hours * 3600), by: 60) {
      let time = Instant(seconds: second)
      promise(time <= now || !cron.names(time, in: zone), "\(time.iso8601) was left out before \(next.iso8601)")
    }
  }
}

/// Cron as the user guide tells it, one minute at a time. Only for expressions that were accepted.
private struct NaiveCron {
  private let fields: [Substring]
  private let minutes: Set<Int>, hours: Set<Int>, months: Set<Int>, years: Set<Int>

  init(_ text: String) {
    fields = text.dropFirst(5).dropLast().split(separator: " ")
    minutes = Self.values(fields[0], 0...59)
    hours = Self.values(fields[1], 0...23)
    months = Self.values(fields[3], 1...12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    years = Self.values(fields[5], 1970...2199)
  }

  /// Whether that minute is meant. Of the minutes that clocks show twice it is the first.
  func names(_ time: Instant, in zone: Zone) -> Bool {
    let local = zone.local(time)
    guard local.second == 0, local.millisecond == 0, minutes.contains(local.minute), hours.contains(local.hour),
      months.contains(local.month), years.contains(local.year), isDay(local)
    else { return false }
    let back = zone.offset(at: time - .hours(4)) - zone.offset(at: time)
    return back <= 0 || zone.local(time - .minutes(back)) != local
  }

  private static let weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

  /// Of one field: from the low end in steps, over the end of the range where that lies behind the high one.
  private static func values(_ field: Substring, _ range: ClosedRange<Int>, _ names: [String] = []) -> Set<Int> {
    var values: Set<Int> = []
    for part in field.split(separator: ",") {
      let halves = part.split(separator: "/"), ends = halves[0].split(separator: "-").map { read($0, range, names) }
      let isAll = halves[0] == "*", isOpen = isAll || ends.count == 1 && halves.count == 2
      let low = isAll ? range.lowerBound : ends[0], high = isOpen ? range.upperBound : ends[ends.count - 1]
      var value = low
      while value <= (high < low ? high + range.count : high) {
        values.insert(value > range.upperBound ? value - range.count : value)
        value += halves.count == 2 ? Int(halves[1]) ?? 1 : 1
      }
    }
    return values
  }

  private static func read(_ text: Substring, _ range: ClosedRange<Int>, _ names: [String]) -> Int {
    names.firstIndex(of: text.uppercased()).map { $0 + range.lowerBound } ?? Int(text) ?? -1
  }

  private func isDay(_ time: CivilTime) -> Bool {
    let length = (28...31).last { CivilTime(CivilTime(year: time.year, month: time.month, day: $0).instant).month == time.month } ?? 0
    func weekday(_ day: Int) -> Int { CivilTime(year: time.year, month: time.month, day: day).weekday + 1 }
    func workday(near day: Int) -> Int? {
      guard day <= length else { return nil }
      return [day, day - 1, day + 1, day - 2, day + 2].first { (1...length).contains($0) && (2...6).contains(weekday($0)) }
    }
    if fields[4] == "?" {
      switch fields[2].uppercased() {
      case "L": return time.day == length
      case "LW": return time.day == workday(near: length)
      case let text where text.hasSuffix("W"): return time.day == workday(near: Int(text.dropLast()) ?? 0)
      default: return Self.values(fields[2], 1...31).contains(time.day)
      }
    }
    let text = fields[4].uppercased(), today = weekday(time.day)
    if text == "L" { return today == 7 }
    if let hash = text.firstIndex(of: "#") {
      return today == Self.read(text[..<hash], 1...7, Self.weekdays) && Int(text[text.index(after: hash)...]) == (time.day + 6) / 7
    }
    if text.hasSuffix("L") { return today == Self.read(text.dropLast(), 1...7, Self.weekdays) && time.day + 7 > length }
    return Self.values(fields[4], 1...7, Self.weekdays).contains(today)
  }
}
