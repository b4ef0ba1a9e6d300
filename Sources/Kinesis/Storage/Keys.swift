import Base
import Fabric
import Store

// The keys of Kinesis. Every key begins with "kinesis" and a letter.
//
//   stream    "s" account region name      → Stream          streams are found and listed by name
//   shards    "m" id                       → ShardMap        all shards of a stream
//   log       "l" id shard, …              → Log             the records of a shard (Store/Blocks/Log.swift)
//   consumer  "c" id name                  → Consumer
//   pending   "w" account region name      → -               streams with something under way, for `StateWorker`
//   settings  "a" account region           → Commitment      of the account

enum Keys {
  private static let root = Key("kinesis")
  private static let streams = root.appending("s")

  static func stream(_ name: StreamName) -> Key { streams.appending(name.account, name.region, name.name) }
  static let inventory = [InventoryItem("kinesis streams", below: streams)]
  static func streams(_ account: AccountID, _ region: Region, after last: String? = nil) -> KeyRange {
    let home = streams.appending(account, region)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func streams(of account: AccountID) -> KeyRange { KeyRange(prefix: streams.appending(account)) }
  static func streams(after name: StreamName?) -> KeyRange { KeyRange(name.map { stream($0).end } ?? streams, streams.end) }
  static func streamName(_ key: Key) throws -> StreamName { try name(key, after: streams) }

  static func shards(_ id: Int64) -> Key { root.appending("m", id) }
  static func log(_ id: Int64, _ shard: ShardID) -> Key { root.appending("l", id, shard.index) }
  static func logs(_ id: Int64) -> KeyRange { KeyRange(prefix: root.appending("l", id)) }

  static func consumers(_ id: Int64, after last: String? = nil) -> KeyRange {
    let home = root.appending("c", id)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func consumer(_ id: Int64, _ name: String) -> Key { root.appending("c", id, name) }
  static func consumerName(_ key: Key, _ id: Int64) throws -> String {
    var reader = KeyReader(key, after: root.appending("c", id))
    return try reader.string()
  }

  private static let pending = root.appending("w")
  static func pending(_ name: StreamName) -> Key { pending.appending(name.account, name.region, name.name) }
  static let allPending = KeyRange(prefix: pending)
  static func pendingName(_ key: Key) throws -> StreamName { try name(key, after: pending) }

  private static let settings = root.appending("a")
  static func settings(_ account: AccountID, _ region: Region) -> Key { settings.appending(account, region) }
  static func settings(of account: AccountID) -> KeyRange { KeyRange(prefix: settings.appending(account)) }

  private static func name(_ key: Key, after prefix: Key) throws -> StreamName {
    var reader = KeyReader(key, after: prefix)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("stream key")
    }
    return StreamName(account, region, try reader.string())
  }
}
