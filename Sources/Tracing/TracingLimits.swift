import Base

enum TracingLimits {
  /// Hops in memory that wait for the store; more are lost, and counted.
  static let buffer = 16_384
  /// From so many on they are written at once.
  static let enough = 2_048
  /// Otherwise so long after the first: hops of about the same time share a commit. Real time.
  static let gatherTime = Duration.milliseconds(250)
  /// Hops of one row of the store.
  static let segment = 256
  /// Old segments that one transaction removes.
  static let trimStep = 16
  /// Of one trace that are shown.
  static let shownHops = 5_000
  /// Traces of a list.
  static let listed = 1...200
  static let listedNormally = 20
  /// Hops that are looked through for a list, the newest first.
  static let searchedHops = 100_000
  /// Of the texts that come from elsewhere.
  static let textBytes = 2_048
}
