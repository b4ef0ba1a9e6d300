import Base
import Testing

/// Seconds since 1970 of well-known days, from the calendars of other tools.
private let known: [(seconds: Int64, iso: String, http: String)] = [
  (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
  (-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
  (951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
  (951_868_800, "2000-03-01T00:00:00Z", "Wed, 01 Mar 2000 00:00:00 GMT"),
  (-2_203_891_200, "1900-03-01T00:00:00Z", "Thu, 01 Mar 1900 00:00:00 GMT"),
  (-2_203_977_600, "1900-02-28T00:00:00Z", "Wed, 28 Feb 1900 00:00:00 GMT"),
  (1_000_000_000, "2001-09-09T01:46:40Z", "Sun, 09 Sep 2001 01:46:40 GMT"),
  (1_709_164_800, "2024-02-29T00:00:00Z", "Thu, 29 Feb 2024 00:00:00 GMT"),
  (2_147_483_647, "2038-01-19T03:14:07Z", "Tue, 19 Jan 2038 03:14:07 GMT"),
  (4_107_542_400, "2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT"),
  (4_107_456_000, "2100-02-28T00:00:00Z", "Sun, 28 Feb 2100 00:00:00 GMT"),
  (253_402_300_799, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
  (-62_167_219_200, "0000-01-01T00:00:00Z", "Sat, 01 Jan 0000 00:00:00 GMT"),
]

@Test(arguments: known) func `a time is written and read as the calendar has it`(_ seconds: Int64, _ iso: String, _ http: String) {
  let instant = Instant(seconds: seconds)
  #expect(instant.iso8601 == iso)
  #expect(instant.httpDate == http)
  #expect(Instant(iso8601: iso) == instant)
  #expect(Instant(httpDate: http) == instant)
  let basic = instant.basicISO8601
  #expect(basic == iso.filter { $0 != "-" && $0 != ":" })
  #expect(Instant(basicISO8601: basic) == instant)
  #expect(instant.seconds == seconds)
}

@Test func `every day of a thousand years is followed by the next one`() {
  let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  var (year, month, day) = (1600, 1, 1)
  let start = CivilTime(year: year, month: month, day: day).instant
  for n in 0..<365_242 {
    let time = CivilTime(start + .days(n))
    guard (time.year, time.month, time.day) == (year, month, day), time.weekday == (6 + n) % 7 else {
      Issue.record("day \(n) is \(time), expected \(year)-\(month)-\(day)")
      return
    }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    day += 1
    if day > lengths[month - 1] + (isLeap && month == 2 ? 1 : 0) { (month, day) = (month + 1, 1) }
    if month > 12 { (year, month) = (year + 1, 1) }
  }
}

@Test(arguments: [
  ("2026-11-21T04:22:00.5Z", 500), ("2026-11-21T04:22:00.123456789Z", 123), ("2026-11-21 04:22:00.010z", 10),
  ("2026-11-21T06:52:00+02:30", 0), ("2026-11-21T06:52:00+0230", 0), ("2026-11-20T20:22:00-08:00", 0), ("2026-11-21T04:22:00", 0),
])
func `fractions and zones are understood`(_ text: String, _ millisecond: Int64) {
  #expect(Instant(iso8601: text) == Instant(milliseconds: 1_795_234_920_000 + millisecond))
}

@Test func `a date alone is its midnight`() {
  #expect(Instant(iso8601: "2026-11-21")?.iso8601 == "2026-11-21T00:00:00Z")
}

@Test func `milliseconds appear in each form as it wants them`() {
  let time = Instant(milliseconds: 1_795_234_920_007)
  #expect(time.iso8601 == "2026-11-21T04:22:00.007Z")
  #expect(time.iso8601Milliseconds == "2026-11-21T04:22:00.007Z")
  #expect(time.lambdaTimestamp == "2026-11-21T04:22:00.007+0000")
  #expect(Instant(httpDate: "Sat, 21 Nov 2026 04:22:00.0079 GMT") == time)
}

@Test(arguments: [
  "", "2026", "2026-11-2", "2026-13-01", "2026-02-29", "2026-11-31", "2026-11-21T", "2026-11-21T24:00:00Z", "2026-11-21T04:60:00Z",
  "2026-11-21T04:22:61Z", "2026-11-21T04:22:00.Z", "2026-11-21T04:22:00ZZ", "2026-11-21T04:22:00+", "2026-11-21T04:22:00+99:00",
  "2026-11-21T04:22:00+0:2:3:0", "+026-11-21T04:22:00Z", "2026/11/21T04:22:00Z", "２０２６-11-21", "2100-02-29T00:00:00Z",
])
func `what is not ISO 8601 is refused`(_ text: String) {
  #expect(Instant(iso8601: text) == nil)
}

@Test(arguments: [
  "", "GMT", "Sat, 21 Nov 2026 04:22:00", "Sat, 21 Nov 2026 04:22:00 CET", "Sat, 21 nov 2026 04:22:00 GMT",
  "Sat, 21 Nov 99999999999999999999 04:22:00 GMT", "Sat, 21 Nov 92233720368547758 04:22:00 GMT", "Sat, 21 Nov -2026 04:22:00 GMT",
  "Sat, 21 Nov 2026 22:13:inf GMT", "Sat, 21 Nov 2026 22:13:nan GMT", "Sat, 21 Nov 2026 22:13:1e300 GMT",
  "Sat, 21 Nov 2026 22:13:99999999999999999999 GMT", "Sat, 21 Nov 2026 22:13:00. GMT", "Sat, 21 Nov 2026 22:13:00.1e9 GMT",
  "Sat, 21 Nov 2026 22:13 GMT", "Sat, 21 Nov 2026 22:13:0 GMT", "Sat, 21 Nov 2026 24:00:00 GMT", "Sat, 0 Nov 2026 22:13:00 GMT",
  "Sat, 30 Feb 2026 22:13:00 GMT", "Sat, 99999999999999999999 Nov 2026 22:13:00 GMT", "Sat, 21 Nov 2026 -1:00:00 GMT",
  "Sat, 21 Nov 2026 ::: GMT", "Sat, 21 Nov 2026 22:13:00.\(String(repeating: "9", count: 400)) GMT",
])
func `what is not an HTTP date is refused`(_ text: String) {
  #expect(Instant(httpDate: text) == nil)
}

@Test(arguments: ["", "20261121T042200", "20261121T042200z", "20261121 042200Z", "2026112１T042200", "20261321T042200Z", "20261121T042261Z"])
func `what is not the basic form is refused`(_ text: String) {
  #expect(Instant(basicISO8601: text) == nil)
}

@Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
func `no instant traps, however far away`(_ milliseconds: Int64) {
  let instant = Instant(milliseconds: milliseconds)
  #expect(CivilTime(instant).instant == instant)
  #expect(!instant.iso8601.isEmpty && !instant.httpDate.isEmpty && !instant.basicISO8601.isEmpty && !instant.lambdaTimestamp.isEmpty)
  var writer = JSONWriter()
  writer.epochSeconds(instant)
  for amount in [Duration.zero, .milliseconds(Int64.max), .milliseconds(Int64.min), .days(.max), .days(.min), .seconds(Int64.max)] {
    _ = (instant + amount, instant - amount)
  }
  _ = (instant - Instant(milliseconds: .max), instant - Instant(milliseconds: .min), instant.seconds)
}

@Test func `amounts out of range end at the ends`() {
  #expect(Instant(seconds: .max) == Instant(milliseconds: .max))
  #expect(Instant(seconds: .min) == Instant(milliseconds: .min))
  #expect(Instant.distantFuture + .days(.max) == Instant(milliseconds: .max))
  #expect(Instant.epoch - .days(.max) == Instant(milliseconds: -.max))
  #expect(Duration.hours(.max).inMilliseconds == .max)
  #expect(Duration.minutes(.min).inMicroseconds == .min)
  #expect(Duration.milliseconds(-1500).inMilliseconds == -1500)
  #expect(Instant(milliseconds: -1).seconds == -1)
  #expect(Instant(milliseconds: -1000).seconds == -1)
  #expect(Instant(milliseconds: -1001).seconds == -2)
}

@Test(arguments: [(0, 2, "00"), (7, 3, "007"), (1234, 2, "1234"), (-5, 4, "-0005"), (Int.min, 2, "\(Int.min)"), (3, 0, "3"), (3, -1, "3")])
func `numbers are padded after their sign`(_ n: Int, _ width: Int, _ text: String) {
  #expect(padded(n, width) == text)
}
