import Base

/// The numbers of EventBridge. Where AWS states them: "Amazon EventBridge quotas" and the API reference of the operation.
enum EventBridgeLimits {
  /// Of all entries of one PutEvents together; one byte more is refused (API reference, PutEvents).
  static let requestBytes = 1_048_576
  /// What a `Time` counts in the size of an entry ("Calculating PutEvents event entry size").
  static let timeBytes = 14

  static let buses = 100
  static let rulesPerBus = 300
  /// Rules of one bus whose patterns have wildcards.
  static let wildcardRulesPerBus = 30
  static let targetsPerRule = 5
  /// Characters of a rule's pattern.
  static let patternCharacters = 2048
  /// Characters of a bus policy.
  static let policyCharacters = 10_240
  static let tags = 50
  static let archivesPerBus = 100
  static let concurrentReplays = 10
  static let connections = 3000
  static let apiDestinations = 3000
  static let listPage = 100

  static let retryAttempts = 185
  static let eventAge = Duration.hours(24)

  /// What a rule's forwarded event waits for at most, before it is seen as failed (API destinations).
  static let httpTimeout = Duration.seconds(5)
  static let invocationsPerSecond = 300

  /// Events of an archive come to a replay in slices of so much event time.
  static let replaySlice = Duration.minutes(1)

  // Ours: bounds on work that AWS does not show.

  /// Compiled buses kept in memory; when full, all are dropped and compiled again.
  static let cachedBuses = 1000
  /// Events that a replay takes from its archive in one transaction.
  static let eventsPerTurn = 100
  /// Rows that a worker removes in one transaction.
  static let rowsPerSweep = 500
  /// Rules whose time has come, handled in one transaction.
  static let schedulesPerTurn = 100
  /// Names of rules that a hop tells when they did not want an event.
  static let namesInHop = 20
  /// Tokens of connections kept in memory; when full, all are fetched again.
  static let cachedTokens = 1000
}
