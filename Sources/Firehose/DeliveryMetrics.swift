import Base
import Fabric

/// Adds up what is measured of delivery streams, by the minute, until CloudWatch asks for it (AWS: "Monitor with CloudWatch metrics").
final class DeliveryMetrics: MetricSource {
  private let tally = MetricTally<DeliveryStreamID, String>()

  func report(to port: any MetricPort) { tally.report(self, to: port) }

  func add(_ stream: DeliveryStream, _ values: [(String, Double)], _ now: Instant) { tally.add(values, to: stream.name, at: now) }

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
    tally.drain { stream, metric in
      let unit = metric.hasSuffix("Bytes") ? "Bytes" : metric.hasSuffix("Freshness") ? "Seconds" : "Count"
      let dimensions = [MetricDimension("DeliveryStreamName", stream.name)]
      return (MetricSeries(stream.account, stream.region, "AWS/Firehose", metric, dimensions), unit)
    }
  }
}
