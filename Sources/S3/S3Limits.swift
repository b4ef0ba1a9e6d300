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

  // Ours: bounds on work that AWS does not show.

  /// Parsed buckets kept in memory; when full, all are dropped and read again.
  static let cachedBuckets = 5000
  /// Buckets that one step of emptying an account takes away.
  static let bucketsPerSweep = 100
}
