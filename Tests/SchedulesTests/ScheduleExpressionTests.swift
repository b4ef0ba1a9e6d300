import Base
import Testing

@testable import Schedules

private func instant(_ text: String) throws -> Instant { try #require(Instant(iso8601: text)) }

/// Expression, zone, after, the times that follow: the examples of AWS's user guides and of the documentation of cron.
private let cases: [(String, String, String, [String])] = [
  ("cron(0 10 * * ? *)", "UTC", "2026-11-21T10:00:00Z", ["2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z"]),
  ("cron(15 12 * * ? *)", "UTC", "2026-11-21T12:14:59.999Z", ["2026-11-21T12:15:00Z"]),
  ("cron(0 18 ? * MON-FRI *)", "UTC", "2026-11-20T18:00:00Z", ["2026-11-23T18:00:00Z"]),
  ("cron(0 8 1 * ? *)", "UTC", "2026-11-21T00:00:00Z", ["2026-12-01T08:00:00Z", "2027-01-01T08:00:00Z"]),
  ("cron(0/15 * * * ? *)", "UTC", "2026-11-21T23:50:00Z", ["2026-11-22T00:00:00Z", "2026-11-22T00:15:00Z"]),
  ("cron(1/10 * * * ? *)", "UTC", "2026-11-21T23:50:00Z", ["2026-11-21T23:51:00Z", "2026-11-22T00:01:00Z"]),
  ("cron(0/5 8-17 ? * MON-FRI *)", "UTC", "2026-11-20T17:55:00Z", ["2026-11-23T08:00:00Z"]),
  ("cron(0/30 20-2 ? * MON-FRI *)", "UTC", "2026-11-20T01:59:00Z", ["2026-11-20T02:00:00Z", "2026-11-20T02:30:00Z", "2026-11-20T20:00:00Z"]),
  ("cron(15 10 ? * 6L 2026-2027)", "UTC", "2026-11-21T00:00:00Z", ["2026-11-27T10:15:00Z", "2026-12-25T10:15:00Z"]),
  ("cron(0 9 ? * 3#2 *)", "UTC", "2026-11-21T00:00:00Z", ["2026-12-08T09:00:00Z", "2027-01-12T09:00:00Z"]),
  ("cron(0 9 ? * FRI#5 *)", "UTC", "2026-11-21T00:00:00Z", ["2027-01-29T09:00:00Z"]),
  ("cron(0 9 L * ? *)", "UTC", "2028-01-31T09:00:00Z", ["2028-02-29T09:00:00Z", "2028-03-31T09:00:00Z"]),
  ("cron(0 9 LW * ? *)", "UTC", "2026-11-01T00:00:00Z", ["2026-11-30T09:00:00Z", "2026-12-31T09:00:00Z", "2027-01-29T09:00:00Z"]),
  ("cron(0 9 15W * ? *)", "UTC", "2026-11-01T00:00:00Z", ["2026-11-16T09:00:00Z", "2026-12-15T09:00:00Z", "2027-01-15T09:00:00Z"]),
  ("cron(0 9 1W * ? *)", "UTC", "2026-07-31T09:00:00Z", ["2026-08-03T09:00:00Z"]),
  ("cron(0 9 31W * ? *)", "UTC", "2026-05-01T00:00:00Z", ["2026-05-29T09:00:00Z", "2026-07-31T09:00:00Z"]),
  ("cron(0 0 ? * L *)", "UTC", "2026-11-21T00:00:00Z", ["2026-11-28T00:00:00Z"]),
  ("cron(0 0 29 2 ? *)", "UTC", "2026-11-21T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
  ("cron(0 12 1 jan,Jul ? 2027/2)", "UTC", "2026-11-21T00:00:00Z", ["2027-01-01T12:00:00Z", "2027-07-01T12:00:00Z", "2029-01-01T12:00:00Z"]),
  ("cron(0 9 ? * FRI-MON *)", "UTC", "2026-11-21T00:00:00Z", ["2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z", "2026-11-23T09:00:00Z", "2026-11-27T09:00:00Z"]),
  ("cron(59 23 31 12 ? 2199)", "UTC", "2026-11-21T00:00:00Z", ["2199-12-31T23:59:00Z"]),
  // Local times, and what clocks skip and repeat
  ("cron(30 9 * * ? *)", "Asia/Kolkata", "2026-11-21T04:00:00Z", ["2026-11-22T04:00:00Z"]),
  ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T01:30:00Z", ["2026-03-30T00:30:00Z"]),
  ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T01:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
  ("cron(0/30 * * * ? *)", "America/New_York", "2026-11-01T05:00:00Z", ["2026-11-01T05:30:00Z", "2026-11-01T07:00:00Z"]),
  ("cron(0/30 * * * ? *)", "America/New_York", "2026-11-01T06:10:00Z", ["2026-11-01T07:00:00Z"]),
  ("cron(0/30 * * * ? *)", "America/New_York", "2026-03-08T06:30:00Z", ["2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"]),
  ("at(2026-11-22T09:00:00)", "America/New_York", "2026-11-21T00:00:00Z", ["2026-11-22T14:00:00Z"]),
  ("at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-10-20T00:00:00Z", ["2026-10-25T00:30:00Z"]),
  ("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-20T00:00:00Z", ["2026-03-29T01:30:00Z"]),
]

@Test(arguments: cases)
func `an expression names its next times`(text: String, zone: String, after: String, times: [String]) throws {
  let expression = try ScheduleExpression(text, dialect: .scheduler)
  let zone = try #require(Zone(zone))
  var last = try instant(after)
  for time in times {
    last = try #require(expression.next(after: last, anchor: .epoch, in: zone))
    #expect(last.iso8601 == time)
  }
}

@Test(arguments: [
  ("cron(0 0 30 2 ? *)", "2026-11-21T00:00:00Z"), ("cron(0 0 * * ? 2025)", "2026-11-21T00:00:00Z"),
  ("cron(59 23 31 12 ? 2199)", "2199-12-31T23:59:00Z"), ("at(2026-11-21T00:00:00)", "2026-11-21T00:00:00Z"),
])
func `an expression whose time has gone or never comes has no next one`(text: String, after: String) throws {
  #expect(try ScheduleExpression(text, dialect: .scheduler).next(after: try instant(after), anchor: .epoch) == nil)
}

@Test(arguments: [
  ("rate(5 minutes)", "2026-11-21T00:00:00Z", ["2026-11-21T00:05:00Z", "2026-11-21T00:10:00Z"]),
  ("rate(1 hour)", "2026-11-21T23:30:00Z", ["2026-11-22T00:00:00Z"]),
  ("rate(2 days)", "2026-11-24T00:00:00Z", ["2026-11-25T00:00:00Z"]),
  ("rate(1 day)", "2026-11-20T00:00:00Z", ["2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"]),
])
func `a rate counts from its anchor, which is its first time`(text: String, after: String, times: [String]) throws {
  let expression = try ScheduleExpression(text, dialect: .scheduler)
  var last = try instant(after)
  for time in times {
    last = try #require(expression.next(after: last, anchor: try instant("2026-11-21T00:00:00Z"), in: Zone("Europe/Berlin") ?? .utc))
    #expect(last.iso8601 == time)
  }
}

/// Refused on AWS, by recordings of the scheduler and by the user guides.
private let invalid = [
  "", "cron()", "cron(INVALID)", "cron(0 1 * * * *)", "cron(0 1 ? * ? *)", "cron(7 20 * * NOT *)", "cron(0 dummy ? * MON-FRI *)",
  "cron(71 8 1 * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 1 13 ? *)", "cron(0 0 ? * 8 *)",
  "cron(0 0 ? * 0 *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)", "cron(0 0 * * ? 2030-2029)", "cron(0 10 * * ?)",
  "cron(0 0 10 * * ? *)", "cron(0/0 * * * ? *)", "cron(0/90 * * * ? *)", "cron(/5 * * * ? *)", "cron(1- * * * ? *)",
  "cron(1,,2 * * * ? *)", "cron(-1 * * * ? *)", "cron(0 9 ? * 3#6 *)", "cron(0 9 ? * 3#1,6#3 *)", "cron(0 9 W * ? *)",
  "cron(0 9 32W * ? *)", "cron(0 9 L,1 * ? *)", "cron( 0 10 * * ? * )", "cron(0 10 * * ? *) ", "CRON(0 10 * * ? *)",
  "rate()", "rate(10)", "rate(10 seconds)", "rate(10 years)", "rate(10 minutess)", "rate(foo minutes)", "rate(-10 minutes)",
  "rate(0 minutes)", "rate( 10 minutes )", " rate(10 minutes)", "rate(1.5 hours)", "rate(10  minutes)", "rate(9999999999 minutes)",
  "at(2021-12-31T23:59:59Z)", "at(2021-12-31)", "at(2021-13-31T23:59:59)", "at(2021-02-29T00:00:00)", "at(2021-12-31T23:59:60)",
  "at(2021-12-31 23:59:59)", "at()", "every day", ")", "(",
]

@Test(arguments: invalid)
func `what is no expression is refused in the words of the service`(text: String) {
  let scheduler = #expect(throws: ScheduleError.self) { try ScheduleExpression(text, dialect: .scheduler) }
  #expect(scheduler?.message == "Invalid Schedule Expression \(text).")
  let rule = #expect(throws: ScheduleError.self) { try ScheduleExpression(text, dialect: .rule) }
  #expect(rule?.message == "Parameter ScheduleExpression is not valid.")
}

@Test(arguments: ["at(2030-01-01T00:00:00)", "rate(1 minutes)", "rate(2 hour)", "rate(1 days)"])
func `rules know no one-time schedules and are particular about the plural`(text: String) throws {
  _ = try ScheduleExpression(text, dialect: .scheduler)
  #expect(throws: ScheduleError.self) { try ScheduleExpression(text, dialect: .rule) }
}
