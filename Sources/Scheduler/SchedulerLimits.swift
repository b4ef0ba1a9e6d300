import Base

/// The numbers of EventBridge Scheduler ("Quotas for Amazon EventBridge Scheduler" and the API reference), and those of our own.
enum SchedulerLimits {
  static let groups = 500
  static let tags = 50
  static let inputBytes = 262_144
  static let page = 100
  static let retryAttempts = 185
  static let eventAgeSeconds = 86_400
  /// A start date may lie a little in the past.
  static let startTolerance = Duration.minutes(5)

  /// Between two attempts: from a second to this, doubled each time.
  static let longestPause = Duration.minutes(10)
  /// Schedules that one transaction of a worker brings on the way, or removes.
  static let step = 100
}
