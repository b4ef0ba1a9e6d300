import Base

/// The zones of the table, by name.
struct ZoneDirectory: Sendable {
  static let shared = ZoneDirectory(zoneTable)

  private let zones: [String: Zone]

  subscript(name: String) -> Zone? { zones[name] }
  var names: [String] { zones.keys.sorted() }

  /// The table is our own; a line that is not understood would be a mistake of the generator, which the tests would see.
  init(_ table: String) {
    var zones: [String: Zone] = [:]
    for line in table.split(separator: "\n") {
      let halves = line.split(separator: "|")
      guard halves.count == 2, let (rule, changes, before) = Self.rule(halves[0]) else { continue }
      for name in halves[1].split(separator: " ") {
        zones[String(name)] = Zone(name: String(name), rule: rule, changes: changes, before: before)
      }
    }
    self.zones = zones
  }

  private static func rule(_ text: Substring) -> (ZoneRule, [ZoneChange], before: Int)? {
    let parts = text.split(separator: ";")
    let fields = parts[0].split(separator: " ")
    guard let standard = Int(fields[0]) else { return nil }
    var rule = ZoneRule(standard: standard, summer: nil)
    if fields.count == 6 {
      guard let offset = Int(fields[1]), let begin = moment(fields[2], fields[3]), let end = moment(fields[4], fields[5]) else {
        return nil
      }
      rule.summer = .init(offset: offset, begin: begin, end: end)
    }
    guard parts.count == 3, let before = Int(parts[1]) else { return (rule, [], 0) }
    let changes = parts[2].split(separator: ",").compactMap { change -> ZoneChange? in
      let pair = change.split(separator: ":")
      guard pair.count == 2, let time = Int64(pair[0]), let offset = Int(pair[1]) else { return nil }
      return ZoneChange(time: Instant(seconds: time), offset: offset)
    }
    return (rule, changes, before)
  }

  private static func moment(_ day: Substring, _ minutes: Substring) -> YearlyMoment? {
    let parts = day.split(separator: ".").compactMap { Int($0) }
    guard parts.count == 3, let minutes = Int(minutes) else { return nil }
    return YearlyMoment(month: parts[0], week: parts[1], weekday: parts[2], minutes: minutes)
  }
}
