import Base
import Store

/// The keys of CloudWatch Logs. `G` is a group's id and `S` a stream's, both random.
///
///     logs group ACCOUNT REGION NAME   the group
///     logs in G stream NAME            a stream
///     logs in G name S                 the stream's name; gone when the stream is
///     logs in G recent TIME NAME       streams by their last event
///     logs in G c S TIME SEQUENCE      a chunk of events, by its first event
///     logs in G t TIME S SEQUENCE      the same chunk in the order of the group; empty
///     logs in G bytes DAY              the bytes of the chunks that begin on that day
///     logs garbage G S                 contents of a deleted stream, or of a deleted group (S = 0), not yet removed
///
/// What is deleted is unreachable at once, since its id is; a worker removes the rows afterwards in small transactions.
enum LogsKeys {
  static let allGroups = Key("logs", "group")
  static let garbage = Key("logs", "garbage")

  static func groups(_ account: AccountID) -> Key { allGroups.appending(account) }
  static func groups(_ scope: LogScope) -> Key { allGroups.appending(scope.account, scope.region) }
  static func group(_ scope: LogScope, _ name: String) -> Key { groups(scope).appending(name) }

  static func contents(_ group: Int64) -> Key { Key("logs", "in", group) }
  static func streams(_ group: Int64) -> Key { Key("logs", "in", group, "stream") }
  static func stream(_ group: Int64, _ name: String) -> Key { streams(group).appending(name) }
  static func streamName(_ group: Int64, _ stream: Int64) -> Key { Key("logs", "in", group, "name", stream) }
  static func streamsByTime(_ group: Int64) -> Key { Key("logs", "in", group, "recent") }
  static func streamByTime(_ group: Int64, _ stream: LogStream) -> Key {
    streamsByTime(group).appending(stream.recency, stream.name)
  }

  static func chunks(_ group: Int64, _ stream: Int64) -> Key { Key("logs", "in", group, "c", stream) }
  static func chunk(_ group: Int64, _ position: EventPosition) -> Key {
    chunks(group, position.stream).appending(position.time, position.sequence)
  }
  static func chunksByTime(_ group: Int64) -> Key { Key("logs", "in", group, "t") }
  static func chunkByTime(_ group: Int64, _ position: EventPosition) -> Key {
    chunksByTime(group).appending(position.time, position.stream, position.sequence)
  }

  static func byteCounts(_ group: Int64) -> Key { Key("logs", "in", group, "bytes") }
  static func byteCount(_ group: Int64, _ day: Int64) -> Key { byteCounts(group).appending(day) }

  static func garbage(group: Int64, stream: Int64 = 0) -> Key { garbage.appending(group, stream) }

  /// The position of the first event of a chunk, from its key in either order.
  static func position(of key: Key, stream: Int64?, in prefix: Key) throws -> EventPosition {
    var reader = KeyReader(key, after: prefix)
    let time = try reader.instant()
    return EventPosition(time: time, stream: try stream ?? reader.int(), sequence: try reader.int())
  }
}

extension Instant {
  /// Days since 1970 in UTC.
  var day: Int64 { milliseconds >= 0 ? milliseconds / 86_400_000 : -((-milliseconds + 86_399_999) / 86_400_000) }
}
