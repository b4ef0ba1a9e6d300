import Base
import Fabric

/// A log group. Its contents are kept under the id, so that a group made again under the same name begins empty.
struct LogGroup: Sendable, Equatable {
  var id: Int64
  var name: String
  var createdAt: Instant
  /// Nil: events are kept for ever.
  var retentionDays: Int?
  /// `STANDARD` or `INFREQUENT_ACCESS`.
  var storageClass = "STANDARD"
  var tags: [String: String] = [:]

  /// Events before this time have expired.
  func horizon(_ now: Instant) -> Instant? { retentionDays.map { now - .days($0) } }
}

/// A log stream of a group.
struct LogStream: Sendable, Equatable {
  var id: Int64
  var name: String
  var createdAt: Instant
  var firstEvent: Instant?
  var lastEvent: Instant?
  var lastIngestion: Instant?
  /// The number that the next event gets.
  var nextSequence: Int64 = 0

  /// What DescribeStreams orders by.
  var recency: Instant { lastEvent ?? createdAt }
}

/// Where a group or stream is.
struct LogScope: Sendable, Hashable {
  var account: AccountID
  var region: Region

  init(_ account: AccountID, _ region: Region) { (self.account, self.region) = (account, region) }
  init(_ call: Call) { self.init(call.account, call.region) }

  /// Without the `:*` that most places want at its end.
  func arn(group: String) -> String { ARN("logs", region, account, "log-group:\(group)").text }
  /// What IAM compares for actions on a group; it matches policies for `log-group:NAME:*`.
  func accessARN(group: String) -> String { arn(group: group) + ":log-stream:" }
  func arn(group: String, stream: String) -> String { accessARN(group: group) + stream }

  /// Reads a group's name out of a name or an ARN with or without `:*`; nil for a group of another account or Region.
  func groupName(_ identifier: String) -> String? {
    guard identifier.hasPrefix("arn:") else { return identifier }
    guard let arn = ARN(identifier), arn.service == "logs", arn.account == account.text, arn.region == region.text,
      arn.resource.hasPrefix("log-group:")
    else { return nil }
    let name = arn.resource.dropFirst("log-group:".count)
    return String(name.hasSuffix(":*") ? name.dropLast(2) : name)
  }
}
