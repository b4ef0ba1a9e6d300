import Base
import Fabric
import Synchronization

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
  private struct Slot: Hashable {
    var topic: TopicName
    var metric: TopicMetric
    var minute: Int64
  }
  private let slots = Mutex<[Slot: MetricStatistics]>([:])
  private let announced = Mutex<Nudge?>(nil)

  func report(to port: any MetricPort) {
    let nudge = port.gather(from: self)
    announced.withLock { $0 = nudge }
  }

  func add(_ metric: TopicMetric, _ value: Double, _ topic: TopicName, _ now: Instant) {
    let slot = Slot(topic: topic, metric: metric, minute: now.minute.milliseconds)
    let isFirst = slots.withLock { slots in
      defer { slots[slot, default: MetricStatistics()].add(value) }
      return slots.isEmpty
    }
    if isFirst { announced.withLock { $0 }?.nudge() }
  }

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
    let taken = slots.withLock { slots in
      defer { slots.removeAll(keepingCapacity: true) }
      return slots
    }
    return taken.map { slot, statistics in
      let series = MetricSeries(
        slot.topic.account, slot.topic.region, "AWS/SNS", slot.metric.rawValue, [MetricDimension("TopicName", slot.topic.name)])
      return MetricSample(series, unit: slot.metric.unit, time: Instant(milliseconds: slot.minute), statistics)
    }
  }
}
