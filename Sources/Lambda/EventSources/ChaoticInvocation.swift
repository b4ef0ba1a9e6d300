import Base
import Fabric

/// The faults of invocations that nobody waits for: of the asynchronous queue and of mappings.
extension Chaos {
  typealias Invoked = (requestID: String, result: InvocationResult)

  /// Runs a function, unless a rule lets it crash before it begins; and once more when it has succeeded and a rule says so. What becomes
  /// of the second time is nobody's concern.
  /// - Parameters:
  ///   - requestID: of the event.
  ///   - body: is given the trace of the second time.
  /// - Throws: TooManyRequestsException, and what `body` throws.
  func invoking(
    _ version: FunctionVersion, _ point: @autoclosure () -> ChaosPoint, requestID: @autoclosure () -> String,
    _ body: (TraceContext?) async throws -> Invoked
  ) async throws -> Invoked {
    guard isOn else { return try await body(nil) }
    let point = point()
    switch try await obstacle(point, in: .adjusted) {
    case .fail:
      let id = requestID()
      return (
        id, InvocationResult(outcome: .functionError(.crash(id)), executedVersion: version.version, logTail: [], duration: nil)
      )
    case .throttle: throw LambdaError.throttled(reason: "ConcurrentInvocationLimitExceeded")
    default: break
    }
    let invoked = try await body(nil)
    if case .success = invoked.result.outcome, let again = duplicate(point) { _ = try? await body(again) }
    return invoked
  }
}

extension FunctionError {
  /// As of a function that crashed; none did.
  static func crash(_ requestID: String) -> FunctionError { .exit(requestID, .exited(1)) }
}

extension ChaosPoint {
  /// A batch of a mapping. That of a stream belongs to the service of the stream as well.
  init(_ mapping: EventSourceMapping, _ trace: TraceContext) {
    self.init(
      service: "lambda", origin: mapping.kind == .queue ? nil : mapping.source.service, account: mapping.function.account,
      region: mapping.function.region, source: mapping.source.text, target: mapping.functionARN, trace: trace)
  }

  /// An attempt of the asynchronous queue.
  init(_ event: AsyncEvent, _ trace: TraceContext) {
    let arn = FunctionName(id: event.function, qualifier: event.qualifier).arn
    self.init(
      service: "lambda", account: event.function.account, region: event.function.region, source: arn, target: arn, resources: [arn],
      trace: trace)
  }
}
