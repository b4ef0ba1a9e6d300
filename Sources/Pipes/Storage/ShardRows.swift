import Base
import Store

/// Where a pipe is in a shard.
enum ShardPlace: Sendable, Equatable {
  case iterator(String)
  case after(String)
  case finished

  var row: [UInt8] {
    var w = RowWriter(capacity: 64)
    switch self {
    case .iterator(let text):
      w.int(0)
      w.string(text)
    case .after(let number):
      w.int(1)
      w.string(number)
    case .finished: w.int(2)
    }
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    switch try r.int() {
    case 0: self = .iterator(try r.string())
    case 1: self = .after(try r.string())
    case 2: self = .finished
    default: throw StoreError.corrupt("place in a shard")
    }
  }
}

extension Reader {
  func shardPlaces(_ pipe: PipeName) throws -> [String: ShardPlace] {
    let prefix = Keys.shards(pipe)
    var places: [String: ShardPlace] = [:]
    for (key, row) in try entries(KeyRange(prefix: prefix)) {
      var parts = KeyReader(key, after: prefix)
      places[try parts.string()] = try ShardPlace(row: row)
    }
    return places
  }
}
