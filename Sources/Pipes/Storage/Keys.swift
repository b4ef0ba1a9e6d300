import Base
import Fabric
import Store

// The keys of Pipes.
//
//   pipe    "pipes" "p" account region name         → Pipe
//   shard   "pipes" "s" account region name shard   → ShardPlace     how far a shard of its stream is done
//   stream  "pipes" "i" account region name         → id             of the stream whose shards these are
enum Keys {
  private static let pipes = Key("pipes", "p")
  static let all = KeyRange(prefix: pipes)
  static func pipe(_ name: PipeName) -> Key { pipes(name.account, name.region).appending(name.name) }
  static func pipes(_ account: AccountID, _ region: Region) -> Key { pipes.appending(account, region) }
  static func pipes(of account: AccountID) -> KeyRange { KeyRange(prefix: pipes.appending(account)) }
  private static let shards = Key("pipes", "s")
  static func shards(of account: AccountID) -> KeyRange { KeyRange(prefix: shards.appending(account)) }
  static func shards(_ pipe: PipeName) -> Key { shards.appending(pipe.account, pipe.region, pipe.name) }
  static func shard(_ pipe: PipeName, _ shard: String) -> Key { shards(pipe).appending(shard) }

  private static let streams = Key("pipes", "i")
  static func streams(of account: AccountID) -> KeyRange { KeyRange(prefix: streams.appending(account)) }
  static func stream(_ pipe: PipeName) -> Key { streams.appending(pipe.account, pipe.region, pipe.name) }

  static func name(_ key: Key) throws -> PipeName {
    var parts = KeyReader(key, after: pipes)
    guard let account = AccountID(try parts.string()), let region = Region(try parts.string()) else {
      throw StoreError.corrupt("key of a pipe")
    }
    return PipeName(account: account, region: region, name: try parts.string())
  }
  static let inventory = [InventoryItem("pipes", below: pipes)]
}
