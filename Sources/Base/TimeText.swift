/// The textual forms of time that AWS protocols use.
extension Instant {
  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// `2026-11-21T04:22:00Z`, with `.123` only when there are milliseconds.
  public var iso8601: String {
    let t = CivilTime(self)
    let fraction = t.millisecond == 0 ? "" : "." + padded(t.millisecond, 3)
    return "\(dateText(t))T\(timeText(t))\(fraction)Z"
  }

  /// `2026-11-21T04:22:00.000Z`, always with milliseconds.
  public var iso8601Milliseconds: String {
    let t = CivilTime(self)
    return "\(dateText(t))T\(timeText(t)).\(padded(t.millisecond, 3))Z"
  }

  /// `2026-11-21T04:22:00.000+0000`, the form of Lambda's `LastModified`.
  public var lambdaTimestamp: String {
    let t = CivilTime(self)
    return "\(dateText(t))T\(timeText(t)).\(padded(t.millisecond, 3))+0000"
  }

  /// `Sat, 21 Nov 2026 04:22:00 GMT` (RFC 1123).
  public var httpDate: String {
    let t = CivilTime(self)
    return "\(Self.weekdays[t.weekday]), \(padded(t.day, 2)) \(Self.months[t.month - 1]) \(padded(t.year, 4)) \(timeText(t)) GMT"
  }

  /// `20261121T042200Z`, the form of `X-Amz-Date`.
  public var basicISO8601: String {
    let t = CivilTime(self)
    return "\(padded(t.year, 4))\(padded(t.month, 2))\(padded(t.day, 2))T\(padded(t.hour, 2))\(padded(t.minute, 2))\(padded(t.second, 2))Z"
  }

  private func dateText(_ t: CivilTime) -> String { "\(padded(t.year, 4))-\(padded(t.month, 2))-\(padded(t.day, 2))" }
  private func timeText(_ t: CivilTime) -> String { "\(padded(t.hour, 2)):\(padded(t.minute, 2)):\(padded(t.second, 2))" }

  /// Reads `20261121T042200Z`.
  public init?(basicISO8601 text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count == 16, b[8] == UInt8(ascii: "T"), b[15] == UInt8(ascii: "Z"),
      let year = digits(b[0..<4]), let month = digits(b[4..<6]), let day = digits(b[6..<8]),
      let hour = digits(b[9..<11]), let minute = digits(b[11..<13]), let second = digits(b[13..<15]),
      let t = CivilTime(checkedYear: year, month, day, hour, minute, second, 0)
    else { return nil }
    self = t.instant
  }

  /// Reads RFC 3339 / ISO 8601 with `Z` or a numeric offset; fractions beyond milliseconds are cut off.
  public init?(iso8601 text: some StringProtocol) {
    let b = Array(text.utf8)
    guard b.count >= 10, b[4] == UInt8(ascii: "-"), b[7] == UInt8(ascii: "-"),
      let year = digits(b[0..<4]), let month = digits(b[5..<7]), let day = digits(b[8..<10])
    else { return nil }
    if b.count == 10 {
      guard let t = CivilTime(checkedYear: year, month, day, 0, 0, 0, 0) else { return nil }
      self = t.instant
      return
    }
    guard b.count >= 19, b[10] == UInt8(ascii: "T") || b[10] == UInt8(ascii: " ") || b[10] == UInt8(ascii: "t"),
      b[13] == UInt8(ascii: ":"), b[16] == UInt8(ascii: ":"),
      let hour = digits(b[11..<13]), let minute = digits(b[14..<16]), let second = digits(b[17..<19])
    else { return nil }
    var at = 19
    var millisecond = 0
    if at < b.count, b[at] == UInt8(ascii: ".") {
      at += 1
      var place = 100
      let start = at
      while at < b.count, b[at] >= 48, b[at] <= 57 { millisecond += Int(b[at] - 48) * place; place /= 10; at += 1 }
      guard at > start else { return nil }
    }
    guard let t = CivilTime(checkedYear: year, month, day, hour, minute, second, millisecond) else { return nil }
    var instant = t.instant
    if at == b.count {  // no zone: AWS reads it as UTC
    } else if b[at] == UInt8(ascii: "Z") || b[at] == UInt8(ascii: "z") {
      guard at + 1 == b.count else { return nil }
    } else if b[at] == UInt8(ascii: "+") || b[at] == UInt8(ascii: "-") {
      var zone = Array(b[(at + 1)...])
      if zone.count == 5, zone[2] == UInt8(ascii: ":") { zone.remove(at: 2) }
      guard zone.count == 4, let h = digits(zone[0..<2]), let m = digits(zone[2..<4]), h < 24, m < 60 else { return nil }
      let offset = Duration.minutes(h * 60 + m)
      instant = b[at] == UInt8(ascii: "+") ? instant - offset : instant + offset
    } else {
      return nil
    }
    self = instant
  }

  /// Reads `Sat, 21 Nov 2026 04:22:00 GMT`, also with a fraction of the second, which some clients write. The name of the
  /// weekday is not looked at.
  public init?(httpDate text: some StringProtocol) {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT" || parts[5] == "UTC",
      parts[1].utf8.count <= 2, let day = digits(parts[1].utf8),
      let month = Self.months.firstIndex(of: String(parts[2])), parts[3].utf8.count == 4, let year = digits(parts[3].utf8)
    else { return nil }
    let clock = parts[4].utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard clock.count == 3, clock[0].count == 2, clock[1].count == 2, let hour = digits(clock[0]), let minute = digits(clock[1])
    else { return nil }
    let fraction = clock[2].dropFirst(2)
    guard clock[2].count >= 2, fraction.isEmpty || (fraction.first == UInt8(ascii: ".") && fraction.count > 1),
      let second = digits(clock[2].prefix(2)), digits(fraction.dropFirst().prefix(18)) != nil, fraction.count <= 19,
      let millisecond = digits((Array(fraction.dropFirst()) + [48, 48, 48]).prefix(3)),
      let t = CivilTime(checkedYear: year, month + 1, day, hour, minute, second, millisecond)
    else { return nil }
    self = t.instant
  }
}

extension CivilTime {
  /// Nil for a date that the calendar does not have, or a year of more than four digits.
  public init?(checkedYear year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, _ millisecond: Int) {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (0...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day),
      (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second)
    else { return nil }
    self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second, millisecond: millisecond)
  }
}

/// Decimal text of at least `width` digits, filled with zeroes after the sign.
public func padded(_ n: Int, _ width: Int) -> String {
  let digits = String(n.magnitude)
  let zeroes = String(repeating: "0", count: max(0, width - digits.utf8.count))
  return (n < 0 ? "-" : "") + zeroes + digits
}

/// - Parameter bytes: at most 18.
private func digits(_ bytes: some Collection<UInt8>) -> Int? {
  var n = 0
  for b in bytes {
    guard b >= 48, b <= 57 else { return nil }
    n = n * 10 + Int(b - 48)
  }
  return n
}
