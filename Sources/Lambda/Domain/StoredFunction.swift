import Base

/// A function with what belongs to no single version.
struct StoredFunction: Sendable, Equatable {
  /// `$LATEST` as the user last configured it.
  var latest: FunctionVersion
  /// What serves while an update is under way or after it failed; nil when `latest` does.
  var serving: FunctionVersion?
  var tags: [String: String] = [:]
  /// Concurrent executions set aside for the function, and its ceiling; nil without a reservation.
  var reservedConcurrency: Int?
  /// The highest version number that was ever published; 0 before the first.
  var lastVersion = 0
  /// A version that was published together with the change that is under way, and is not ready before it.
  var versionInProgress: Int?
  /// A chain of invocations that comes back to the function again and again is not stopped.
  var allowsRecursion = false
  /// The id of its code signing configuration.
  var codeSigning: String?

  var id: FunctionID { latest.id }

  /// Why code and configuration cannot be changed now; nil when they can.
  var obstacle: AWSError? {
    if latest.state == .pending { return LambdaError.pending(id) }
    if latest.updateStatus == .inProgress { return LambdaError.updateInProgress(id) }
    if case .failed = latest.state { return LambdaError.failedFunction(id) }
    return nil
  }

  /// Notes that code or configuration changed: the new one serves once it is ready, until then the old one does.
  mutating func beginUpdate(to version: FunctionVersion, revisionID: String, at now: Instant) {
    if serving == nil { serving = latest }
    latest = version
    latest.updateStatus = .inProgress
    latest.lastModified = now
    latest.revisionID = revisionID
  }

  /// What is under way has ended well; the revision changes once more, as on AWS.
  mutating func becomeReady(revisionID: String) {
    latest.state = .active
    latest.updateStatus = .successful
    latest.revisionID = revisionID
    (serving, versionInProgress) = (nil, nil)
  }

  /// What is under way cannot succeed. A function that never ran is lost; one that did goes on with its old code.
  mutating func becomeFailed(reason: String, code: String) {
    if latest.state == .pending {
      latest.state = .failed(reason: reason, code: code)
    } else {
      latest.updateStatus = .failed(reason: reason, code: code)
    }
    versionInProgress = nil
  }

  var isInProgress: Bool { latest.state == .pending || latest.updateStatus == .inProgress }
}

/// A name for a version that can be moved to another one.
struct Alias: Sendable, Equatable {
  var function: FunctionID
  var name: String
  /// A number, or `$LATEST`.
  var version: String
  var description: String
  var revisionID: String
  /// A second version and its share of the invocations, 0 to 1.
  var routing: Routing?

  struct Routing: Sendable, Equatable {
    var version: String
    var weight: Double
  }

  var arn: String { "\(function.arn):\(name)" }
  func pointsAt(_ number: String) -> Bool { version == number || routing?.version == number }
}

/// How asynchronous events of a function, version or alias are retried.
struct EventInvokeSettings: Sendable, Equatable {
  /// 0 to 2; 2 when nobody set it.
  var maximumRetryAttempts: Int?
  /// 60 s to 6 h; 6 h when nobody set it.
  var maximumEventAge: Duration?
  var lastModified: Instant
  /// Where the record of an event that succeeded or was given up goes: an SQS queue or a function.
  var onSuccess: ARN?
  var onFailure: ARN?
}

/// Environments that are to be ready for a version or alias before they are used.
struct ProvisionedConcurrency: Sendable, Equatable {
  var requested: Int
  /// Changes with each request, so that one that failed can be made again.
  var revision: String
  var lastModified: Instant
}

/// What an invocation needs to know of its target, and nothing that takes a store read to find out.
struct ResolvedFunction: Sendable, Equatable {
  /// What is to run.
  var version: FunctionVersion
  /// The alias through which it was named.
  var alias: String?
  var reservedConcurrency: Int?
  /// The resource policy of the function, version or alias as it was named.
  var policy: String?
  /// Of the function, for policies that ask for them.
  var tags: [String: String] = [:]
  var asynchronous: EventInvokeSettings?
  var allowsRecursion = false
}
