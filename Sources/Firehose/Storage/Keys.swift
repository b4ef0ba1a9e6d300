import Base
import Fabric
import Store

// The keys of Firehose. Every key begins with "firehose" and a letter.
//
//   stream   "s" account region name     → DeliveryStream
//   log      "l" id, …                   → Log              records that wait for their delivery (Store/Blocks/Log.swift)
//   waiting  "b" id                      → Counter          their bytes
//   batch    "t" id                      → PinnedBatch      what is being delivered, as it must be tried again
//   shard    "k" id shard                → FeedPosition     how far a stream of Kinesis is taken over
//   pending  "w" account region name     → -                streams with something under way

enum Keys {
  private static let root = Key("firehose")
  static let everything = KeyRange(prefix: root)
  private static let streams = root.appending("s")

  static func stream(_ name: DeliveryStreamID) -> Key { streams.appending(name.account, name.region, name.name) }
  static let inventory = [InventoryItem("delivery streams", below: streams)]
  static func streams(_ account: AccountID, _ region: Region, after last: String? = nil) -> KeyRange {
    let home = streams.appending(account, region)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func streams(of account: AccountID) -> KeyRange { KeyRange(prefix: streams.appending(account)) }
  static func streams(after name: DeliveryStreamID?) -> KeyRange { KeyRange(name.map { stream($0).end } ?? streams, streams.end) }
  static func streamName(_ key: Key) throws -> DeliveryStreamID { try name(key, after: streams) }

  static func log(_ id: Int64) -> Key { root.appending("l", id) }
  static func waiting(_ id: Int64) -> Key { root.appending("b", id) }
  static func batch(_ id: Int64) -> Key { root.appending("t", id) }

  static func shards(_ id: Int64) -> Key { root.appending("k", id) }
  static func shard(_ id: Int64, _ shard: String) -> Key { shards(id).appending(shard) }
  static func shardName(_ key: Key, _ id: Int64) throws -> String {
    var reader = KeyReader(key, after: shards(id))
    return try reader.string()
  }

  private static let pending = root.appending("w")
  static func pending(_ name: DeliveryStreamID) -> Key { pending.appending(name.account, name.region, name.name) }
  static let allPending = KeyRange(prefix: pending)
  static func pendingName(_ key: Key) throws -> DeliveryStreamID { try name(key, after: pending) }

  private static func name(_ key: Key, after prefix: Key) throws -> DeliveryStreamID {
    var reader = KeyReader(key, after: prefix)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("delivery stream key")
    }
    return DeliveryStreamID(account, region, try reader.string())
  }
}
