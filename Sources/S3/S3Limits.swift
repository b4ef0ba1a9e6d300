import Base

/// The numbers of S3. Where AWS states them: "Amazon S3 endpoints and quotas", "Bucket restrictions", and the API reference of
/// the operation.
enum S3Limits {
  static let bucketNameLength = 3...63
  static let bucketsPerAccount = 10_000
  /// ListBuckets, MaxBuckets.
  static let listedBuckets = 1...10_000
  static let bucketTags = 50
  static let tagKeyLength = 1...128
  static let tagValueLength = 256
  static let policyBytes = 20_480
  /// Of a default retention.
  static let retentionDays = 36_500
  static let retentionYears = 100
  /// In one access control list.
  static let grants = 100
  static let corsRules = 100
  static let routingRules = 50
  static let notificationRules = 100
  static let lifecycleRules = 1000
  static let objectTags = 10
  /// The fields of a form before the file.
  static let formFieldBytes = 20 << 10
  /// In bytes; "Considerations for transitioning objects".
  static let smallestTransition = 128 << 10
  static let filterValueBytes = 1024

  // Ours: bounds on work that AWS does not show.

  /// Parsed buckets kept in memory; when full, all are dropped and read again.
  static let cachedBuckets = 5000
  /// More days than that are as many as that: some 2,700 years.
  static let lifecycleDays = 1_000_000
  /// Versions of one key that a lifecycle reads at a time.
  static let versionsOfKey = 1000
  /// NewerNoncurrentVersions of a lifecycle rule.
  static let noncurrentKept = 100
  /// What a lifecycle reads, and changes, in one step.
  static let versionsPerSweep = 2000
  static let keysPerSweep = 100
  /// How long the delivery of an event is tried.
  static let eventAge = Duration.hours(24)
  /// Buckets that one step of emptying an account takes away.
  static let bucketsPerSweep = 100
}
