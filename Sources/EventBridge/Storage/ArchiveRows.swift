import Base
import Store

extension Archive {
  var row: [UInt8] {
    var row = RowWriter()
    row.home(name.account, name.region)
    row.string(name.name)
    row.int(id)
    row.string(bus.name)
    row.optional(description)
    row.optional(pattern)
    row.int(retentionDays)
    row.instant(created)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let (account, region) = try row.home()
    self.init(
      name: ResourceName(.archive, try row.string(), account, region), id: try row.int64(),
      bus: BusName(account: account, region: region, name: try row.string()), description: try row.optionalString(),
      pattern: try row.optionalString(), retentionDays: try row.int(), created: try row.instant())
  }
}

extension Tally {
  var row: [UInt8] {
    var row = RowWriter(capacity: 24)
    row.int(events)
    row.int(bytes)
    row.int(last)
    return row.bytes
  }
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(events: try row.int(), bytes: try row.int(), last: try row.int64())
  }
}

extension Replay {
  var row: [UInt8] {
    var row = RowWriter()
    row.home(name.account, name.region)
    row.string(name.name)
    row.string(archive.name)
    row.string(bus.name)
    row.optional(description)
    row.strings(filter)
    row.instant(from)
    row.instant(to)
    row.string(state.rawValue)
    row.optional(reason)
    row.instant(started)
    row.optional(ended)
    row.optional(lastReplayed)
    row.blob(position)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let (account, region) = try row.home()
    self.init(
      name: ResourceName(.replay, try row.string(), account, region),
      archive: ResourceName(.archive, try row.string(), account, region),
      bus: BusName(account: account, region: region, name: try row.string()), description: try row.optionalString(),
      filter: try row.strings(), from: try row.instant(), to: try row.instant(), state: State(rawValue: try row.string()) ?? .failed,
      reason: try row.optionalString(), started: try row.instant(), ended: try row.optionalInstant(),
      lastReplayed: try row.optionalInstant(), position: try row.blob())
  }
}

extension Reader {
  func archive(_ name: ResourceName) throws -> Archive? { try Keys.archives.get(Keys.id(name), self) }
  /// Throws `ResourceNotFoundException`.
  func existingArchive(_ name: ResourceName) throws -> Archive {
    guard let archive = try archive(name) else { throw EventBridgeError.noArchive(name.name) }
    return archive
  }
  func tally(_ archive: Int64) throws -> Tally { try get(Keys.tally(archive)).map(Tally.init(row:)) ?? Tally() }
  func replay(_ name: ResourceName) throws -> Replay? { try Keys.replays.get(Keys.id(name), self) }
  /// Throws `ResourceNotFoundException`.
  func existingReplay(_ name: ResourceName) throws -> Replay {
    guard let replay = try replay(name) else { throw EventBridgeError.noReplay(name.name) }
    return replay
  }
}

extension Transaction {
  /// Keeps an event in an archive.
  func keep(_ event: Event, in archive: Int64) throws {
    var tally = try tally(archive)
    (tally.events, tally.bytes, tally.last) = (tally.events + 1, tally.bytes + event.bytes.count, tally.last + 1)
    try set(Keys.tally(archive), tally.row)
    var row = RowWriter(capacity: event.bytes.count + 16)
    row.instant(event.ingested)
    row.blob(event.bytes)
    try set(Keys.kept(archive, event.time, tally.last), row.bytes)
  }

  func save(_ replay: Replay) throws {
    try Keys.replays.put(Keys.id(replay.name), replay, self)
    if replay.state.isActive { try set(Keys.active(replay.name), []) } else { try delete(Keys.active(replay.name)) }
  }
}

extension Event {
  /// An event as an archive keeps it.
  init(kept bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let ingested = try row.instant()
    try self.init(try row.blob(), ingested: ingested)
  }
  /// How many bytes a kept event counts.
  static func keptBytes(_ bytes: [UInt8]) throws -> Int {
    var row = try RowReader(bytes)
    _ = try row.instant()
    return try row.blob().count
  }
}
