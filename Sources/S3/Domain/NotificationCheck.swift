import Base

/// The checks of a notification configuration that need nobody else.
enum NotificationCheck {
  /// The configuration with ids where it had none. Throws InvalidArgument.
  /// - Parameter newID: makes an id.
  static func completed(_ configuration: NotificationConfiguration, newID: () -> String) throws(AWSError) -> NotificationConfiguration {
    var configuration = configuration
    if var queues = configuration.queueConfigurations {
      for place in queues.indices where queues[place].id?.isEmpty ?? true { queues[place].id = newID() }
      configuration.queueConfigurations = queues
    }
    if var topics = configuration.topicConfigurations {
      for place in topics.indices where topics[place].id?.isEmpty ?? true { topics[place].id = newID() }
      configuration.topicConfigurations = topics
    }
    if var functions = configuration.lambdaFunctionConfigurations {
      for place in functions.indices where functions[place].id?.isEmpty ?? true { functions[place].id = newID() }
      configuration.lambdaFunctionConfigurations = functions
    }
    try checkFilters(configuration)
    return configuration
  }

  private static func checkFilters(_ configuration: NotificationConfiguration) throws(AWSError) {
    let filters =
      (configuration.queueConfigurations ?? []).map(\.filter) + (configuration.topicConfigurations ?? []).map(\.filter)
      + (configuration.lambdaFunctionConfigurations ?? []).map(\.filter)
    for filter in filters {
      var names: Set<String> = []
      for rule in filter?.key?.filterRules ?? [] {
        guard let name = rule.name?.lowercased(), name == "prefix" || name == "suffix" else {
          throw S3Error.invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", rule.name ?? "")
        }
        guard names.insert(name).inserted else {
          throw S3Error.invalidArgument("Cannot specify more than one \(name) rule in a filter.", "FilterRule.Name", name)
        }
        guard (rule.value ?? "").utf8.count <= S3Limits.filterValueBytes else {
          throw S3Error.invalidArgument("Size of filter rule value cannot exceed \(S3Limits.filterValueBytes) bytes in UTF-8 representation",
            "FilterRule.Value", rule.value)
        }
      }
    }
  }

  /// Throws InvalidArgument for rules that are wrong by themselves or beside each other.
  static func check(_ rules: [NotificationRules.Rule], of bucket: Bucket) throws(AWSError) {
    guard rules.count <= S3Limits.notificationRules else {
      throw S3Error.invalidArgument("The number of notification configurations must be at most \(S3Limits.notificationRules)")
    }
    var ids: Set<String> = []
    for rule in rules {
      guard ids.insert(rule.id).inserted else {
        throw S3Error.invalidArgument("Same ID used for multiple configurations. IDs must be unique", "Id", rule.id)
      }
      guard rule.id.unicodeScalars.count <= 255 else { throw S3Error.invalidArgument("The ID of a configuration is too long", "Id", rule.id) }
      guard !rule.events.isEmpty else { throw S3Error.malformedXML }
      for event in rule.events where !NotificationEvents.all.contains(event) {
        throw S3Error.invalidArgument("The event '\(event)' is not supported for notifications", "Event", event)
      }
      try check(rule, of: bucket)
    }
    try checkOverlaps(rules)
  }

  private static func check(_ rule: NotificationRules.Rule, of bucket: Bucket) throws(AWSError) {
    let service =
      switch rule.service {
      case .queue: "sqs"
      case .topic: "sns"
      case .function: "lambda"
      }
    guard let arn = ARN(rule.target), arn.service == service, AccountID(arn.account) != nil else {
      throw S3Error.invalidArgument("The ARN could not be parsed", service == "lambda" ? "CloudFunction" : rule.target, rule.target)
    }
    guard arn.region == bucket.region.text else {
      throw S3Error.invalidArgument(
        "The notification destination service region is not valid for the bucket location constraint", rule.target, arn.region)
    }
    // Neither queue nor topic keeps an order here, so AWS refuses those that promise one.
    if service != "lambda", arn.resource.hasSuffix(".fifo") {
      throw S3Error.invalidDestination(rule.target, "The destination must be no FIFO \(service == "sqs" ? "queue" : "topic")")
    }
  }

  /// No event may go by two rules.
  private static func checkOverlaps(_ rules: [NotificationRules.Rule]) throws(AWSError) {
    for (place, rule) in rules.enumerated() {
      for (index, event) in rule.events.enumerated()
      where rule.events[..<index].contains(where: { NotificationEvents.overlap($0, event) }) {
        throw S3Error.overlappingEvents
      }
      for other in rules[..<place]
      where rule.events.contains(where: { event in other.events.contains { NotificationEvents.overlap($0, event) } }) {
        let prefixes = rule.prefix.begins(with: other.prefix) || other.prefix.begins(with: rule.prefix)
        let suffixes = rule.suffix.ends(with: other.suffix) || other.suffix.ends(with: rule.suffix)
        guard prefixes, suffixes else { continue }
        let hasFilters = !(rule.prefix + rule.suffix + other.prefix + other.suffix).isEmpty
        throw hasFilters ? S3Error.overlappingFilters : S3Error.overlappingEvents
      }
    }
  }
}
