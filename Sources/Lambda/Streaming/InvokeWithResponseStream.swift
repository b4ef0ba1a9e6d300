import Base
import Fabric
import Wire

/// The Invoke API whose answer is an event stream (AWS: Lambda API Reference, InvokeWithResponseStream).
extension InvokeOperation {
  var streamOperation: Operation {
    Operation(
      "InvokeWithResponseStream",
      access: { (input: InvokeWithResponseStreamInput, call) in try await access(input.functionName, input.qualifier, call) },
      stream: { try await stream($0, $1) })
  }

  private func stream(_ input: InvokeWithResponseStreamInput, _ call: Call) async throws -> EventStreamOutput {
    if input.tenantId != nil { throw LambdaError.unsupported("TenantId") }
    let name = try FunctionName(input.functionName, qualifier: input.qualifier, account: call.account, region: call.region)
    let resolved = try await control.resolve(name)
    let payload = try checked(input.payload)
    var output = InvokeWithResponseStreamOutput()
    switch input.invocationType ?? "RequestResponse" {
    case "DryRun":
      output.statusCode = 204
      return EventStreamOutput(output.record)
    case "RequestResponse": break
    case let other:
      throw LambdaError.constraint(other, at: "invocationType", "Member must satisfy enum value set: [RequestResponse, DryRun]")
    }
    try check(clientContext: input.clientContext)
    let wantsLogTail = input.logType == "Tail"
    let pipe = ResponsePipe(bytesPerSecond: streamedBytesPerSecond, clock: clock)
    try await invoker.stream(
      resolved, payload: payload, requestID: call.requestID, invokedARN: name.arn, trace: call.trace,
      clientContext: input.clientContext, wantsLogTail: wantsLogTail, by: call.principal.hopSource, into: pipe)
    let reader = ResponseReader(pipe)
    let opening = try await reader.opening()
    // Nothing has been answered yet, so it can still be an error of the call.
    if case .finished(let result) = opening, case .systemError(let reason) = result.outcome { throw LambdaError.service(reason) }
    (output.statusCode, output.executedVersion) = (200, resolved.version.version)
    return EventStreamOutput(output.record) { try await Self.send(opening, reader, wantsLogTail, $0) }
  }

  private static func send(
    _ opening: ResponsePipe.Opening, _ reader: ResponseReader, _ wantsLogTail: Bool, _ send: EventStreamOutput.Send
  ) async throws {
    switch opening {
    case .streaming: while let piece = try await reader.next() { try await send(.chunk(piece)) }
    case .finished(let result):
      if case .success(let body) = result.outcome, !body.isEmpty { try await send(.chunk(body)) }
    }
    guard let result = reader.result else { throw CancellationError() }
    try await send(.complete(result, hasBegun: reader.hasBegun, wantsLogTail))
  }
}

extension EventStreamMessage {
  fileprivate static func chunk(_ bytes: [UInt8]) -> EventStreamMessage {
    .event("PayloadChunk", contentType: "application/octet-stream", bytes)
  }

  /// The last message. A stream that fails is told by the type of the failure; an error in place of an answer is `Unhandled`, as
  /// the function error of Invoke.
  fileprivate static func complete(_ result: InvocationResult, hasBegun: Bool, _ wantsLogTail: Bool) -> EventStreamMessage {
    var members = JSONObject()
    switch result.outcome {
    case .success: break
    case .functionError(let error):
      members["ErrorCode"] = .string(hasBegun ? error.type ?? "Unhandled" : "Unhandled")
      members["ErrorDetails"] = .string(error.body.utf8Text)
    case .systemError(let reason):
      members["ErrorCode"] = "ServiceException"
      members["ErrorDetails"] = .string(reason)
    }
    if wantsLogTail { members["LogResult"] = .string(result.logTail.base64) }
    return .event("InvokeComplete", contentType: "application/json", JSON.object(members).bytes)
  }
}
