import Base

/// What the members of a request say of a stream, checked. Nil was not given; the inner nil takes a limit away.
struct StreamMembers {
  var start: StreamSettings.Start?
  var parallelizationFactor: Int?
  var maximumRecordAge: Duration??
  var maximumRetryAttempts: Int??
  var bisectsOnError: Bool?
  var tumblingWindow: Duration??
  var onFailure: ARN??

  mutating func set(_ input: some MappingMembers) throws {
    if let factor = input.parallelizationFactor {
      try LambdaLimits.parallelizationFactor.check(factor, at: "parallelizationFactor")
      parallelizationFactor = factor
    }
    if let age = input.maximumRecordAgeInSeconds {
      guard age == -1 || LambdaLimits.recordAgeSeconds.contains(age) else {
        throw LambdaError.invalidParameter(
          "MaximumRecordAgeInSeconds must be -1 or between \(LambdaLimits.recordAgeSeconds.lowerBound) and "
            + "\(LambdaLimits.recordAgeSeconds.upperBound).")
      }
      maximumRecordAge = .some(age == -1 ? nil : .seconds(age))
    }
    if let attempts = input.maximumRetryAttempts {
      try LambdaLimits.streamRetryAttempts.check(attempts, at: "maximumRetryAttempts")
      maximumRetryAttempts = .some(attempts == -1 ? nil : attempts)
    }
    bisectsOnError = input.bisectBatchOnFunctionError
    if let window = input.tumblingWindowInSeconds {
      try LambdaLimits.tumblingWindowSeconds.check(window, at: "tumblingWindowInSeconds")
      tumblingWindow = .some(window == 0 ? nil : .seconds(window))
    }
    if let destination = input.destinationConfig {
      if !(destination.onSuccess?.destination ?? "").isEmpty {
        throw LambdaError.invalidParameter("Unsupported OnSuccess destination for given event source mapping type.")
      }
      if let target = destination.onFailure?.destination { onFailure = .some(try Self.target(target)) }
    }
  }

  /// Nil for an empty text, by which a destination is taken away.
  private static func target(_ text: String) throws -> ARN? {
    guard !text.isEmpty else { return nil }
    guard let arn = ARN(text), !arn.resource.isEmpty else { throw LambdaError.badDestination(text) }
    switch arn.service {
    case "sqs", "sns": break
    case "s3" where arn.isBucket: return arn
    default: throw LambdaError.badDestination(text)
    }
    guard AccountID(arn.account) != nil, !arn.resource.hasSuffix(".fifo") else { throw LambdaError.badDestination(text) }
    return arn
  }

  static func start(_ position: String?, _ timestamp: Instant?, of source: ARN, _ kind: SourceKind, now: Instant) throws
    -> StreamSettings.Start
  {
    guard let position else { throw LambdaError.noStartingPosition() }
    guard position == "AT_TIMESTAMP" else {
      if timestamp != nil { throw LambdaError.memberUnsupported("StartingPositionTimestamp") }
      return position == "LATEST" ? .latest : .trimHorizon
    }
    guard kind == .kinesis else { throw LambdaError.startUnsupported(source) }
    guard let timestamp else {
      throw LambdaError.invalidParameter("StartingPositionTimestamp must be specified when StartingPosition is AT_TIMESTAMP.")
    }
    guard timestamp <= now else { throw LambdaError.invalidParameter("StartingPositionTimestamp cannot be in the future.") }
    return .timestamp(timestamp)
  }

  /// None of them is for a queue.
  static func refuse(_ input: some MappingMembers) throws {
    let destinations = [input.destinationConfig?.onSuccess?.destination, input.destinationConfig?.onFailure?.destination]
    let given = [
      ("DestinationConfig", destinations.contains { $0 != nil }),
      ("ParallelizationFactor", input.parallelizationFactor != nil),
      ("MaximumRecordAgeInSeconds", input.maximumRecordAgeInSeconds != nil),
      ("BisectBatchOnFunctionError", input.bisectBatchOnFunctionError == true),
      ("MaximumRetryAttempts", input.maximumRetryAttempts != nil),
      ("TumblingWindowInSeconds", input.tumblingWindowInSeconds != nil),
    ]
    if let member = given.first(where: \.1)?.0 { throw LambdaError.memberUnsupported(member) }
  }

  func apply(to settings: inout StreamSettings?) {
    if settings == nil { settings = start.map { StreamSettings(start: $0) } }
    guard var changed = settings else { return }
    changed.parallelizationFactor = parallelizationFactor ?? changed.parallelizationFactor
    changed.bisectsOnError = bisectsOnError ?? changed.bisectsOnError
    if let maximumRecordAge { changed.maximumRecordAge = maximumRecordAge }
    if let maximumRetryAttempts { changed.maximumRetryAttempts = maximumRetryAttempts }
    if let tumblingWindow { changed.tumblingWindow = tumblingWindow }
    if let onFailure { changed.onFailure = onFailure }
    settings = changed
  }
}

extension ARN {
  /// `arn:aws:s3:::NAME`
  var isBucket: Bool { service == "s3" && region.isEmpty && account.isEmpty && !resource.isEmpty && !resource.contains("/") }
}
