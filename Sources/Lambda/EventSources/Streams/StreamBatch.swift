import Base
import Fabric

/// Records of one shard that are handed to the function together, and what became of them so far.
struct StreamBatch: Sendable, Equatable {
  var records: [StreamRecord]
  /// How often the function ran with them.
  var runs = 0
  /// Runs that count against MaximumRetryAttempts: those after which the batch was not split.
  var failures = 0
  /// Tries in a row after which it was not done, for the pause before the next.
  var setbacks = 0
  /// Not to be tried before.
  var due: Instant?
  /// Of the last run.
  var response: StreamResponse?

  var sequenceNumbers: [String] { records.map(\.sequenceNumber) }
}

/// What is told of a run to the destination of discarded records.
struct StreamResponse: Sendable, Equatable {
  var requestID: String
  var executedVersion: String
  /// The function failed, and did not only name failed records.
  var isFunctionError: Bool
}

/// How a try ended.
enum StreamOutcome: Sendable, Equatable {
  case succeeded([UInt8], StreamResponse)
  case functionFailed(StreamResponse)
  /// Throttled, or it could not be run.
  case notRun
}

/// Records that are given up.
struct StreamDiscard: Sendable, Equatable {
  enum Condition: String, Sendable {
    case attemptsExhausted = "RetryAttemptsExhausted"
    case ageExceeded = "RecordAgeExceeded"
  }
  var batch: StreamBatch
  var condition: Condition
}

/// When and how a batch that was not done is tried again (AWS: "Error handling for Kinesis and DynamoDB event sources").
enum StreamRetry {
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.minutes(1)

  struct Verdict: Sendable, Equatable {
    /// Records of the batch that are done.
    var done: [StreamRecord] = []
    /// What is tried again, in this order.
    var retries: [StreamBatch] = []
    var discard: StreamDiscard?
  }

  /// The function ran and failed.
  /// - Parameter first: the place of the first failed record, when the function named it; 0 for the whole batch.
  static func afterFailure(
    of batch: StreamBatch, from first: Int, _ response: StreamResponse, _ settings: StreamSettings, now: Instant
  ) -> Verdict {
    var verdict = Verdict()
    var rest = batch
    rest.runs += 1
    rest.response = response
    if first > 0 {
      // The function has come further: what remains begins anew, with one failure behind it.
      verdict.done = Array(batch.records[..<first])
      (rest.records, rest.failures, rest.setbacks) = (Array(batch.records[first...]), 0, 0)
    } else if settings.bisectsOnError, batch.records.count > 1 {
      // A split does not use up a retry.
      let middle = batch.records.count / 2
      verdict.retries = [batch.records[..<middle], batch.records[middle...]].map { half in
        var part = rest
        part.records = Array(half)
        return later(part, now)
      }
      return verdict
    }
    rest.failures += 1
    if let maximum = settings.maximumRetryAttempts, rest.failures > maximum {
      verdict.discard = StreamDiscard(batch: rest, condition: .attemptsExhausted)
    } else {
      verdict.retries = [later(rest, now)]
    }
    return verdict
  }

  /// Only the age of its records limits how often a batch is tried that did not run.
  static func afterRefusal(of batch: StreamBatch, now: Instant) -> StreamBatch { later(batch, now) }

  private static func later(_ batch: StreamBatch, _ now: Instant) -> StreamBatch {
    var batch = batch
    batch.setbacks += 1
    batch.due = now + min(longestPause, firstPause * (1 << min(batch.setbacks - 1, 10)))
    return batch
  }

  /// Takes records that are too old out of a batch. Ages only grow in a shard, so they are its first.
  static func expired(of batch: inout StreamBatch, _ settings: StreamSettings, now: Instant) -> StreamDiscard? {
    guard let limit = settings.maximumRecordAge else { return nil }
    let fresh = batch.records.firstIndex { now - $0.arrival <= limit } ?? batch.records.count
    guard fresh > 0 else { return nil }
    var old = batch
    old.records = Array(batch.records[..<fresh])
    batch.records.removeFirst(fresh)
    return StreamDiscard(batch: old, condition: .ageExceeded)
  }
}
