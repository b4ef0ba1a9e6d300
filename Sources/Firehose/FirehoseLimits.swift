import Base

/// The numbers of Amazon Data Firehose. Where AWS states them: "Quotas" and the API reference of the operation.
enum FirehoseLimits {
  static let recordBytes = 1000 << 10
  static let recordsPerBatch = 500
  static let batchBytes = 4 << 20

  static let bufferMebibytes = 1...128
  static let bufferSeconds = 0...900
  static let standardMebibytes = 5
  static let standardSeconds = 300

  static let streams = 5000
  static let tags = 50
  static let listPage = 10
  static let listPages = 1...10_000

  /// Of records in one call of the transforming function, base64 aside.
  static let transformBytes = 1 << 20
  static let transformRetries = 3
  static let transformRetryRange = 0...300
  static let transformRecords = 10_000

  /// How long a bucket that cannot be written is tried before records that were put are given up.
  static let bucketPatience = Duration.hours(24)
  static let endpointPatience = 300
  static let endpointPatienceRange = 0...7200
  static let endpointTimeout = Duration.seconds(180)

  // Ours: bounds on work that AWS does not show.

  /// Of one object; the buffer of a stream may be larger.
  static let deliveryBytes = 60 << 20
  static let deliveryRecords = 200_000
  /// Deliveries at the same time: a slow destination holds up no others than those of its lane.
  static let lanes = 8
  static let deliveriesPerTurn = 8
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(120)
  static let cachedStreams = 5000
  static let rowsPerSweep = 500
  static let readPause = Duration.seconds(1)
  static let recordsPerRead = 2000
  /// A stream is not read on, and nothing is put, while so much waits to be delivered.
  static let heldBytes = 256 << 20
  /// What functions have made of batches that could not be delivered yet, kept for the next attempt.
  static let outcomeBytes = 64 << 20
}
