import Base
import Fabric
import Synchronization

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
  fileprivate struct Slot: Hashable {
    var stream: StreamName
    /// A shard, or a consumer, or neither.
    var shard: ShardID?
    var consumer: String?
    var minute: Int64
  }
  private struct State {
    var values: [Slot: [StreamMetric: MetricStatistics]] = [:]
    var isAnnounced = false
  }
  private let state = Mutex(State())
  private let announced = Mutex<Nudge?>(nil)

  init() {}

  /// From now on the port asks for what is measured.
  func report(to port: any MetricPort) {
    let nudge = port.gather(from: self)
    announced.withLock { $0 = nudge }
  }

  func meter(_ stream: Stream, _ now: Instant) -> StreamMeter {
    StreamMeter(metrics: self, stream: stream.name, shardMetrics: stream.shardMetrics, minute: now.minute.milliseconds)
  }

  fileprivate func add(_ changes: [(Slot, [(StreamMetric, Double)])]) {
    let isFirst = state.withLock { state -> Bool in
      for (slot, values) in changes {
        // What is not fetched in time is lost, rather than more and more memory.
        guard state.values[slot] != nil || state.values.count < KinesisLimits.meters else { continue }
        for (metric, value) in values { state.values[slot, default: [:]][metric, default: MetricStatistics()].add(value) }
      }
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
    if isFirst { announced.withLock { $0 }?.nudge() }
  }

  func drain() -> [MetricSample] {
    let values = state.withLock { state in
      defer { (state.values, state.isAnnounced) = ([:], false) }
      return state.values
    }
    return values.flatMap { slot, metrics in
      let stream = slot.stream
      var dimensions = [MetricDimension("StreamName", stream.name)]
      if let shard = slot.shard { dimensions.append(MetricDimension("ShardId", "\(shard)")) }
      if let consumer = slot.consumer { dimensions.append(MetricDimension("ConsumerName", consumer)) }
      return metrics.map { metric, statistics in
        MetricSample(
          MetricSeries(stream.account, stream.region, "AWS/Kinesis", metric.rawValue, dimensions), unit: metric.unit,
          time: Instant(milliseconds: slot.minute), statistics)
      }
    }
  }
}

/// What one call measures of a stream.
struct StreamMeter: Sendable {
  fileprivate let metrics: StreamMetrics
  fileprivate let stream: StreamName
  fileprivate let shardMetrics: [String]
  fileprivate let minute: Int64

  private func slot(_ shard: ShardID? = nil, consumer: String? = nil) -> StreamMetrics.Slot {
    StreamMetrics.Slot(stream: stream, shard: shard, consumer: consumer, minute: minute)
  }
  /// Those of a shard that somebody has switched on.
  private func ofShard(_ shard: ShardID, _ values: [(StreamMetric, Double)]) -> [(StreamMetrics.Slot, [(StreamMetric, Double)])] {
    let wanted = values.filter { shardMetrics.contains($0.0.rawValue) }
    return wanted.isEmpty ? [] : [(slot(shard), wanted)]
  }
  private func milliseconds(_ duration: Duration) -> Double { Double(duration.inMicroseconds) / 1000 }

  func put(_ metric: StreamMetric, _ value: Double) { metrics.add([(slot(), [(metric, value)])]) }

  func incoming(_ shards: [ShardID: (records: Int, bytes: Int)]) {
    var changes: [(StreamMetrics.Slot, [(StreamMetric, Double)])] = []
    for (shard, sum) in shards {
      let values: [(StreamMetric, Double)] = [(.incomingBytes, Double(sum.bytes)), (.incomingRecords, Double(sum.records))]
      changes.append((slot(), values))
      if !shardMetrics.isEmpty { changes += ofShard(shard, values) }
    }
    metrics.add(changes)
  }

  func throttledWrite(_ shards: [ShardID: Int]) {
    metrics.add(
      [(slot(), [(.writeExceeded, Double(shards.values.reduce(0, +)))])]
        + shards.flatMap { ofShard($0, [(.writeExceeded, Double($1))]) })
  }

  func throttledRead(_ shard: ShardID) {
    metrics.add([(slot(), [(.readExceeded, 1), (.getRecordsSuccess, 0)])] + ofShard(shard, [(.readExceeded, 1)]))
  }

  func wrote(bytes: Int, latency: Duration) {
    metrics.add([
      (
        slot(),
        [
          (.putRecordBytes, Double(bytes)), (.putRecordLatency, milliseconds(latency)), (.putRecordSuccess, 1), (.writeExceeded, 0),
        ]
      )
    ])
  }

  func wroteMany(bytes: Int, written: Int, throttled: Int, latency: Duration) {
    metrics.add([
      (
        slot(),
        [
          (.putRecordsBytes, Double(bytes)), (.putRecordsLatency, milliseconds(latency)), (.putRecordsSuccess, written > 0 ? 1 : 0),
          (.putRecordsTotal, Double(written + throttled)), (.putRecordsSuccessful, Double(written)), (.putRecordsFailed, 0),
          (.putRecordsThrottled, Double(throttled)),
        ]
      )
    ])
  }

  func read(_ shard: ShardID, records: Int, bytes: Int, age: Int, latency: Duration) {
    metrics.add(
      [
        (
          slot(),
          [
            (.getRecordsBytes, Double(bytes)), (.getRecordsRecords, Double(records)), (.getRecordsAge, Double(age)),
            (.getRecordsLatency, milliseconds(latency)), (.getRecordsSuccess, 1), (.readExceeded, 0),
          ]
        )
      ] + ofShard(shard, [(.outgoingBytes, Double(bytes)), (.outgoingRecords, Double(records)), (.iteratorAge, Double(age))]))
  }

  func subscribed(_ consumer: String, isTaken: Bool) {
    let values: [(StreamMetric, Double)] = [(.subscribeSuccess, isTaken ? 1 : 0), (.subscribeExceeded, isTaken ? 0 : 1)]
    metrics.add([(slot(), values), (slot(consumer: consumer), values)])
  }

  func pushed(_ shard: ShardID, to consumer: String, records: Int, bytes: Int, behind: Int) {
    let values: [(StreamMetric, Double)] = [
      (.eventBytes, Double(bytes)), (.eventRecords, Double(records)), (.eventSuccess, 1), (.eventBehind, Double(behind)),
    ]
    metrics.add(
      [(slot(), values), (slot(consumer: consumer), values)]
        + ofShard(shard, [(.outgoingBytes, Double(bytes)), (.outgoingRecords, Double(records))]))
  }
}
