import Base
import Fabric
import Store

/// The operations of the Lambda API on durable executions.
struct DurableAPI: Sendable {
  let control: ControlPlane
  let executions: DurableExecutions
  let targets: DurableTargets

  var operations: [Operation] {
    [
      Operation(
        "CheckpointDurableExecution",
        access: { (i: CheckpointDurableExecutionInput, c) in
          try access("CheckpointDurableExecution", i.durableExecutionArn, c)
        }, run: checkpoint),
      Operation(
        "GetDurableExecutionState",
        access: { (i: GetDurableExecutionStateInput, c) in try access("GetDurableExecutionState", i.durableExecutionArn, c) },
        run: state),
      Operation(
        "GetDurableExecution",
        access: { (i: GetDurableExecutionInput, c) in try access("GetDurableExecution", i.durableExecutionArn, c) }, run: get),
      Operation(
        "GetDurableExecutionHistory",
        access: { (i: GetDurableExecutionHistoryInput, c) in
          try access("GetDurableExecutionHistory", i.durableExecutionArn, c)
        }, run: history),
      Operation(
        "ListDurableExecutionsByFunction",
        access: { (i: ListDurableExecutionsByFunctionInput, c) in
          try await control.access("ListDurableExecutionsByFunction", i.functionName, i.qualifier, c)
        }, run: list),
      Operation(
        "StopDurableExecution",
        access: { (i: StopDurableExecutionInput, c) in try access("StopDurableExecution", i.durableExecutionArn, c) },
        run: stop),
    ] + callbackOperations
  }

  /// Permission on an execution; an ARN that the model lets pass and that names none is not found.
  private func access(_ action: String, _ arn: String, _ call: Call) throws -> [Access] {
    let id = try execution(arn, call)
    return [Access("lambda:\(action)", on: id.arn, owner: id.function.account)]
  }

  private func execution(_ arn: String, _ call: Call) throws -> DurableExecutionID {
    guard let id = DurableExecutionID(arn: arn), id.function.region == call.region else { throw LambdaError.noDurableExecution() }
    return id
  }

  private func checkpoint(_ input: CheckpointDurableExecutionInput, _ call: Call) async throws
    -> CheckpointDurableExecutionOutput
  {
    let id = try execution(input.durableExecutionArn, call)
    var updates: [DurableUpdate] = []
    do {
      for (place, shape) in (input.updates ?? []).enumerated() {
        try Self.check(shape.callbackOptions, at: "updates.\(place + 1).member.callbackOptions")
        let isChain = shape.type == DurableOperation.Kind.chainedInvoke.rawValue
        let options = isChain ? shape.chainedInvokeOptions : nil
        let target: DurableTarget? = if let options { try await targets.find(options, for: id) } else { nil }
        updates.append(try DurableUpdate(shape, target: target))
      }
    } catch let refusal as DurableRefusal {
      throw LambdaError.invalidParameter(refusal.description)
    }
    let answer = try await executions.checkpoint(
      id, token: input.checkpointToken, clientToken: input.clientToken, updates)
    var output = CheckpointDurableExecutionOutput()
    output.checkpointToken = answer.token
    var state = CheckpointUpdatedExecutionState()
    state.operations = answer.operations.map { OperationShape($0) }
    output.newExecutionState = state
    return output
  }

  private static func check(_ options: CallbackOptions?, at path: String) throws {
    try options?.timeoutSeconds.map { try DurableLimits.callbackSeconds.check($0, at: "\(path).timeoutSeconds") }
    try options?.heartbeatTimeoutSeconds.map {
      try DurableLimits.callbackSeconds.check($0, at: "\(path).heartbeatTimeoutSeconds")
    }
  }

  private func state(_ input: GetDurableExecutionStateInput, _ call: Call) async throws -> GetDurableExecutionStateOutput {
    let id = try execution(input.durableExecutionArn, call)
    let page = try await executions.state(
      id, token: input.checkpointToken, marker: input.marker, limit: Self.limit(input.maxItems))
    var output = GetDurableExecutionStateOutput()
    (output.operations, output.nextMarker) = (page.operations, page.next ?? "")
    return output
  }

  private func get(_ input: GetDurableExecutionInput, _ call: Call) async throws -> GetDurableExecutionOutput {
    let id = try execution(input.durableExecutionArn, call)
    return try await executions.store.read { reader in
      let rows = DurableRows(reader)
      guard let execution = try rows.execution(id) else { throw LambdaError.noDurableExecution() }
      return GetDurableExecutionOutput(execution, input: try rows.input(id), try rows.outcome(execution))
    }
  }

  private func history(_ input: GetDurableExecutionHistoryInput, _ call: Call) async throws
    -> GetDurableExecutionHistoryOutput
  {
    let id = try execution(input.durableExecutionArn, call)
    let marker = try input.marker.flatMap { $0.isEmpty ? nil : $0 }.map { text in
      guard let number = Int(text), number > 0 else { throw LambdaError.invalidMarker() }
      return number
    }
    let (limit, newestFirst) = (Self.limit(input.maxItems), input.reverseOrder == true)
    let page = try await executions.store.read { reader in
      let rows = DurableRows(reader)
      guard try rows.execution(id) != nil else { throw LambdaError.noDurableExecution() }
      return try rows.events(id, from: marker, limit: limit, newestFirst: newestFirst)
    }
    var output = GetDurableExecutionHistoryOutput()
    output.events = page.events.map { HistoryEventShape($0, withData: input.includeExecutionData == true) }
    output.nextMarker = page.next.map(String.init)
    return output
  }

  private func list(_ input: ListDurableExecutionsByFunctionInput, _ call: Call) async throws
    -> ListDurableExecutionsByFunctionOutput
  {
    let name = try control.name(input.functionName, input.qualifier, call)
    guard (input.statuses ?? []).count <= 1 else { throw LambdaError.invalidParameter("Cannot filter by more than one status") }
    let resolved = try await control.resolve(name)
    let filter = DurableRows.Filter(
      name: input.durableExecutionName, version: name.qualifier == nil ? nil : resolved.version.version,
      status: input.statuses?.first.flatMap { DurableExecution.Status(rawValue: $0) }, after: input.startedAfter,
      before: input.startedBefore)
    let marker = input.marker.flatMap { $0.isEmpty ? nil : $0 }
    let (limit, newestFirst) = (Self.limit(input.maxItems), input.reverseOrder != true)
    let page = try await executions.store.read {
      try DurableRows($0).page(name.id, filter, after: marker, limit: limit, newestFirst: newestFirst)
    }
    var output = ListDurableExecutionsByFunctionOutput()
    (output.durableExecutions, output.nextMarker) = (page.items.map { ExecutionShape($0) }, page.next)
    return output
  }

  private func stop(_ input: StopDurableExecutionInput, _ call: Call) async throws -> StopDurableExecutionOutput {
    let id = try execution(input.durableExecutionArn, call)
    let error = input.error?.domain
    guard error?.size ?? 0 <= DurableLimits.operationPayload else {
      throw LambdaError.invalidParameter("Error object size must be less than \(DurableLimits.operationPayload) bytes.")
    }
    var output = StopDurableExecutionOutput()
    output.stopTimestamp = try await executions.stop(id, error)
    return output
  }

  /// Zero asks for the default.
  private static func limit(_ asked: Int?) -> Int {
    guard let asked, asked > 0 else { return DurableLimits.page }
    return min(asked, DurableLimits.largestPage)
  }
}

extension DurableAPI {
  private var callbackOperations: [Operation] {
    [
      Operation(
        "SendDurableExecutionCallbackSuccess",
        access: { (i: SendDurableExecutionCallbackSuccessInput, c) in
          try access(callback: "SendDurableExecutionCallbackSuccess", i.callbackId, c)
        }, run: succeed),
      Operation(
        "SendDurableExecutionCallbackFailure",
        access: { (i: SendDurableExecutionCallbackFailureInput, c) in
          try access(callback: "SendDurableExecutionCallbackFailure", i.callbackId, c)
        }, run: fail),
      Operation(
        "SendDurableExecutionCallbackHeartbeat",
        access: { (i: SendDurableExecutionCallbackHeartbeatInput, c) in
          try access(callback: "SendDurableExecutionCallbackHeartbeat", i.callbackId, c)
        }, run: heartbeat),
    ]
  }

  private func access(callback action: String, _ callback: String, _ call: Call) throws -> [Access] {
    guard let (id, _) = DurableSecrets.place(ofCallback: callback) else { throw LambdaError.invalidCallback() }
    guard id.function.region == call.region else { throw LambdaError.callbackOver() }
    return [Access("lambda:\(action)", on: id.arn, owner: id.function.account)]
  }

  private func succeed(_ input: SendDurableExecutionCallbackSuccessInput, _ call: Call) async throws
    -> SendDurableExecutionCallbackSuccessOutput
  {
    var result: String?
    if let bytes = input.result, !bytes.isEmpty {
      result = String(validating: bytes, as: UTF8.self)
      if result == nil { throw LambdaError.invalidParameter("The result of a callback must be UTF-8 text.") }
    }
    try await executions.complete(callback: input.callbackId, with: .success(result))
    return SendDurableExecutionCallbackSuccessOutput()
  }

  private func fail(_ input: SendDurableExecutionCallbackFailureInput, _ call: Call) async throws
    -> SendDurableExecutionCallbackFailureOutput
  {
    let error = input.error?.domain
    guard error?.size ?? 0 < DurableLimits.errorBytes else {
      throw LambdaError.invalidParameter("Error object size must be less than \(DurableLimits.errorBytes) bytes.")
    }
    try await executions.complete(callback: input.callbackId, with: .failure(error))
    return SendDurableExecutionCallbackFailureOutput()
  }

  private func heartbeat(_ input: SendDurableExecutionCallbackHeartbeatInput, _ call: Call) async throws
    -> SendDurableExecutionCallbackHeartbeatOutput
  {
    try await executions.heartbeat(callback: input.callbackId)
    return SendDurableExecutionCallbackHeartbeatOutput()
  }
}
