import Base

/// How far a table can be brought back.
struct Recovery: Equatable, Sendable {
  /// Since when its history is kept.
  var since: Instant
  var days: Int

  func earliest(_ now: Instant) -> Instant { max(since, now - .seconds(Int64(days) * 86_400)) }
  /// AWS is about five minutes behind.
  func latest(_ now: Instant) -> Instant { max(earliest(now), now - DynamoDBLimits.recoveryLag) }
}

/// What a table is brought back from.
struct Restoration: Equatable, Sendable {
  var backup: String?
  var source: String
  var time: Instant
}
