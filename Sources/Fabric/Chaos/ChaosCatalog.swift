import Base

/// What rules can strike: a rule that could never do anything is refused, with the words for whoever wrote it.
public struct ChaosCatalog: Sendable {
  /// What becomes of deliveries: a service that is not here makes none.
  private static let deliveries: [String: Set<ChaosFault>] = [
    // To consumers, who fetch for themselves: what of it fails is a call (ReceiveMessage).
    "sqs": [.duplicate, .reorder],
    "sns": carried, "s3": carried, "events": carried, "scheduler": carried, "pipes": carried, "firehose": carried,
    "lambda": carried.union([.reorder]),
    // Batches of shards, which keep their order.
    "kinesis": carried, "dynamodb": carried,
  ]
  private static let carried: Set<ChaosFault> = [.duplicate, .fail, .throttle, .slow]
  private static let ofCalls: Set<ChaosFault> = [.fail, .throttle, .slow]
  public static let longestDelay = Duration.minutes(15)
  private static let longestResource = 2048

  private let operations: [String: Set<String>]

  /// - Parameter apis: that the server has; only operations that are implemented can be struck.
  public init(_ apis: [ServiceAPI]) {
    self.init(operations: Dictionary(apis.map { ($0.model.name, Set($0.operations.keys)) }) { $1 })
  }
  init(operations: [String: Set<String>]) { self.operations = operations }

  /// Throws `AWSError` 400.
  public func check(_ rule: ChaosRule.Settings) throws(AWSError) {
    guard let known = operations[rule.service] else {
      throw Self.refused("There is no service '\(rule.service)'. There are: \(operations.keys.sorted().joined(separator: ", ")).")
    }
    try checkPlace(rule, known)
    guard rule.rate > 0, rule.rate <= 1 else { throw Self.refused("A rate is above 0 and at most 1.") }
    if let count = rule.count, count < 1 { throw Self.refused("A count is at least 1.") }
    if rule.fault == .slow {
      guard rule.delay > .zero, rule.delay <= Self.longestDelay else {
        throw Self.refused("'slow' needs a delay such as 500ms or 2s, of at most 15 minutes.")
      }
    } else if rule.delay != .zero {
      throw Self.refused("Only 'slow' has a delay.")
    }
    guard let resource = rule.resource else { return }
    guard !resource.isEmpty, resource.utf8.count <= Self.longestResource else {
      throw Self.refused("A resource is an ARN or a name of 1 to \(Self.longestResource) characters.")
    }
    if !Self.ofCalls.contains(rule.fault), resource.hasSuffix(".fifo") {
      throw Self.refused("AWS keeps the order of FIFO queues and topics and delivers nothing twice there, and so does '\(rule.fault.rawValue)'.")
    }
  }

  private func checkPlace(_ rule: ChaosRule.Settings, _ known: Set<String>) throws(AWSError) {
    let (fault, service) = (rule.fault, rule.service)
    let strikesDeliveries = Self.deliveries[service]?.contains(fault) ?? false
    guard let operation = rule.operation, operation != ChaosPoint.deliver else {
      // Without an operation its calls are struck as well.
      guard strikesDeliveries || rule.operation == nil && Self.ofCalls.contains(fault) else { throw Self.nothing(fault, service) }
      return
    }
    guard Self.ofCalls.contains(fault) else {
      guard strikesDeliveries else { throw Self.nothing(fault, service) }
      throw Self.refused("'\(fault.rawValue)' strikes deliveries, and no calls: leave the operation out, or say 'deliver'.")
    }
    guard known.contains(operation) else { throw Self.refused("\(service) has no operation '\(operation)'.") }
  }

  private static func nothing(_ fault: ChaosFault, _ service: String) -> AWSError {
    let able = deliveries.filter { $0.value.contains(fault) }.keys.sorted().joined(separator: ", ")
    let why = fault == .reorder && deliveries[service] != nil ? "What \(service) delivers has no order to lose, or must keep it." : "It would never strike at \(service)."
    return refused("\(why) '\(fault.rawValue)' is for deliveries of: \(able).")
  }
  private static func refused(_ text: String) -> AWSError { AWSError("BadRequest", text, status: 400) }
}
