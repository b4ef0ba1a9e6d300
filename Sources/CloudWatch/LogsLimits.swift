import Base

/// The numbers of CloudWatch Logs ("CloudWatch Logs quotas" and the API reference), and those of our own.
enum LogsLimits {
  /// Of one event's message and of one PutLogEvents call, each event counted with its overhead.
  static let batchBytes = 1_048_576
  static let eventOverhead = 26
  static let messageBytes = batchBytes - eventOverhead
  static let batchEvents = 10_000
  static let batchSpan = Duration.hours(24)
  static let future = Duration.hours(2)
  static let past = Duration.days(14)
  /// Of one answer of GetLogEvents or FilterLogEvents.
  static let pageBytes = 1_048_576
  static let pageEvents = 10_000
  static let describe = 50
  static let tags = 50
  static let retentionDays: Set<Int> = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ]

  /// How much one FilterLogEvents looks at before it answers with what it has and a token, as AWS does too.
  static let scanBytes = 64 << 20

  /// A stored row holds events of at most this time, number and size. The span keeps the merge of streams short.
  static let chunkSpan = Duration.milliseconds(100)
  static let chunkEvents = 1_000
  static let chunkBytes = 256 << 10

  /// Lines from other services are committed together after this time or number.
  static let gatherTime = Duration.milliseconds(50)
  static let gatherLines = 1_000
  /// At this many waiting lines or bytes the caller waits for a commit.
  static let bufferLines = 10_000
  static let bufferBytes = 16 << 20
  static let accessMemory = Duration.seconds(60)
  static let accessEntries = 10_000

  /// Rows that one transaction of a worker deletes.
  static let sweepRows = 500
  static let sweepPause = Duration.hours(1)
}
