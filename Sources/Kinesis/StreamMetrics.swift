import Base
import Fabric

/// What CloudWatch shows of streams (AWS: "Monitoring the Amazon Kinesis Data Streams service with CloudWatch").
enum StreamMetric: String, CaseIterable, Sendable {
  case incomingBytes = "IncomingBytes"
  case incomingRecords = "IncomingRecords"
  case putRecordBytes = "PutRecord.Bytes"
  case putRecordLatency = "PutRecord.Latency"
  case putRecordSuccess = "PutRecord.Success"
  case putRecordsBytes = "PutRecords.Bytes"
  case putRecordsLatency = "PutRecords.Latency"
  case putRecordsSuccess = "PutRecords.Success"
  case putRecordsTotal = "PutRecords.TotalRecords"
  case putRecordsSuccessful = "PutRecords.SuccessfulRecords"
  case putRecordsFailed = "PutRecords.FailedRecords"
  case putRecordsThrottled = "PutRecords.ThrottledRecords"
  case getRecordsBytes = "GetRecords.Bytes"
  case getRecordsAge = "GetRecords.IteratorAgeMilliseconds"
  case getRecordsLatency = "GetRecords.Latency"
  case getRecordsRecords = "GetRecords.Records"
  case getRecordsSuccess = "GetRecords.Success"
  case writeExceeded = "WriteProvisionedThroughputExceeded"
  case readExceeded = "ReadProvisionedThroughputExceeded"
  case subscribeSuccess = "SubscribeToShard.Success"
  case subscribeExceeded = "SubscribeToShard.RateExceeded"
  case eventBytes = "SubscribeToShardEvent.Bytes"
  case eventRecords = "SubscribeToShardEvent.Records"
  case eventSuccess = "SubscribeToShardEvent.Success"
  case eventBehind = "SubscribeToShardEvent.MillisBehindLatest"
  // Of shards only.
  case outgoingBytes = "OutgoingBytes"
  case outgoingRecords = "OutgoingRecords"
  case iteratorAge = "IteratorAgeMilliseconds"

  var unit: String {
    if rawValue.hasSuffix("Bytes") { return "Bytes" }
    return rawValue.hasSuffix("Latency") || rawValue.hasSuffix("Milliseconds") || rawValue.hasSuffix("MillisBehindLatest")
      ? "Milliseconds" : "Count"
  }
}

/// Adds up what is measured of streams, by the minute, until CloudWatch asks for it.
final class StreamMetrics: MetricSource {
  fileprivate struct Subject: Hashable {
    var stream: StreamName
    /// A shard, or a consumer, or neither.
    var shard: ShardID?
    var consumer: String?
  }
  fileprivate let tally = MetricTally<Subject, StreamMetric>(limit: KinesisLimits.meters)

  init() {}

  /// From now on the port asks for what is measured.
  func report(to port: any MetricPort) { tally.report(self, to: port) }

  func meter(_ stream: Stream, _ now: Instant) -> StreamMeter {
    StreamMeter(tally: tally, stream: stream.name, shardMetrics: stream.shardMetrics, now: now)
  }

  func drain() -> [MetricSample] {
    tally.drain { subject, metric in
      let stream = subject.stream
      var dimensions = [MetricDimension("StreamName", stream.name)]
      if let shard = subject.shard { dimensions.append(MetricDimension("ShardId", "\(shard)")) }
      if let consumer = subject.consumer { dimensions.append(MetricDimension("ConsumerName", consumer)) }
      return (MetricSeries(stream.account, stream.region, "AWS/Kinesis", metric.rawValue, dimensions), metric.unit)
    }
  }
}

/// What one call measures of a stream.
struct StreamMeter: Sendable {
  fileprivate let tally: MetricTally<StreamMetrics.Subject, StreamMetric>
  fileprivate let stream: StreamName
  fileprivate let shardMetrics: [String]
  fileprivate let now: Instant

  private func subject(_ shard: ShardID? = nil, consumer: String? = nil) -> StreamMetrics.Subject {
    StreamMetrics.Subject(stream: stream, shard: shard, consumer: consumer)
  }
  /// Those of a shard that somebody has switched on.
  private func ofShard(_ shard: ShardID, _ values: [(StreamMetric, Double)]) -> [(StreamMetrics.Subject, [(StreamMetric, Double)])] {
    let wanted = values.filter { shardMetrics.contains($0.0.rawValue) }
    return wanted.isEmpty ? [] : [(subject(shard), wanted)]
  }
  private func add(_ changes: [(StreamMetrics.Subject, [(StreamMetric, Double)])]) { tally.add(changes, at: now) }
  private func milliseconds(_ duration: Duration) -> Double { Double(duration.inMicroseconds) / 1000 }

  func put(_ metric: StreamMetric, _ value: Double) { add([(subject(), [(metric, value)])]) }

  func incoming(_ shards: [ShardID: (records: Int, bytes: Int)]) {
    var changes: [(StreamMetrics.Subject, [(StreamMetric, Double)])] = []
    for (shard, sum) in shards {
      let values: [(StreamMetric, Double)] = [(.incomingBytes, Double(sum.bytes)), (.incomingRecords, Double(sum.records))]
      changes.append((subject(), values))
      if !shardMetrics.isEmpty { changes += ofShard(shard, values) }
    }
    add(changes)
  }

  func throttledWrite(_ shards: [ShardID: Int]) {
    add(
      [(subject(), [(.writeExceeded, Double(shards.values.reduce(0, +)))])]
        + shards.flatMap { ofShard($0, [(.writeExceeded, Double($1))]) })
  }

  func throttledRead(_ shard: ShardID) {
    add([(subject(), [(.readExceeded, 1), (.getRecordsSuccess, 0)])] + ofShard(shard, [(.readExceeded, 1)]))
  }

  func wrote(bytes: Int, latency: Duration) {
    add([
      (
        subject(),
        [
          (.putRecordBytes, Double(bytes)), (.putRecordLatency, milliseconds(latency)), (.putRecordSuccess, 1), (.writeExceeded, 0),
        ]
      )
    ])
  }

  func wroteMany(bytes: Int, written: Int, throttled: Int, latency: Duration) {
    add([
      (
        subject(),
        [
          (.putRecordsBytes, Double(bytes)), (.putRecordsLatency, milliseconds(latency)), (.putRecordsSuccess, written > 0 ? 1 : 0),
          (.putRecordsTotal, Double(written + throttled)), (.putRecordsSuccessful, Double(written)), (.putRecordsFailed, 0),
          (.putRecordsThrottled, Double(throttled)),
        ]
      )
    ])
  }

  func read(_ shard: ShardID, records: Int, bytes: Int, age: Int, latency: Duration) {
    add(
      [
        (
          subject(),
          [
            (.getRecordsBytes, Double(bytes)), (.getRecordsRecords, Double(records)), (.getRecordsAge, Double(age)),
            (.getRecordsLatency, milliseconds(latency)), (.getRecordsSuccess, 1), (.readExceeded, 0),
          ]
        )
      ] + ofShard(shard, [(.outgoingBytes, Double(bytes)), (.outgoingRecords, Double(records)), (.iteratorAge, Double(age))]))
  }

  func subscribed(_ consumer: String, isTaken: Bool) {
    let values: [(StreamMetric, Double)] = [(.subscribeSuccess, isTaken ? 1 : 0), (.subscribeExceeded, isTaken ? 0 : 1)]
    add([(subject(), values), (subject(consumer: consumer), values)])
  }

  func pushed(_ shard: ShardID, to consumer: String, records: Int, bytes: Int, behind: Int) {
    let values: [(StreamMetric, Double)] = [
      (.eventBytes, Double(bytes)), (.eventRecords, Double(records)), (.eventSuccess, 1), (.eventBehind, Double(behind)),
    ]
    add(
      [(subject(), values), (subject(consumer: consumer), values)]
        + ofShard(shard, [(.outgoingBytes, Double(bytes)), (.outgoingRecords, Double(records))]))
  }
}
