import Base

/// The numbers of Kinesis Data Streams. Where AWS states them: "Quotas and limits" and the API reference of the operation.
enum KinesisLimits {
  /// Writes of one shard in a second.
  static let recordsPerSecond = 1000.0
  static let bytesPerSecond = 1_048_576.0
  /// Reads of one shard in a second; so many bytes may be read at once and are then paid off.
  static let readsPerSecond = 5.0
  static let readBytesPerSecond = 2_097_152.0
  static let readBytesAtOnce = 10_485_760

  static let recordsPerRead = 10_000
  static let recordsPerPut = 500
  static let bytesPerPut = 10_485_760
  /// KiB.
  static let recordSize = 1024...10_240

  static let iteratorLife = Duration.minutes(5)
  static let retentionHours = 24...8760

  /// Open shards of an account in a Region.
  static func shards(_ region: Region) -> Int {
    ["us-east-1", "us-west-2", "eu-west-1"].contains(region.text) ? 20_000 : 6000
  }
  static let onDemandStreams = 50
  static let onDemandShards = 4
  /// On-demand streams grow by themselves up to this.
  static let onDemandMaximumShards = 200
  static let shardUpdatesPerDay = 10
  static let shardsAfterUpdate = 10_000
  static let modeChangesPerDay = 2

  static let consumers = 20
  static let tags = 50
  static let policyBytes = 20_480

  static let shardPage = 1000
  static let describedShards = 100
  static let streamPage = 100
  static let consumerPage = 100
  static let tokenLife = Duration.seconds(300)

  static let subscription = Duration.minutes(5)
  /// A subscription may be made anew only after this.
  static let resubscribe = Duration.seconds(5)
  /// Of events without records, so that clients see that the connection lives.
  static let heartbeat = Duration.seconds(5)
  static let bytesPerEvent = 1_048_576

  static let commitmentHours = 24

  // Ours: bounds on work that AWS does not show.

  /// Streams whose description and shards are kept in memory.
  static let cachedStreams = 2000
  /// Shards whose rates are remembered; when full, those that rest are forgotten.
  static let ratedShards = 50_000
  /// Series that are added up until CloudWatch asks.
  static let meters = 20_000
  static let rowsPerSweep = 200
  static let trimInterval = Duration.seconds(60)
  /// Shards of one on-demand stream that wait to be split.
  static let hotShards = 1000
  static let measuredStreams = 200
}
