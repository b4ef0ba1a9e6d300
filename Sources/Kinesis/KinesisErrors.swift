import Base

/// The errors of Kinesis in AWS's words.
enum KinesisError {
  static func invalid(_ text: String) -> AWSError { AWSError("InvalidArgumentException", text, status: 400) }
  static func validation(_ text: String) -> AWSError { AWSError("ValidationException", text, status: 400) }
  static func limit(_ text: String) -> AWSError { AWSError("LimitExceededException", text, status: 400) }
  static func inUse(_ text: String) -> AWSError { AWSError("ResourceInUseException", text, status: 400) }
  static func notFound(_ text: String) -> AWSError { AWSError("ResourceNotFoundException", text, status: 400) }

  static func noStream(_ name: StreamName) -> AWSError {
    notFound("Stream \(name.name) under account \(name.account) not found.")
  }
  static func exists(_ name: StreamName) -> AWSError {
    inUse("Stream \(name.name) under account \(name.account) already exists.")
  }
  static func notActive(_ name: StreamName, _ status: Stream.Status) -> AWSError {
    inUse("Stream \(name.name) under account \(name.account) not ACTIVE, instead in state \(status.rawValue)")
  }
  static func noShard(_ id: String, _ name: StreamName) -> AWSError {
    notFound("Could not find shard \(id) in stream \(name.name) under account \(name.account).")
  }
  static func shardDoesNotExist(_ id: String, _ name: StreamName) -> AWSError {
    notFound("Shard \(id) in stream \(name.name) under account \(name.account) does not exist")
  }
  static func noConsumer(_ consumer: String, _ name: StreamName) -> AWSError {
    notFound("Consumer \(consumer), account \(name.account) not found.")
  }

  static func throttled(_ shard: ShardID, _ name: StreamName) -> AWSError {
    AWSError("ProvisionedThroughputExceededException", throttledText(shard, name), status: 400)
  }
  static func throttledText(_ shard: ShardID, _ name: StreamName) -> String {
    "Rate exceeded for shard \(shard) in stream \(name.name) under account \(name.account)."
  }

  static let invalidIterator = invalid("Invalid ShardIterator.")
  static func expiredIterator(made: Instant, now: Instant) -> AWSError {
    AWSError(
      "ExpiredIteratorException",
      "Iterator expired. The iterator was created at time \(made.iso8601) while right now it is \(now.iso8601) which is further in the "
        + "future than the tolerated delay of \(KinesisLimits.iteratorLife.inMilliseconds) milliseconds.", status: 400)
  }
  static let expiredToken = AWSError(
    "ExpiredNextTokenException", "The pagination token passed to the operation is expired.", status: 400)
  static let invalidToken = invalid("NextToken is invalid.")

  static func shardLimit(_ call: (account: AccountID, region: Region), open: Int, more: Int) -> AWSError {
    limit(
      "This request would exceed the shard limit for the account \(call.account) in \(call.region). Current shard count for the "
        + "account: \(open). Limit: \(KinesisLimits.shards(call.region)). Number of additional shards that would have resulted from "
        + "this request: \(more). Refer to the AWS Service Limits page "
        + "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.")
  }

  static func recordTooLarge(_ size: Int, maximum: Int) -> AWSError {
    invalid("Record size of \(size) bytes exceeds the maximum record size of \(maximum) bytes of the stream.")
  }
}
