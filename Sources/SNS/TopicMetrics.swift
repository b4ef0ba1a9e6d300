import Base
import Fabric

/// What CloudWatch is told of topics (developer guide, "Monitoring Amazon SNS topics using CloudWatch").
enum TopicMetric: String, Sendable {
  case published = "NumberOfMessagesPublished"
  case publishSize = "PublishSize"
  case delivered = "NumberOfNotificationsDelivered"
  case failed = "NumberOfNotificationsFailed"
  case filteredOut = "NumberOfNotificationsFilteredOut"
  case filteredByAttributes = "NumberOfNotificationsFilteredOut-MessageAttributes"
  case filteredWithoutAttributes = "NumberOfNotificationsFilteredOut-NoMessageAttributes"
  case filteredByBody = "NumberOfNotificationsFilteredOut-MessageBody"
  case filteredByInvalidBody = "NumberOfNotificationsFilteredOut-InvalidMessageBody"
  case redriven = "NumberOfNotificationsRedrivenToDlq"
  case failedToRedrive = "NumberOfNotificationsFailedToRedriveToDlq"

  var unit: String { self == .publishSize ? "Bytes" : "Count" }
}

/// Adds up by the minute what is measured of topics, until CloudWatch asks for it.
final class TopicMetrics: MetricSource {
  private let tally = MetricTally<TopicName, TopicMetric>()

  func report(to port: any MetricPort) { tally.report(self, to: port) }

  func add(_ metric: TopicMetric, _ value: Double, _ topic: TopicName, _ now: Instant) { tally.add([(metric, value)], to: topic, at: now) }

  func add(_ metric: TopicMetric, _ topic: TopicName, _ now: Instant) { add(metric, 1, topic, now) }

  func addFiltered(_ verdict: FilterPolicy.Verdict, _ topic: TopicName, _ now: Instant) {
    add(.filteredOut, topic, now)
    switch verdict {
    case .passes: break
    case .attributesDiffer: add(.filteredByAttributes, topic, now)
    case .noAttributes: add(.filteredWithoutAttributes, topic, now)
    case .bodyDiffers: add(.filteredByBody, topic, now)
    case .bodyIsNoJSON: add(.filteredByInvalidBody, topic, now)
    }
  }

  func drain() -> [MetricSample] {
    tally.drain { topic, metric in
      let dimensions = [MetricDimension("TopicName", topic.name)]
      return (MetricSeries(topic.account, topic.region, "AWS/SNS", metric.rawValue, dimensions), metric.unit)
    }
  }
}
