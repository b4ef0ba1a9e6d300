import Base

/// Messages of a dead-letter queue on their way back to their sources, or to one destination.
struct MoveTask: Sendable, Equatable {
  /// running: may become any other. The others are final.
  enum Status: String, Sendable {
    case running = "RUNNING"
    case completed = "COMPLETED"
    case cancelled = "CANCELLED"
    case failed = "FAILED"
  }

  /// Milliseconds of the start, which also orders the tasks of a source.
  let id: Int64
  let source: QueueName
  /// Nil: each message goes back to where it came from.
  let destination: QueueName?
  /// Nil: as fast as it goes, within AWS's limit.
  let rate: Int?
  let started: Instant
  /// Only what was there at the start is moved, so that a task comes to an end.
  let toMove: Int
  var moved = 0
  var status = Status.running
  var failure: String?

  init(source: QueueName, destination: QueueName?, rate: Int?, started: Instant, toMove: Int, id: Int64) {
    (self.source, self.destination, self.rate) = (source, destination, rate)
    (self.started, self.toMove, self.id) = (started, toMove, id)
  }

  /// How many messages may have been moved by now.
  func allowance(at now: Instant) -> Int {
    let seconds = Double((now - started).inMilliseconds) / 1000
    let perSecond = Double(rate ?? SQSLimits.moveTaskRate.upperBound)
    return min(Int((seconds + 1) * perSecond) - moved, SQSLimits.movesPerCommit)
  }

  /// When the next message may be moved.
  var nextMove: Instant {
    let perSecond = rate ?? SQSLimits.moveTaskRate.upperBound
    return started + .milliseconds(Int64(max(0, moved + 1 - perSecond)) * 1000 / Int64(perSecond) + 1)
  }

  /// The reasons that AWS gives for a task: nobody knows where a message came from; source or destination has gone.
  static let noSource = "CouldNotDetermineMessageSource"
  static let noQueue = "AWS.SimpleQueueService.NonExistentQueue"

  mutating func add(_ count: Int) { moved += count }
  mutating func end(_ status: Status, _ failure: String? = nil) { (self.status, self.failure) = (status, failure) }

  /// Opaque to clients: the task's id and its source's ARN, as AWS's handles have them.
  var handle: String { #"{"taskId":"\#(id)","sourceArn":"\#(source.arn)"}"#.utf8.base64 }

  static func read(handle: String) -> (source: QueueName, id: Int64)? {
    guard let bytes = decodeBase64(handle), let json = try? JSON.parse(bytes),
      let id = json["taskId"]?.string.flatMap({ Int64($0) }),
      let source = json["sourceArn"]?.string.flatMap({ ARN($0) }).flatMap(QueueName.init)
    else { return nil }
    return (source, id)
  }
}
