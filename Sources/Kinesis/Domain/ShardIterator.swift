import Base

/// A place in a shard from which to read, as clients carry it about. It says nothing secret: IAM is asked about its stream.
struct ShardIterator: Sendable, Equatable {
  var stream: StreamName
  var streamID: Int64
  var shard: ShardID
  /// The number in the log to read from.
  var number: Int64
  var made: Instant

  init(_ stream: Stream, _ shard: ShardID, number: Int64, made: Instant) {
    (self.stream, streamID, self.shard, self.number, self.made) = (stream.name, stream.id, shard, number, made)
  }

  private static let version = "1"

  var text: String {
    let fields = [
      Self.version, stream.account.text, stream.region.text, stream.name, String(streamID), String(shard.index), String(number),
      String(made.milliseconds),
    ]
    return ("AAAAAAAAAAE" + Array(fields.joined(separator: "/").utf8).base64)
  }

  /// Nil for what is no iterator.
  init?(_ text: String) {
    guard text.hasPrefix("AAAAAAAAAAE"), let bytes = decodeBase64(Array(text.utf8.dropFirst(11))) else { return nil }
    let fields = bytes.utf8Text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 8, fields[0] == Self.version, let account = AccountID(fields[1]), let region = Region(fields[2]),
      !fields[3].isEmpty, let id = Int64(fields[4]), let index = Int(fields[5]), (0...Int(Int32.max)).contains(index),
      let number = Int64(fields[6]), number >= 0, let made = Int64(fields[7])
    else { return nil }
    stream = StreamName(account, region, fields[3])
    (streamID, shard, self.number, self.made) = (id, ShardID(index), number, Instant(milliseconds: made))
  }
}
