import Base
import Store

extension ScheduleGroup {
  var row: [UInt8] {
    var w = RowWriter()
    w.instant(createdAt)
    w.instant(modifiedAt)
    w.bool(isDeleting)
    w.map(tags)
    w.optional(token)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    createdAt = try r.instant()
    modifiedAt = try r.instant()
    isDeleting = try r.bool()
    tags = try r.map()
    token = try r.optionalString()
  }
}

extension Schedule {
  var row: [UInt8] {
    var w = RowWriter(capacity: 512)
    w.instant(createdAt)
    w.instant(modifiedAt)
    w.string(timing.expression)
    w.string(timing.zone)
    w.optional(timing.start)
    w.optional(timing.end)
    w.optional(timing.windowMinutes)
    w.instant(timing.anchor)
    w.bool(isEnabled)
    w.bool(deletesItself)
    w.optional(description)
    w.optional(token)
    target.write(to: &w)
    return w.bytes
  }
  init(row: [UInt8], _ name: ScheduleName) throws {
    var r = try RowReader(row)
    self.name = name
    createdAt = try r.instant()
    modifiedAt = try r.instant()
    timing = Timing(
      expression: try r.string(), zone: try r.string(), start: try r.optionalInstant(), end: try r.optionalInstant(),
      windowMinutes: try r.optionalInt(), anchor: try r.instant())
    isEnabled = try r.bool()
    deletesItself = try r.bool()
    description = try r.optionalString()
    token = try r.optionalString()
    target = try ScheduleTarget(from: &r)
  }
}

extension ScheduleTarget {
  func write(to w: inout RowWriter) {
    w.string(arn)
    w.string(role)
    w.optional(input)
    w.optional(deadLetterQueue)
    w.int(retryAttempts)
    w.int(eventAgeSeconds)
    w.optional(eventDetailType)
    w.optional(eventSource)
    w.optional(partitionKey)
    w.optional(messageGroup)
  }
  init(from r: inout RowReader) throws {
    arn = try r.string()
    role = try r.string()
    input = try r.optionalString()
    deadLetterQueue = try r.optionalString()
    retryAttempts = try r.int()
    eventAgeSeconds = try r.int()
    eventDetailType = try r.optionalString()
    eventSource = try r.optionalString()
    partitionKey = try r.optionalString()
    messageGroup = try r.optionalString()
  }
}

/// What a delivery must know besides its input.
struct InvocationDetails: Sendable, Equatable {
  var schedule: ScheduleName
  var scheduledAt: Instant
  /// Without its input, which is the content of the delivery.
  var target: ScheduleTarget

  var row: [UInt8] {
    var w = RowWriter(capacity: 256)
    w.string(Keys.dueID(schedule))
    w.instant(scheduledAt)
    target.write(to: &w)
    return w.bytes
  }
  init(_ schedule: Schedule, at time: Instant) {
    (self.schedule, scheduledAt, target) = (schedule.name, time, schedule.target)
    target.input = nil
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    schedule = try Keys.name(dueID: try r.string())
    scheduledAt = try r.instant()
    target = try ScheduleTarget(from: &r)
  }
}

extension Reader {
  func scheduleGroup(_ name: GroupName) throws -> ScheduleGroup? { try get(Keys.group(name)).map(ScheduleGroup.init(row:)) }
  func schedule(_ name: ScheduleName) throws -> Schedule? { try get(Keys.schedule(name)).map { try Schedule(row: $0, name) } }
}

extension Transaction {
  func put(_ group: ScheduleGroup, _ name: GroupName) throws { try set(Keys.group(name), group.row) }

  /// Keeps the schedule, and when it is due: not at all for nil.
  func put(_ schedule: Schedule, due: Instant?, random: any RandomSource) throws {
    try set(Keys.schedule(schedule.name), schedule.row)
    let id = Keys.dueID(schedule.name)
    try Keys.due.complete(id, self)
    if let due { try Keys.due.add(item: Self.item(due), id: id, due: schedule.timing.moment(of: due, random), self) }
  }

  func remove(_ name: ScheduleName) throws {
    try delete(Keys.schedule(name))
    try Keys.due.complete(Keys.dueID(name), self)
  }

  /// The time for which a schedule is due, which the moment in its window is not.
  static func item(_ time: Instant) -> [UInt8] {
    var w = RowWriter(capacity: 12)
    w.instant(time)
    return w.bytes
  }
}
