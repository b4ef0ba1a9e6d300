import Base
import Testing

@testable import Schedules

/// A field with the values that it means, made together.
private struct RandomField {
  var text: String
  var values: Set<Int>

  static func any(_ range: ClosedRange<Int>, sparse: Bool = false, _ random: SeededRandom) -> RandomField {
    func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(random.number(below: UInt64(range.count))) }
    switch random.number(below: sparse ? 8 : 5) {
    case 0, 1: return RandomField(text: "*", values: Set(range))
    case 2:
      let (from, step) = (number(range), number(1...min(20, range.upperBound)))
      return RandomField(text: "\(from)/\(step)", values: Set(stride(from: from, through: range.upperBound, by: step)))
    case 3:
      let (from, to) = (number(range), number(range))
      let values = from <= to ? Set(from...to) : Set(from...range.upperBound).union(range.lowerBound...to)
      return RandomField(text: "\(from)-\(to)", values: values)
    case 4:
      let list = (0..<3).map { _ in number(range) }
      return RandomField(text: list.map(String.init).joined(separator: ","), values: Set(list))
    default:
      let value = number(range)
      return RandomField(text: "\(value)", values: [value])
    }
  }
}

/// Walks minute by minute and says at which the clocks of the zone show for the first time what the fields mean.
@Test(arguments: 0..<48)
func `the next time is the one that a walk through all minutes finds`(seed: UInt64) throws {
  let random = SeededRandom(seed: seed)
  let minute = RandomField.any(0...59, sparse: true, random), hour = RandomField.any(0...23, sparse: true, random)
  let date = RandomField.any(1...31, random), weekday = RandomField.any(1...7, random), month = RandomField.any(1...12, random)
  let byDate = seed % 2 == 0
  let text = "cron(\(minute.text) \(hour.text) \(byDate ? date.text : "?") \(month.text) \(byDate ? "?" : weekday.text) *)"
  let expression = try ScheduleExpression(text, dialect: .scheduler)
  // Days around a change of clocks, in zones that change by an hour, by half an hour, and by Ramadan.
  let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
  let starts = ["2026-10-24T12:00:00Z", "2026-03-07T12:00:00Z", "2026-04-04T00:00:00Z", "2026-02-14T12:00:00Z", "2028-02-28T00:00:00Z"]
  let place = Int(seed / 2) % zones.count
  let zone = try #require(Zone(zones[place]))
  var last = try #require(Instant(iso8601: starts[place])) + .milliseconds(Int(random.number(below: 60_000)))

  var found: [Instant] = []
  while found.count < 40, let next = expression.next(after: last, anchor: .epoch, in: zone) {
    found.append(next)
    last = next
  }
  let start = try #require(Instant(iso8601: starts[place]))
  var walked: [Instant] = []
  var shown: Set<CivilTime> = []
  // Two days of minutes before, so that what is shown for the second time is known.
  for step in -2880..<(10 * 1440) {
    let time = start + .minutes(step)
    let local = CivilTime(time + .minutes(zone.offset(at: time)))
    guard shown.insert(local).inserted, step > 0 else { continue }
    let isDay = byDate ? date.values.contains(local.day) : weekday.values.contains(local.weekday + 1)
    if isDay, minute.values.contains(local.minute), hour.values.contains(local.hour), month.values.contains(local.month) {
      walked.append(time)
      if walked.count == 40 { break }
    }
  }
  let end = start + .days(10)
  #expect(found.filter { $0 < end } == walked, "\(text) in \(zone.name)")
}
