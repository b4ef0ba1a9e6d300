import Base
import Fabric
import Store

// The keys of EventBridge. Every key begins with "events". Tables put "r" behind their prefix.
//
//   bus          "bus" account region name                → Bus          the default bus has a row once something is set on it
//   rule         "rule" account region bus name           → Rule         with its targets
//   revision     "revision" account region bus            → random       another one after each change of the bus or its rules
//   schedules    "schedule" …                             → DelayQueue   rules by the time at which they fire next; the id is the ARN
//   archive      "archive" account region name            → Archive
//   tally        "tally" archive                          → Tally        how many events an archive keeps, and their bytes
//   kept         "kept" archive time sequence             → Kept         the events of an archive by when they happened
//   garbage      "garbage" archive                        → -            archives whose events a worker removes
//   replay       "replay" account region name             → Replay
//   active       "active" account region name             → -            replays that have something to do
//   connection   "connection" account region name         → Connection
//   destination  "destination" account region name        → APIDestination
//   server key   "key"                                    → 32 bytes     with which the secrets of connections are sealed
//
// An archive is known by a random number, so that another one of its name does not find its events.
enum Keys {
  private static let root = Key("events")

  static let buses = Table<Bus>(root.appending("bus"), encode: { $0.row }, decode: Bus.init(row:))
  static let rules = Table<Rule>(root.appending("rule"), encode: { $0.row }, decode: Rule.init(row:))
  static let archives = Table<Archive>(root.appending("archive"), encode: { $0.row }, decode: Archive.init(row:))
  static let replays = Table<Replay>(root.appending("replay"), encode: { $0.row }, decode: Replay.init(row:))
  static let connections = Table<Connection>(root.appending("connection"), encode: { $0.row }, decode: Connection.init(row:))
  static let destinations = Table<Destination>(root.appending("destination"), encode: { $0.row }, decode: Destination.init(row:))
  static let schedules = DelayQueue(root.appending("schedule"))
  static let serverKey = root.appending("key")

  static let inventory = [
    InventoryItem("event buses", below: buses.prefix.appending("r")), InventoryItem("event rules", below: rules.prefix.appending("r")),
    InventoryItem("event archives", below: archives.prefix.appending("r")),
    InventoryItem("API destinations", below: destinations.prefix.appending("r")),
  ]

  static func home(_ account: AccountID, _ region: Region) -> Key { Key(account, region) }
  static func id(_ bus: BusName) -> Key { Key(bus.account, bus.region, bus.name) }
  static func id(_ rule: RuleName) -> Key { id(rule.bus).appending(rule.name) }
  static func id(_ resource: ResourceName) -> Key { Key(resource.account, resource.region, resource.name) }
  /// The names in a place that begin with a text.
  static func prefix(_ home: Key, _ text: String?) -> Key {
    guard let text, !text.isEmpty else { return home }
    var open = home.appending(text)
    open.bytes.removeLast()  // the end mark of the string, so that longer names match
    return open
  }

  private static let revisions = root.appending("revision")
  static func revision(_ bus: BusName) -> Key { revisions.appending(id(bus)) }
  static func revisions(of account: AccountID) -> KeyRange { KeyRange(prefix: revisions.appending(account)) }

  static func tally(_ archive: Int64) -> Key { root.appending("tally", archive) }
  static func kept(_ archive: Int64) -> Key { root.appending("kept", archive) }
  static func kept(_ archive: Int64, _ time: Instant, _ sequence: Int64) -> Key { kept(archive).appending(time, sequence) }
  /// The events from a time on, before another.
  static func kept(_ archive: Int64, from: Instant?, before: Instant?) -> KeyRange {
    let home = kept(archive)
    return KeyRange(from.map { home.appending($0) } ?? home, before.map { home.appending($0) } ?? home.end)
  }
  static func keptTime(_ key: Key, _ archive: Int64) throws -> Instant {
    var reader = KeyReader(key, after: kept(archive))
    return try reader.instant()
  }

  private static let garbage = root.appending("garbage")
  static let allGarbage = KeyRange(prefix: garbage)
  static func garbage(_ archive: Int64) -> Key { garbage.appending(archive) }
  static func garbageArchive(_ key: Key) throws -> Int64 {
    var reader = KeyReader(key, after: garbage)
    return try reader.int()
  }

  private static let active = root.appending("active")
  static let allActive = KeyRange(prefix: active)
  static func active(_ replay: ResourceName) -> Key { active.appending(id(replay)) }
  static func active(in account: AccountID, _ region: Region) -> KeyRange { KeyRange(prefix: active.appending(account, region)) }
  static func active(of account: AccountID) -> KeyRange { KeyRange(prefix: active.appending(account)) }
  static func activeReplay(_ key: Key) throws -> ResourceName {
    var reader = KeyReader(key, after: active)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("replay key")
    }
    return ResourceName(.replay, try reader.string(), account, region)
  }
}
