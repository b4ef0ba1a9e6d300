import Base

/// The six fields of `cron(minutes hours day-of-month month day-of-week year)`.
public struct CronExpression: Sendable, Equatable {
  let minutes: CronField
  let hours: CronField
  let days: CronDays
  let months: CronField
  let years: CronField

  /// - Parameter text: what stands between the brackets. Exactly one of the two fields of days is `?`.
  init?(_ text: Substring) {
    guard text.first != " ", text.last != " " else { return nil }
    let fields = text.split(separator: " ")
    guard fields.count == 6, let minutes = CronField(fields[0], .minute), let hours = CronField(fields[1], .hour),
      let months = CronField(fields[3], .month), let years = CronField(fields[5], .year),
      let days = CronDays(ofMonth: fields[2], ofWeek: fields[4])
    else { return nil }
    (self.minutes, self.hours, self.days, self.months, self.years) = (minutes, hours, days, months, years)
  }

  /// Times that a change of clocks leaves out or brings again are passed over one by one: at most those of two days.
  private static let maximumSkips = 2 * 24 * 60

  func next(after instant: Instant, in zone: Zone) -> Instant? {
    var local = zone.local(instant)
    for _ in 0...Self.maximumSkips {
      guard let candidate = next(after: local) else { return nil }
      if let time = zone.instants(of: candidate).first, time > instant { return time }
      local = candidate
    }
    return nil
  }

  /// The next local time, after that minute.
  private func next(after time: CivilTime) -> CivilTime? {
    if hasDay(time) {
      if let minute = minutes.next(from: time.minute + 1), hours.contains(time.hour) { return at(time, time.hour, minute) }
      if let hour = hours.next(from: time.hour + 1) { return at(time, hour, firstMinute) }
    }
    guard let day = nextDay(year: time.year, month: time.month, after: time.day), let hour = hours.next(from: 0) else { return nil }
    return at(day, hour, firstMinute)
  }

  private var firstMinute: Int { minutes.next(from: 0) ?? 0 }

  private func at(_ day: CivilTime, _ hour: Int, _ minute: Int) -> CivilTime {
    CivilTime(year: day.year, month: day.month, day: day.day, hour: hour, minute: minute)
  }

  private func hasDay(_ time: CivilTime) -> Bool {
    years.contains(time.year) && months.contains(time.month)
      && days.inMonth(year: time.year, month: time.month) & (1 << UInt32(time.day)) != 0
  }

  private func nextDay(year: Int, month: Int, after day: Int) -> CivilTime? {
    var (year, month, day) = (year, month, day)
    while let found = years.next(from: year) {
      if found != year { (year, month, day) = (found, 1, 0) }
      while let found = months.next(from: month) {
        if found != month { (month, day) = (found, 0) }
        let rest = days.inMonth(year: year, month: month) >> UInt32(day + 1)
        if rest != 0 { return CivilTime(year: year, month: month, day: day + 1 + rest.trailingZeroBitCount) }
        (month, day) = (month + 1, 0)
      }
      (year, month, day) = (year + 1, 1, 0)
    }
    return nil
  }
}

/// Which days of a month are meant.
enum CronDays: Sendable, Equatable {
  case dates(CronField)
  /// `L`
  case lastDate
  /// `LW`
  case lastWorkday
  /// `15W`: the working day nearest to that day of the month, in the same month.
  case workday(near: Int)
  case weekdays(CronField)
  /// `6L`: the last Friday.
  case lastWeekday(Int)
  /// `3#2`: the second Tuesday.
  case nthWeekday(Int, Int)

  init?(ofMonth: Substring, ofWeek: Substring) {
    switch (ofMonth == "?", ofWeek == "?") {
    case (false, true): self.init(ofMonth: ofMonth)
    case (true, false): self.init(ofWeek: ofWeek)
    default: return nil
    }
  }

  private init?(ofMonth text: Substring) {
    switch text.uppercased() {
    case "L": self = .lastDate
    case "LW": self = .lastWorkday
    case let word where word.hasSuffix("W"):
      guard let day = CronField.value(text.dropLast(), .dayOfMonth) else { return nil }
      self = .workday(near: day)
    default:
      guard let dates = CronField(text, .dayOfMonth) else { return nil }
      self = .dates(dates)
    }
  }

  private init?(ofWeek text: Substring) {
    let halves = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2 {
      guard let day = CronField.value(halves[0], .dayOfWeek), let place = Int(halves[1]), (1...5).contains(place),
        halves[1].utf8.count == 1
      else { return nil }
      self = .nthWeekday(day, place)
    } else if text == "L" || text == "l" {
      // The last day of the week is Saturday.
      guard let saturday = CronField("7", .dayOfWeek) else { return nil }
      self = .weekdays(saturday)
    } else if text.uppercased().hasSuffix("L"), let day = CronField.value(text.dropLast(), .dayOfWeek) {
      self = .lastWeekday(day)
    } else {
      guard let days = CronField(text, .dayOfWeek) else { return nil }
      self = .weekdays(days)
    }
  }

  /// A bit for each day of the month: bit 1 is the first.
  func inMonth(year: Int, month: Int) -> UInt32 {
    let length = monthLength(year: year, month: month)
    // 1 is Sunday, as in the expression.
    let first = CivilTime(year: year, month: month, day: 1).weekday + 1
    func weekday(_ day: Int) -> Int { (first - 1 + day - 1) % 7 + 1 }
    func days(_ holds: (Int) -> Bool) -> UInt32 { (1...length).reduce(0) { holds($1) ? $0 | 1 << UInt32($1) : $0 } }
    switch self {
    case .dates(let dates): return days(dates.contains)
    case .lastDate: return 1 << UInt32(length)
    case .lastWorkday: return Self.workday(near: length, length, weekday(length))
    case .workday(let day): return day > length ? 0 : Self.workday(near: day, length, weekday(day))
    case .weekdays(let wanted): return days { wanted.contains(weekday($0)) }
    case .lastWeekday(let wanted): return days { weekday($0) == wanted && $0 + 7 > length }
    case .nthWeekday(let wanted, let place): return days { weekday($0) == wanted && ($0 - 1) / 7 + 1 == place }
    }
  }

  private static func workday(near day: Int, _ length: Int, _ weekday: Int) -> UInt32 {
    switch weekday {
    case 1: 1 << UInt32(day == length ? day - 2 : day + 1)
    case 7: 1 << UInt32(day == 1 ? day + 2 : day - 1)
    default: 1 << UInt32(day)
    }
  }
}
