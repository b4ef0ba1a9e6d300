import Base
import Fabric
import Logging
import Store
import Synchronization
import Wire

/// Runs operations for requests from outside and for calls from one service to another, with the same checks.
public final class Dispatcher: Door {
  private let authoriser: any Authoriser
  private let ambient: Ambient
  private let logger: Logger
  private let metrics: RequestMetrics?
  private let chaos: Chaos
  private let table = Mutex<[String: ServiceAPI]>([:])

  /// - Parameters:
  ///   - logger: hears the inward causes of failures.
  ///   - metrics: counts the calls from one service to another; those of clients are counted before.
  ///   - chaos: the faults of calls.
  public init(
    authoriser: any Authoriser, ambient: Ambient, logger: Logger = .silent, metrics: RequestMetrics? = nil, chaos: Chaos = .off
  ) {
    (self.authoriser, self.ambient, self.logger, self.metrics, self.chaos) = (authoriser, ambient, logger, metrics, chaos)
  }

  /// Makes the APIs known. Services get the door before they exist for others, so this comes after their making.
  public func install(_ apis: [ServiceAPI]) {
    table.withLock { table in for api in apis { table[api.model.name] = api } }
  }

  public var apis: [ServiceAPI] { table.withLock { Array($0.values) } }
  public func api(_ service: String) -> ServiceAPI? { table.withLock { $0[service] } }
  public func model(_ service: String) -> ServiceModel? { api(service)?.model }

  public func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record? {
    guard let api = api(service) else { throw GatewayErrors.serviceNotImplemented(service) }
    let call = Call(
      service: service, operation: operation, principal: caller.principal, account: caller.account,
      region: api.isGlobal ? .global : caller.region, requestID: ambient.uuid(), trace: caller.trace, now: ambient.now,
      endpoint: caller.endpoint)
    let began = ambient.clock.monotonic()
    var status = 200
    defer {
      let name = api.operations[operation] == nil ? "Unknown" : operation
      metrics?.count(
        service: service, operation: name, status: status, origin: .service, duration: ambient.clock.monotonic() - began)
    }
    do {
      // A request from outside has been checked by its decoder.
      try api.model.validate(input)
      return try await perform(operation, of: api, input, call)
    } catch {
      let failure = error as? AWSError
      status = failure?.status ?? (failure?.fault == .client ? 400 : 500)
      throw error
    }
  }

  /// Authorises and runs. Every error that leaves here is an `AWSError` or a cancellation.
  public func perform(_ name: String, of api: ServiceAPI, _ input: Record, _ call: Call) async throws -> Record? {
    try await perform(name, of: api, input, call) { try await $0.run(input, call) }
  }

  /// The same for an operation whose output has an event stream.
  func performStream(_ name: String, of api: ServiceAPI, _ input: Record, _ call: Call) async throws -> EventStreamOutput {
    try await perform(name, of: api, input, call) { operation in
      guard let stream = operation.stream else { return EventStreamOutput(Record(Self.noOutput)) }
      return try await stream(input, call)
    }
  }

  /// The same for an operation that takes or gives bytes.
  func performTransfer(
    _ name: String, of api: ServiceAPI, _ input: Record, _ bytes: IncomingBytes, _ call: Call
  ) async throws -> TransferOutput {
    try await perform(name, of: api, input, call) { operation in
      guard let transfer = operation.transfer else { return TransferOutput(Record(Self.noOutput)) }
      return try await transfer(input, bytes, call)
    }
  }
  private static let noOutput = StructureShape(name: "Unit", members: [])

  private func perform<Output: Sendable>(
    _ name: String, of api: ServiceAPI, _ input: Record, _ call: Call, _ run: (Fabric.Operation) async throws -> Output
  ) async throws -> Output {
    guard let operation = api.operations[name] else { throw GatewayErrors.operationNotImplemented(api.model.name, name) }
    do {
      let accesses = try await operation.access(input, call)
      for access in accesses { try await authoriser.authorise(access, for: call) }
      if chaos.isOn { try await chaos.meet(ChaosPoint(api.model.name, name, accesses, call), in: .real) }
      return try await run(operation)
    } catch let error as AWSError {
      // A client's mistake is no trouble of the server, whatever it took to find it.
      if let cause = error.cause { log(cause, call, error.fault == .server ? .warning : .debug) }
      throw error
    } catch is CancellationError {
      throw CancellationError()
    } catch StoreError.closed {
      // The state was exchanged, or the server stops: nobody's failure either.
      throw GatewayErrors.stopping
    } catch {
      log(error, call, .error)
      throw GatewayErrors.outward(error)
    }
  }

  /// What a client sees of a failure before there was a call; the log sees the cause.
  func outward(_ error: any Error, service: String, requestID: String) -> AWSError {
    if let error = error as? AWSError { return error }
    // The client has gone, or the server is stopping: nobody's failure.
    if error is CancellationError { return GatewayErrors.stopping }
    if case StoreError.closed = error { return GatewayErrors.stopping }
    logger.error("request failed", metadata: ["service": "\(service)", "request": "\(requestID)", "cause": "\(error)"])
    return GatewayErrors.outward(error)
  }

  private func log(_ error: any Error, _ call: Call, _ level: Logger.Level) {
    logger.log(
      level: level, "call failed",
      metadata: [
        "service": "\(call.service)", "operation": "\(call.operation)", "request": "\(call.requestID)",
        "trace": "\(call.trace.root)", "cause": "\(error)",
      ])
  }
}

extension ChaosPoint {
  /// A call that is allowed.
  fileprivate init(_ service: String, _ operation: String, _ accesses: [Access], _ call: Call) {
    self.init(
      service: service, operation: operation, account: call.account, region: call.region, source: call.principal.hopSource,
      target: accesses.first?.resource ?? "*", resources: accesses.map(\.resource), trace: call.trace)
  }
}

extension Logger {
  /// Says nothing: for tests.
  public static var silent: Logger { Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() } }
}
