import Base

/// What identifies a stream to its users.
struct StreamName: Hashable, Sendable {
  let account: AccountID
  let region: Region
  let name: String

  init(_ account: AccountID, _ region: Region, _ name: String) { (self.account, self.region, self.name) = (account, region, name) }

  var arn: ARN { ARN("kinesis", region, account, "stream/\(name)") }

  /// Nil unless it is the ARN of a stream.
  init?(_ arn: ARN) {
    guard arn.service == "kinesis", let account = AccountID(arn.account), let region = Region(arn.region) else { return nil }
    let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "stream", !parts[1].isEmpty else { return nil }
    self.init(account, region, String(parts[1]))
  }
}

/// What identifies a consumer: one that is made anew under its name is another one.
struct ConsumerName: Hashable, Sendable {
  let stream: StreamName
  let name: String
  /// Epoch seconds.
  let created: Int64

  var arn: ARN { ARN("kinesis", stream.region, stream.account, "stream/\(stream.name)/consumer/\(name):\(created)") }

  init(_ stream: StreamName, _ name: String, created: Int64) { (self.stream, self.name, self.created) = (stream, name, created) }

  /// Nil unless it is the ARN of a consumer.
  init?(_ arn: ARN) {
    let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard arn.service == "kinesis", let account = AccountID(arn.account), let region = Region(arn.region), parts.count == 4,
      parts[0] == "stream", parts[2] == "consumer", let colon = parts[3].lastIndex(of: ":"),
      let created = Int64(parts[3][parts[3].index(after: colon)...])
    else { return nil }
    self.init(StreamName(account, region, parts[1]), String(parts[3][..<colon]), created: created)
  }
}

/// `shardId-000000000007`
struct ShardID: Hashable, Comparable, Sendable, CustomStringConvertible {
  let index: Int
  init(_ index: Int) { self.index = index }

  /// Nil for what no shard is called.
  init?(_ text: String) {
    guard let digits = text.split(separator: "-").last, digits.utf8.count <= 12, digits.utf8.allSatisfy({ (48...57).contains($0) }),
      let index = Int(digits), index <= Int(Int32.max), text == "shardId-\(digits)" || text == digits
    else { return nil }
    self.index = index
  }

  var description: String {
    let digits = String(index)
    return "shardId-" + String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits
  }
  static func < (a: ShardID, b: ShardID) -> Bool { a.index < b.index }
}
