import Base
import Fabric

/// The Invoke API (AWS: Lambda API Reference, Invoke).
struct InvokeOperation: Sendable {
  /// Of an event for the asynchronous queue; 1 MB since October 2025.
  static let maximumEvent = 1 << 20
  /// Of the base64 text of the client context.
  static let maximumClientContext = 3583

  let control: ControlPlane
  let invoker: Invoker
  let queue: AsyncQueue
  let executions: DurableExecutions
  let hops: InvocationHops
  let clock: any AmbientClock
  /// Of streamed answers after their first 6 MB; 0 for no limit.
  let streamedBytesPerSecond: Int

  var operations: [Operation] {
    [
      Operation(
        "Invoke",
        access: { (input: InvokeInput, call) in try await access(input.functionName, input.qualifier, call) },
        run: { try await run($0, $1) }),
      streamOperation,
      Operation("InvokeAsync", access: { try await access($0, $1) }, run: { try await runAsync($0, $1) }),
    ]
  }

  private func access(_ input: InvokeAsyncInput, _ call: Call) async throws -> [Access] {
    let name = try FunctionName(input.functionName, account: call.account, region: call.region)
    let resolved = try? await control.resolve(name)
    let access = Access("lambda:InvokeAsync", on: name.arn, owner: name.id.account, resourcePolicy: resolved?.policy)
    return [access.having(resolved?.tags ?? [:])]
  }

  /// The predecessor of the invocation type `Event`, with the same queue behind it.
  private func runAsync(_ input: InvokeAsyncInput, _ call: Call) async throws -> InvokeAsyncOutput {
    let name = try FunctionName(input.functionName, account: call.account, region: call.region)
    let resolved = try await control.resolve(name)
    if resolved.version.durable != nil, name.qualifier == nil { throw LambdaError.unqualifiedDurable() }
    _ = try await enqueue(name, try checked(input.invokeArgs), call)
    var output = InvokeAsyncOutput()
    output.status = 202
    return output
  }

  func access(_ function: String, _ qualifier: String?, _ call: Call) async throws -> [Access] {
    let name = try FunctionName(function, qualifier: qualifier, account: call.account, region: call.region)
    let resolved = try? await control.resolve(name)
    let access = Access("lambda:InvokeFunction", on: name.arn, owner: name.id.account, resourcePolicy: resolved?.policy)
    return [access.having(resolved?.tags ?? [:])]
  }

  private func run(_ input: InvokeInput, _ call: Call) async throws -> InvokeOutput {
    if input.tenantId != nil { throw LambdaError.unsupported("TenantId") }
    let name = try FunctionName(input.functionName, qualifier: input.qualifier, account: call.account, region: call.region)
    let resolved = try await control.resolve(name)
    let payload = try checked(input.payload)
    if resolved.version.durable != nil { return try await invokeDurable(resolved, name, payload, input, call) }
    if input.durableExecutionName != nil { throw LambdaError.notDurable() }
    switch input.invocationType ?? "RequestResponse" {
    case "DryRun":
      var output = InvokeOutput()
      output.statusCode = 204
      return output
    case "Event": return try await enqueue(name, payload, call)
    case "RequestResponse": return try await invoke(resolved, name, payload, input, call)
    case let other:
      throw LambdaError.constraint(
        other, at: "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
    }
  }

  /// The payload, which is empty or JSON.
  func checked(_ payload: [UInt8]?) throws -> [UInt8] {
    guard let payload, !payload.isEmpty else { return [] }
    do { try JSON.check(payload) } catch { throw LambdaError.contentNotJSON("\(error)") }
    return payload
  }

  func check(clientContext: String?) throws {
    guard let context = clientContext else { return }
    guard context.utf8.count <= Self.maximumClientContext, let json = decodeBase64(context), (try? JSON.check(json)) != nil
    else { throw LambdaError.clientContextInvalid() }
  }

  /// An execution is started; a caller who waits gets its result. (AWS: "Invoking durable Lambda functions".)
  private func invokeDurable(
    _ resolved: ResolvedFunction, _ name: FunctionName, _ payload: [UInt8], _ input: InvokeInput, _ call: Call
  ) async throws -> InvokeOutput {
    guard name.qualifier != nil else { throw LambdaError.unqualifiedDurable() }
    // Nobody can hand it to the invocations that come later.
    if input.clientContext != nil { throw LambdaError.unsupported("ClientContext for a durable function") }
    var output = InvokeOutput()
    switch input.invocationType ?? "RequestResponse" {
    case "DryRun": output.statusCode = 204
    case "Event":
      guard payload.count <= Self.maximumEvent else { throw LambdaError.eventTooLarge(payload.count, limit: Self.maximumEvent) }
      let hop = hops.begin(call.trace)
      let started = try await executions.start(
        resolved, name: input.durableExecutionName, payload: payload,
        origin: .asynchronous(requestID: call.requestID, qualifier: name.qualifier), trace: hop.trace)
      hops.end(hop, "Invoke", of: name.id, from: call.principal.hopSource, to: name.arn, .accepted)
      (output.statusCode, output.durableExecutionArn) = (202, started.id.arn)
    case "RequestResponse":
      let (id, result) = try await executions.invoke(
        resolved, name: input.durableExecutionName, payload: payload, invokedARN: name.arn, trace: call.trace)
      (output.statusCode, output.executedVersion, output.durableExecutionArn) = (200, result.executedVersion, id.arn)
      switch result.outcome {
      case .success(let body): output.payload = body
      case .functionError(let error): (output.functionError, output.payload) = ("Unhandled", error.body)
      case .systemError(let reason): throw LambdaError.service(reason)
      }
    case let other:
      throw LambdaError.constraint(
        other, at: "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
    }
    return output
  }

  private func enqueue(_ name: FunctionName, _ payload: [UInt8], _ call: Call) async throws -> InvokeOutput {
    guard payload.count <= Self.maximumEvent else { throw LambdaError.eventTooLarge(payload.count, limit: Self.maximumEvent) }
    let hop = hops.begin(call.trace)
    try await queue.accept(
      AsyncEvent(
        requestID: call.requestID, function: name.id, qualifier: name.qualifier, payload: payload, trace: hop.trace,
        acceptedAt: call.now, failures: 0, refusals: 0))
    hops.end(hop, "Invoke", of: name.id, from: call.principal.hopSource, to: name.arn, .accepted)
    var output = InvokeOutput()
    output.statusCode = 202
    return output
  }

  private func invoke(
    _ resolved: ResolvedFunction, _ name: FunctionName, _ payload: [UInt8], _ input: InvokeInput, _ call: Call
  ) async throws -> InvokeOutput {
    try check(clientContext: input.clientContext)
    let wantsLogTail = input.logType == "Tail"
    let (_, result) = try await invoker.invoke(
      resolved, payload: payload, requestID: call.requestID, invokedARN: name.arn, trace: call.trace,
      clientContext: input.clientContext, wantsLogTail: wantsLogTail, countsRate: true,
      by: call.principal.hopSource)
    var output = InvokeOutput()
    output.statusCode = 200
    output.executedVersion = result.executedVersion
    if wantsLogTail { output.logResult = result.logTail.base64 }
    switch result.outcome {
    case .success(let body): output.payload = body
    case .functionError(let error):
      output.functionError = "Unhandled"
      output.payload = error.body
    case .systemError(let reason): throw LambdaError.service(reason)
    }
    return output
  }
}
