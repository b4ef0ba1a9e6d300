import Base
import Fabric
import Store
import Wire

extension PipesService {
  var pipeOperations: [Fabric.Operation] {
    [
      Operation("CreatePipe", access: { [self] (input: CreatePipeInput, call) in
        let name = call.pipe(input.name)
        var asked = [Access("pipes:CreatePipe", on: name.arn, owner: call.account)]
        if input.tags?.isEmpty == false { asked.append(Access("pipes:TagResource", on: name.arn, owner: call.account)) }
        return asked.map { $0.bringing(input.tags) } + [passRole(input.roleArn, call)]
      }, run: createPipe),
      Operation("UpdatePipe", access: { [self] (input: UpdatePipeInput, call) in
        try await access("UpdatePipe", input.name, call) + [passRole(input.roleArn, call)]
      }, run: updatePipe),
      Operation("DescribePipe", access: { [self] (input: DescribePipeInput, call) in
        try await access("DescribePipe", input.name, call)
      }, run: describePipe),
    ]
  }

  func access(_ action: String, _ name: String, _ call: Call) async throws -> [Access] {
    let name = call.pipe(name)
    let tags = try await store.read { try $0.pipe(name)?.tags } ?? [:]
    return [Access("pipes:\(action)", on: name.arn, owner: call.account).having(tags)]
  }

  private func passRole(_ role: String, _ call: Call) -> Access {
    Access(
      "iam:PassRole", on: role, owner: ARN(role).flatMap { AccountID($0.account) } ?? call.account,
      conditionValues: ["iam:passedtoservice": [Self.principal]])
  }

  private func createPipe(_ input: CreatePipeInput, _ call: Call) async throws -> CreatePipeOutput {
    if input.kmsKeyIdentifier?.isEmpty == false { throw PipesError.unsupported("KmsKeyIdentifier") }
    let name = call.pipe(input.name)
    let pipe = Pipe(
      name: name, createdAt: call.now, modifiedAt: call.now, description: input.description, isWanted: input.desiredState != "STOPPED",
      state: .creating, source: input.source, enrichment: input.enrichment.flatMap { $0.isEmpty ? nil : $0 }, target: input.target,
      role: input.roleArn, tags: input.tags ?? [:], sourceParameters: input.sourceParameters?.record.json,
      enrichmentParameters: input.enrichmentParameters?.record.json, targetParameters: input.targetParameters?.record.json,
      logConfiguration: input.logConfiguration?.record.json)
    try await check(pipe)
    try await store.transact { t in
      guard try t.pipe(name) == nil else { throw PipesError.exists(name.name) }
      let all = KeyRange(prefix: Keys.pipes(call.account, call.region))
      guard try t.entries(all, limit: PipesLimits.pipes).count < PipesLimits.pipes else { throw PipesError.tooManyPipes }
      try t.put(pipe)
    }
    changed.nudge()
    var output = CreatePipeOutput()
    (output.arn, output.name, output.desiredState, output.currentState) = (name.arn, name.name, pipe.desired, pipe.state.rawValue)
    (output.creationTime, output.lastModifiedTime) = (pipe.createdAt, pipe.modifiedAt)
    return output
  }

  /// What the request does not name stays; the parameters of one source or target are replaced as a whole.
  private func updatePipe(_ input: UpdatePipeInput, _ call: Call) async throws -> UpdatePipeOutput {
    if input.kmsKeyIdentifier?.isEmpty == false { throw PipesError.unsupported("KmsKeyIdentifier") }
    let name = call.pipe(input.name)
    let known = try await store.read { try $0.existingPipe(name) }
    guard known.state.isSettled else { throw PipesError.isChanging(name.name, known.state) }
    var pipe = known
    pipe.role = input.roleArn
    pipe.description = input.description ?? pipe.description
    if let state = input.desiredState { pipe.isWanted = state == "RUNNING" }
    if let enrichment = input.enrichment { pipe.enrichment = enrichment.isEmpty ? nil : enrichment }
    pipe.target = input.target ?? pipe.target
    let source = input.sourceParameters?.record.json
    pipe.sourceParameters = Self.keepingStart(Self.merged(pipe.sourceParameters, source), of: known)
    pipe.enrichmentParameters = Self.merged(pipe.enrichmentParameters, input.enrichmentParameters?.record.json)
    pipe.targetParameters =
      input.target != nil && input.target != known.target
      ? input.targetParameters?.record.json : Self.merged(pipe.targetParameters, input.targetParameters?.record.json)
    pipe.logConfiguration = input.logConfiguration?.record.json ?? pipe.logConfiguration
    (pipe.state, pipe.modifiedAt) = (.updating, call.now)
    try await check(pipe)
    try await store.transact { [pipe] t in
      // Somebody was quicker.
      guard try t.existingPipe(name) == known else { throw PipesError.isChanging(name.name, .updating) }
      try t.put(pipe)
    }
    changed.nudge()
    var output = UpdatePipeOutput()
    (output.arn, output.name, output.desiredState, output.currentState) = (name.arn, name.name, pipe.desired, pipe.state.rawValue)
    (output.creationTime, output.lastModifiedTime) = (pipe.createdAt, pipe.modifiedAt)
    return output
  }

  private static func merged(_ old: JSON?, _ new: JSON?) -> JSON? {
    guard let new = new?.object else { return old }
    var merged = old?.object ?? JSONObject()
    for (name, value) in new { merged[name] = value }
    return .object(merged)
  }

  /// Where the reading of a stream begins cannot be changed: an update has no members for it.
  private static func keepingStart(_ parameters: JSON?, of pipe: Pipe) -> JSON? {
    guard pipe.isOrdered, let kind = pipe.kind?.parameters, var all = parameters?.object, var own = all[kind]?.object else {
      return parameters
    }
    for name in ["StartingPosition", "StartingPositionTimestamp"] { own[name] = pipe.kindParameters?[name] }
    all[kind] = .object(own)
    return .object(all)
  }

  private func describePipe(_ input: DescribePipeInput, _ call: Call) async throws -> DescribePipeOutput {
    let name = call.pipe(input.name)
    let pipe = try await store.read { try $0.existingPipe(name) }
    var output = DescribePipeOutput()
    (output.arn, output.name, output.description) = (name.arn, name.name, pipe.description)
    (output.desiredState, output.currentState) = (pipe.state == .deleting ? "DELETED" : pipe.desired, pipe.state.rawValue)
    (output.source, output.enrichment, output.target) = (pipe.source, pipe.enrichment, pipe.target)
    (output.roleArn, output.tags) = (pipe.role, pipe.tags.isEmpty ? nil : pipe.tags)
    (output.creationTime, output.lastModifiedTime) = (pipe.createdAt, pipe.modifiedAt)
    output.sourceParameters = try pipe.sourceParameters.map { PipeSourceParameters(try Record(PipeSourceParameters.shape, json: $0)) }
    output.enrichmentParameters = try pipe.enrichmentParameters.map {
      PipeEnrichmentParameters(try Record(PipeEnrichmentParameters.shape, json: $0))
    }
    output.targetParameters = try pipe.targetParameters.map { PipeTargetParameters(try Record(PipeTargetParameters.shape, json: $0)) }
    output.logConfiguration = try pipe.logConfiguration.map { PipeLogConfiguration(try Record(PipeLogConfiguration.shape, json: $0)) }
    return output
  }
}

extension Pipe {
  var desired: String { isWanted ? "RUNNING" : "STOPPED" }
}

extension Call {
  func pipe(_ name: String) -> PipeName { PipeName(account: account, region: region, name: name) }
}
