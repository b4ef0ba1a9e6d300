import Base
import Fabric

/// What Lambda tells CloudWatch of functions, in the namespace `AWS/Lambda` (AWS: "Using CloudWatch metrics with Lambda").
enum FunctionMetric: Int, CaseIterable, Sendable {
  /// Of the running of code: recorded for each invocation that was not throttled, the errors as zeros and ones.
  case invocations, errors, duration
  /// Of each invocation that wanted to run.
  case throttles
  case concurrentExecutions
  /// On an environment that was provisioned, and beside those of a version that has some.
  case provisionedConcurrencyInvocations, provisionedConcurrencySpilloverInvocations
  /// How many of the provisioned environments work, and which part of them that is.
  case provisionedConcurrentExecutions, provisionedConcurrencyUtilization
  /// How long extensions went on after the runtime was done; of functions with extensions only.
  case postRuntimeExtensionsDuration
  case asyncEventsReceived, asyncEventAge, asyncEventsDropped
  case deadLetterErrors, destinationDeliveryFailures, recursiveInvocationsDropped
  case iteratorAge
  /// Code that is not signed as its function's configuration asks, and was let pass.
  case signatureValidationErrors
  /// Of function URLs.
  case urlRequestCount, url4xxCount, url5xxCount, urlRequestLatency

  var name: String {
    switch self {
    case .invocations: "Invocations"
    case .errors: "Errors"
    case .duration: "Duration"
    case .throttles: "Throttles"
    case .concurrentExecutions: "ConcurrentExecutions"
    case .provisionedConcurrencyInvocations: "ProvisionedConcurrencyInvocations"
    case .provisionedConcurrencySpilloverInvocations: "ProvisionedConcurrencySpilloverInvocations"
    case .asyncEventsReceived: "AsyncEventsReceived"
    case .asyncEventAge: "AsyncEventAge"
    case .asyncEventsDropped: "AsyncEventsDropped"
    case .deadLetterErrors: "DeadLetterErrors"
    case .destinationDeliveryFailures: "DestinationDeliveryFailures"
    case .recursiveInvocationsDropped: "RecursiveInvocationsDropped"
    case .iteratorAge: "IteratorAge"
    case .provisionedConcurrentExecutions: "ProvisionedConcurrentExecutions"
    case .provisionedConcurrencyUtilization: "ProvisionedConcurrencyUtilization"
    case .postRuntimeExtensionsDuration: "PostRuntimeExtensionsDuration"
    case .signatureValidationErrors: "SignatureValidationErrors"
    case .urlRequestCount: "UrlRequestCount"
    case .url4xxCount: "Url4xxCount"
    case .url5xxCount: "Url5xxCount"
    case .urlRequestLatency: "UrlRequestLatency"
    }
  }

  var unit: String {
    switch self {
    case .duration, .asyncEventAge, .iteratorAge, .postRuntimeExtensionsDuration, .urlRequestLatency: "Milliseconds"
    // A part of one, as 0.5.
    case .provisionedConcurrencyUtilization: "None"
    case .invocations, .errors, .throttles, .concurrentExecutions, .provisionedConcurrencyInvocations,
      .provisionedConcurrencySpilloverInvocations, .asyncEventsReceived, .asyncEventsDropped, .deadLetterErrors,
      .destinationDeliveryFailures, .recursiveInvocationsDropped, .provisionedConcurrentExecutions, .signatureValidationErrors,
      .urlRequestCount, .url4xxCount, .url5xxCount: "Count"
    }
  }

  /// The values of all functions together are a metric of the account, without dimensions. What counts how many run at the same
  /// time cannot be put together from the functions: the account has numbers of its own.
  var isOfAccountToo: Bool {
    switch self {
    case .concurrentExecutions, .provisionedConcurrentExecutions, .provisionedConcurrencyUtilization: false
    case .invocations, .errors, .duration, .throttles, .provisionedConcurrencyInvocations,
      .provisionedConcurrencySpilloverInvocations, .asyncEventsReceived, .asyncEventAge, .asyncEventsDropped, .deadLetterErrors,
      .destinationDeliveryFailures, .recursiveInvocationsDropped, .iteratorAge, .postRuntimeExtensionsDuration, .signatureValidationErrors,
      .urlRequestCount,
      .url4xxCount, .url5xxCount, .urlRequestLatency: true
    }
  }
}

/// What Lambda tells CloudWatch of a mapping with the group `EventCount` (AWS: "Event source mapping metrics").
enum MappingMetric: String, Sendable {
  case polled = "PolledEventCount", filteredOut = "FilteredOutEventCount", invoked = "InvokedEventCount"
  case failedInvoke = "FailedInvokeEventCount"
  /// Streams only.
  case dropped = "DroppedEventCount", delivered = "OnFailureDestinationDeliveredEventCount"
  /// Queues only.
  case deleted = "DeletedEventCount"
  /// Of a mapping with provisioned pollers, with or without the group.
  case provisionedPollers = "ProvisionedPollers"
}

/// Whose metric it is: the function as it was named, and the version that ran.
struct MetricTarget: Hashable, Sendable {
  var function: FunctionID
  /// The version or alias; nil for the function by its name alone.
  var qualifier: String?
  /// The version that an alias led to.
  var executedVersion: String?

  init(_ resolved: ResolvedFunction) {
    function = resolved.version.id
    let version = resolved.version.version
    qualifier = resolved.alias ?? (version == FunctionVersion.latest ? nil : version)
    executedVersion = resolved.alias == nil ? nil : version
  }
  /// What ran, by the ARN that it was invoked with.
  init(_ version: FunctionVersion, invokedAs arn: String) {
    function = version.id
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
    let named = parts.count > 7 ? String(parts[7]) : nil
    qualifier = named == FunctionVersion.latest ? nil : named
    executedVersion = named == nil || named == version.version ? nil : version.version
  }
  /// Before it is known what will run.
  init(_ function: FunctionID, qualifier: String?) {
    (self.function, self.qualifier) = (function, qualifier == FunctionVersion.latest ? nil : qualifier)
  }

  /// The sets of dimensions under which AWS shows a value, but for the one without any.
  var dimensionSets: [[MetricDimension]] {
    let name = MetricDimension("FunctionName", function.name)
    let resource = MetricDimension("Resource", qualifier.map { "\(function.name):\($0)" } ?? function.name)
    let sets = [[name], [name, resource]]
    return executedVersion.map { sets + [[name, resource, MetricDimension("ExecutedVersion", $0)]] } ?? sets
  }
}
