/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Milliseconds are the finest unit that an AWS API shows, so a value survives every encoding unchanged.
///
/// Arithmetic never traps: what lies outside the range of Int64 becomes its nearest end, since amounts come from clients.
public struct Instant: Hashable, Comparable, Sendable {
  public var milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }
  public init(seconds: Int64) { self.milliseconds = saturatingProduct(seconds, 1000) }

  public static let epoch = Instant(milliseconds: 0)
  public static let distantFuture = Instant(milliseconds: 253_402_300_799_000)  // 9999-12-31T23:59:59Z

  public static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }
  public static func + (a: Instant, b: Duration) -> Instant {
    Instant(milliseconds: saturatingSum(a.milliseconds, b.inMilliseconds))
  }
  public static func - (a: Instant, b: Duration) -> Instant {
    let ms = b.inMilliseconds
    return Instant(milliseconds: saturatingSum(a.milliseconds, ms == .min ? .max : -ms))
  }
  public static func - (a: Instant, b: Instant) -> Duration { .milliseconds(a.milliseconds) - .milliseconds(b.milliseconds) }

  /// Whole seconds, rounded down.
  public var seconds: Int64 { milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0) }
}

extension Duration {
  public static func minutes(_ n: Int) -> Duration { .seconds(saturatingProduct(Int64(n), 60)) }
  public static func hours(_ n: Int) -> Duration { .seconds(saturatingProduct(Int64(n), 3600)) }
  public static func days(_ n: Int) -> Duration { .seconds(saturatingProduct(Int64(n), 86_400)) }

  /// Whole milliseconds, rounded towards zero; the nearest end of Int64 when there are too many.
  public var inMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return saturatingSum(saturatingProduct(seconds, 1000), attoseconds / 1_000_000_000_000_000)
  }
  /// Whole microseconds, with the same rounding and ends.
  public var inMicroseconds: Int64 {
    let (seconds, attoseconds) = components
    return saturatingSum(saturatingProduct(seconds, 1_000_000), attoseconds / 1_000_000_000_000)
  }
}

private func saturatingSum(_ a: Int64, _ b: Int64) -> Int64 {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? (b < 0 ? .min : .max) : sum
}

/// - Parameter factor: positive.
private func saturatingProduct(_ a: Int64, _ factor: Int64) -> Int64 {
  let (product, overflow) = a.multipliedReportingOverflow(by: factor)
  return overflow ? (a < 0 ? .min : .max) : product
}

/// A proleptic Gregorian date and time of day in UTC.
public struct CivilTime: Hashable, Sendable {
  public var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int

  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, millisecond: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second, self.millisecond) = (hour, minute, second, millisecond)
  }

  public init(_ instant: Instant) {
    var days = instant.milliseconds / 86_400_000
    var rest = instant.milliseconds % 86_400_000
    if rest < 0 { rest += 86_400_000; days -= 1 }
    (hour, minute) = (Int(rest / 3_600_000), Int(rest / 60_000 % 60))
    (second, millisecond) = (Int(rest / 1000 % 60), Int(rest % 1000))
    // Days to civil date over 400-year eras that start on 1 March.
    let z = Int(days) + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  public var instant: Instant {
    let ofDay = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond
    return Instant(milliseconds: Int64(clamping: Int128(days) * 86_400_000 + Int128(ofDay)))
  }

  /// Days since 1970-01-01.
  private var days: Int {
    let year = min(max(year, -300_000_000), 300_000_000)
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// 0 is Sunday.
  public var weekday: Int { ((days % 7) + 11) % 7 }
}
