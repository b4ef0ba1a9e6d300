/// The numbers of durable executions, as the developer guide ("Lambda quotas", "Lambda durable functions") and the API model
/// state them.
enum DurableLimits {
  static let executionTimeoutSeconds = 1...31_622_400
  static let retentionDays = 1...90
  /// AWS's guide and recorded answers; one text of the API says 30.
  static let defaultRetentionDays = 14
  /// A function that may run longer cannot be invoked synchronously.
  static let synchronousSeconds = 900

  /// Of the time-outs of a callback; zero means none. The API model states no end, AWS's answers do.
  static let callbackSeconds = 0...99_999_999

  /// Bytes of the input and the result of an execution that somebody waits for, and of any other.
  static let synchronousPayload = 6 << 20
  static let asynchronousPayload = 1 << 20
  /// Bytes of the payload of any other operation.
  static let operationPayload = 1 << 20
  /// Bytes of an error as JSON; it must be smaller.
  static let errorBytes = 32_768
  /// Executions of an account in a Region that have not ended. Those that other executions start are not refused for it.
  static let running = 1_000_000
  /// Operations of one execution, and bytes of all their payloads and errors.
  static let operations = 3000
  static let storedBytes = 100 << 20

  /// Of a list, of history events and of operations.
  static let page = 100
  static let largestPage = 1000
  /// Bytes of payloads in one page. Our own bound, below the 6 MB of an answer.
  static let pageBytes = 5 << 20
  /// Executions looked at for one page of a filtered list; the page is then short. Our own bound.
  static let listScan = 10_000

  /// How long a repeated checkpoint with the same client token gets the same answer.
  static let repeatWindow = Duration.minutes(15)

  /// Invocations in a row that may fail before the execution does. AWS goes on "for a few minutes"; the figures are our own.
  static let invocationAttempts = 5
  /// PENDING in a row with nothing to wait for.
  static let emptyAttempts = 3
  /// After the first failed invocation; it doubles with each further one.
  static let retryDelay = Duration.seconds(5)
  /// What could not be run at all (throttling, our own failure) is tried again after one second, then ever later.
  static let longestRefusalDelay = Duration.minutes(5)

  /// Operations that become due in one transaction. Our own bound: a later turn does the rest.
  static let dueOperations = 200
}
