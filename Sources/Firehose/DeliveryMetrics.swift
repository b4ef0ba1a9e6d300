import Base
import Fabric
import Synchronization

/// Adds up what is measured of delivery streams, by the minute, until CloudWatch asks for it (AWS: "Monitor with CloudWatch metrics").
final class DeliveryMetrics: MetricSource {
  private struct Slot: Hashable { var stream: DeliveryStreamID; var metric: String; var minute: Int64 }
  private struct State {
    var values: [Slot: MetricStatistics] = [:]
    var isAnnounced = false
  }
  private let state = Mutex(State())
  private let announced = Mutex<Nudge?>(nil)

  func report(to port: any MetricPort) {
    let nudge = port.gather(from: self)
    announced.withLock { $0 = nudge }
  }

  func add(_ stream: DeliveryStream, _ values: [(String, Double)], _ now: Instant) {
    let isFirst = state.withLock { state -> Bool in
      for (metric, value) in values {
        let slot = Slot(stream: stream.name, metric: metric, minute: now.minute.milliseconds)
        state.values[slot, default: MetricStatistics()].add(value)
      }
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
    if isFirst { announced.withLock { $0 }?.nudge() }
  }

  func incoming(_ stream: DeliveryStream, records: Int, bytes: Int, _ now: Instant) {
    add(stream, [("IncomingRecords", Double(records)), ("IncomingBytes", Double(bytes))], now)
  }

  /// - Parameter what: `DeliveryToS3`, `DeliveryToHttpEndpoint`.
  func delivered(_ stream: DeliveryStream, _ what: String, records: Int, bytes: Int, oldest: Instant, isSuccess: Bool, _ now: Instant) {
    var values = [(what + ".Success", isSuccess ? 1.0 : 0)]
    if isSuccess {
      values += [
        (what + ".Records", Double(records)), (what + ".Bytes", Double(bytes)),
        (what + ".DataFreshness", Double(max(0, (now - oldest).inMilliseconds)) / 1000),
      ]
    }
    add(stream, values, now)
  }

  func drain() -> [MetricSample] {
    let values = state.withLock { state in
      defer { (state.values, state.isAnnounced) = ([:], false) }
      return state.values
    }
    return values.map { slot, statistics in
      let unit = slot.metric.hasSuffix("Bytes") ? "Bytes" : slot.metric.hasSuffix("Freshness") ? "Seconds" : "Count"
      return MetricSample(
        MetricSeries(
          slot.stream.account, slot.stream.region, "AWS/Firehose", slot.metric, [MetricDimension("DeliveryStreamName", slot.stream.name)]),
        unit: unit, time: Instant(milliseconds: slot.minute), statistics)
    }
  }
}
