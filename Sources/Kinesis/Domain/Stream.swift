import Base

/// A stream as it was configured. Its shards are a value of their own (`ShardMap`).
struct Stream: Sendable, Equatable {
  /// - creating: becomes active
  /// - active: may become updating or deleting
  /// - updating: becomes active, or deleting
  /// - deleting: goes away
  enum Status: String, Sendable { case creating = "CREATING", active = "ACTIVE", updating = "UPDATING", deleting = "DELETING" }
  enum Mode: String, Sendable { case provisioned = "PROVISIONED", onDemand = "ON_DEMAND" }

  let name: StreamName
  /// Whose records are below it; never used again.
  let id: Int64
  let created: Instant
  /// Counts changes, so that who knows an older one sees that.
  var version = 0
  var status = Status.creating
  var mode: Mode
  var openShards: Int
  var retentionHours = KinesisLimits.retentionHours.lowerBound
  /// Nil: not encrypted. The records are not encrypted at rest by us; the fields are those that AWS shows.
  var keyID: String?
  /// Shard-level metrics that CloudWatch gets.
  var shardMetrics: [String] = []
  var maximumRecordKiB = KinesisLimits.recordSize.lowerBound
  var warmMiBps: Int?
  var policy: String?
  var tags: [String: String] = [:]
  /// Of UpdateShardCount and UpdateStreamMode, within the last day.
  var shardUpdates: [Instant] = []
  var modeChanges: [Instant] = []

  init(name: StreamName, id: Int64, created: Instant, mode: Mode, openShards: Int) {
    (self.name, self.id, self.created, self.mode, self.openShards) = (name, id, created, mode, openShards)
  }

  var retention: Duration { .hours(retentionHours) }
  /// `p5m3k0qjrz8v2t7w1x9c-a1b`: an id that outlives the name.
  var publicID: String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
    var rest = UInt64(bitPattern: id), text: [UInt8] = []
    for place in 0..<23 {
      text.append(letters[Int((rest &+ UInt64(place) &* 7) % 36)])
      rest = rest / 36 &+ rest &* 0x9e37_79b9
    }
    return "\(text.prefix(20).utf8Text)-\(text.suffix(3).utf8Text)"
  }
  var encryption: String { keyID == nil ? "NONE" : "KMS" }
  /// It takes and gives records.
  var isUsable: Bool { status == .active || status == .updating }
  var maximumRecordBytes: Int { maximumRecordKiB << 10 }
  /// What is older is not given out.
  func horizon(_ now: Instant) -> Instant { now - retention }

  /// Throws when it cannot be changed now.
  func checkActive() throws(AWSError) {
    guard status == .active else { throw KinesisError.notActive(name, status) }
  }

  static func recent(_ times: [Instant], _ now: Instant) -> [Instant] { times.filter { $0 > now - .hours(24) } }
}

/// Somebody who gets the records of a stream pushed, with throughput of his own.
struct Consumer: Sendable, Equatable {
  /// - creating: becomes active
  /// - active: may become deleting
  /// - deleting: goes away
  enum Status: String, Sendable { case creating = "CREATING", active = "ACTIVE", deleting = "DELETING" }
  let name: ConsumerName
  let created: Instant
  var status = Status.creating
  var policy: String?
  var tags: [String: String] = [:]
}
