import Base
import Fabric

/// The steps of events into functions, for `dewpoint trace`.
struct InvocationHops: Sendable {
  let port: any HopPort
  let ambient: Ambient

  func begin(_ trace: TraceContext) -> OpenHop { port.begin(trace, ambient) }

  /// - Parameters:
  ///   - source: the ARN of who or what brought the event.
  ///   - target: the ARN of the function, or of what is told about it.
  func end(
    _ hop: OpenHop, _ action: String, of function: FunctionID, from source: String, to target: String, attempt: Int = 0,
    _ outcome: HopOutcome, _ reason: String? = nil
  ) {
    port.end(
      hop, ambient, account: function.account, region: function.region, service: "lambda", action: action, source: source, target: target,
      attempt: attempt, outcome: outcome, reason: reason)
  }

  typealias Invoked = (requestID: String, result: InvocationResult)

  /// Runs an invocation whose result somebody waits for, as a hop.
  func recording(
    _ trace: TraceContext, of function: FunctionID, from source: String, to target: String, _ body: (TraceContext) async throws -> Invoked
  ) async throws -> Invoked {
    let hop = begin(trace)
    do {
      let invoked = try await body(hop.trace)
      let (outcome, reason) = invoked.result.outcome.hop
      end(hop, "Invoke", of: function, from: source, to: target, outcome, reason)
      return invoked
    } catch {
      end(hop, "Invoke", of: function, from: source, to: target, .failure(of: error), Self.reason(error))
      throw error
    }
  }

  static func reason(_ error: any Error) -> String {
    guard let error = error as? AWSError else { return "\(error)" }
    // What was exhausted is in a member of its own.
    let detail = error.members.first { $0.name == "Reason" }?.value.string
    return error.hopReason + (detail.map { " (\($0))" } ?? "")
  }
}

extension HopOutcome {
  static func failure(of error: any Error) -> HopOutcome { (error as? AWSError).map(failure) ?? .failed }
}

extension InvocationOutcome {
  var hop: (HopOutcome, String?) {
    switch self {
    case .success: (.delivered, nil)
    case .functionError(let error): (.failed, error.hopReason)
    case .systemError(let reason): (.failed, reason)
    }
  }
}

extension FunctionError {
  /// Type and message of the error object.
  var hopReason: String {
    let json = try? JSON.parse(body)
    let parts = [json?["errorType"]?.string ?? type, json?["errorMessage"]?.string].compactMap { $0 }
    return parts.isEmpty ? "the function failed" : parts.joined(separator: ": ")
  }
}

extension AsyncAttempt {
  /// Why it is no success.
  var hopReason: String? {
    switch self {
    case .succeeded: nil
    case .functionFailed(let error): error.hopReason
    case .notRun(let reason): reason
    case .stoppedByZeroReservation, .functionGone, .recursion, .tooOld: nil
    }
  }
}
