import Base
import Fabric
import Store

extension ControlPlane {
  var mappingOperations: [Operation] {
    [
      Operation(
        "CreateEventSourceMapping",
        access: { [self] (i: CreateEventSourceMappingInput, c) in
          [try mappingAccess("CreateEventSourceMapping", of: i.functionName, c).bringing(i.tags)]
        }, run: createMapping),
      Operation(
        "GetEventSourceMapping",
        access: { [self] (i: GetEventSourceMappingInput, c) in try await mappingAccess("GetEventSourceMapping", i.uuid, c) },
        run: getMapping),
      Operation(
        "ListEventSourceMappings",
        access: { (_: ListEventSourceMappingsInput, c) in [Access("lambda:ListEventSourceMappings", owner: c.account)] },
        run: listMappings),
      Operation(
        "UpdateEventSourceMapping",
        access: { [self] (i: UpdateEventSourceMappingInput, c) in
          try await mappingAccess("UpdateEventSourceMapping", i.uuid, c)
            + (i.functionName.map { [try mappingAccess("UpdateEventSourceMapping", of: $0, c)] } ?? [])
        },
        run: updateMapping),
      Operation(
        "DeleteEventSourceMapping",
        access: { [self] (i: DeleteEventSourceMappingInput, c) in try await mappingAccess("DeleteEventSourceMapping", i.uuid, c) },
        run: deleteMapping),
    ]
  }

  /// Permission to let a function poll. The poller acts as the function's role, so only the function's own account may say so.
  private func mappingAccess(_ action: String, of function: String, _ call: Call) throws -> Access {
    let function = try name(function, call)
    return Access("lambda:\(action)", owner: function.id.account, conditionValues: ["lambda:functionarn": [function.arn]])
  }

  /// Permission for a mapping that is there; policies may ask which function it is of.
  private func mappingAccess(_ action: String, _ uuid: String, _ call: Call) async throws -> [Access] {
    let stored = try await store.read { try MappingRows($0).mapping(call.account, call.region, uuid) }
    let access = Access(
      "lambda:\(action)", on: ARN("lambda", call.region, call.account, "event-source-mapping:\(uuid)").text,
      owner: call.account, conditionValues: stored.map { ["lambda:functionarn": [$0.mapping.functionARN]] } ?? [:])
    return [access.having(stored?.tags ?? [:])]
  }

  private func createMapping(_ input: CreateEventSourceMappingInput, _ call: Call) async throws
    -> EventSourceMappingConfiguration
  {
    let (source, kind) = try Self.source(input.eventSourceArn, call)
    let settings = try MappingSettings(input, of: source, kind, now: call.now)
    let tags = try Tags.checked(input.tags ?? [:])
    let function = try name(input.functionName, call)
    var mapping = EventSourceMapping(
      uuid: ambient.uuid(), account: call.account, region: call.region, source: source, function: function.id,
      qualifier: function.qualifier, batchSize: kind.defaultBatchSize, batchingWindow: .zero,
      reportsBatchItemFailures: false, maximumConcurrency: nil, state: .creating, lastModified: call.now)
    try mapping.apply(settings)
    try await check(mapping, call)
    let stored = StoredMapping(mapping: mapping, tags: tags)
    try await store.transact { tx in
      try Self.checkTwin(of: stored.mapping, tx)
      try MappingRows.save(stored, replacing: nil, in: tx)
    }
    mappingNudge.nudge()
    return EventSourceMappingConfiguration(stored)
  }

  private func getMapping(_ input: GetEventSourceMappingInput, _ call: Call) async throws -> EventSourceMappingConfiguration {
    EventSourceMappingConfiguration(try await store.read { try Self.required(input.uuid, call, $0) })
  }

  private func listMappings(_ input: ListEventSourceMappingsInput, _ call: Call) async throws -> ListEventSourceMappingsOutput {
    let function = try input.functionName.map { try name($0, call) }
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.mappingPage)
    let page = try await store.read { reader in
      try MappingRows(reader).page(call.account, call.region, after: input.marker, limit: limit) { mapping in
        (input.eventSourceArn.map { $0 == mapping.source.text } ?? true)
          && (function.map { $0.id == mapping.function && ($0.qualifier == nil || $0.qualifier == mapping.qualifier) } ?? true)
      }
    }
    var output = ListEventSourceMappingsOutput()
    output.nextMarker = page.next
    output.eventSourceMappings = page.items.map { EventSourceMappingConfiguration($0) }
    return output
  }

  private func updateMapping(_ input: UpdateEventSourceMappingInput, _ call: Call) async throws
    -> EventSourceMappingConfiguration
  {
    let kind = try await store.read { try Self.required(input.uuid, call, $0).mapping.kind }
    let settings = try MappingSettings(input, of: kind)
    let function = try input.functionName.map { try name($0, call) }
    let change: @Sendable (any Reader) throws -> (old: StoredMapping, new: StoredMapping) = { reader in
      let old = try Self.required(input.uuid, call, reader)
      guard !old.mapping.state.isUnsettled else { throw LambdaError.mappingInUse(old.mapping.state) }
      var new = old
      if let function { (new.mapping.function, new.mapping.qualifier) = (function.id, function.qualifier) }
      try new.mapping.update(settings, at: call.now)
      return (old, new)
    }
    try await check(try await store.read(change).new.mapping, call)
    let stored = try await store.transact { tx in
      let (old, new) = try change(tx)
      try Self.checkTwin(of: new.mapping, tx)
      try MappingRows.save(new, replacing: old, in: tx)
      return new
    }
    mappingNudge.nudge()
    return EventSourceMappingConfiguration(stored)
  }

  private func deleteMapping(_ input: DeleteEventSourceMappingInput, _ call: Call) async throws
    -> EventSourceMappingConfiguration
  {
    let stored = try await store.transact { tx in
      let old = try Self.required(input.uuid, call, tx)
      guard old.mapping.state != .deleting else { throw LambdaError.mappingInUse(.deleting) }
      var new = old
      (new.mapping.state, new.mapping.isWanted) = (.deleting, false)
      try MappingRows.save(new, replacing: old, in: tx)
      return new
    }
    mappingNudge.nudge()
    return EventSourceMappingConfiguration(stored)
  }

  private static func required(_ uuid: String, _ call: Call, _ reader: any Reader) throws -> StoredMapping {
    try MappingRows(reader).mapping(call.account, call.region, uuid).orThrow(LambdaError.noSuchResource())
  }

  private static func checkTwin(of mapping: EventSourceMapping, _ reader: any Reader) throws {
    guard let twin = try MappingRows(reader).twin(of: mapping), twin != mapping.uuid else { return }
    let function = mapping.qualifier.map { "\(mapping.function.name):\($0)" } ?? mapping.function.name
    throw LambdaError.mappingExists(source: mapping.source, function: function, uuid: twin)
  }
}
