import Base
import Fabric
import Store

extension ControlPlane {
  var aliasOperations: [Operation] {
    [
      Operation(
        "CreateAlias", access: { [self] (i: CreateAliasInput, c) in try await access("CreateAlias", i.functionName, c) },
        run: createAlias),
      Operation(
        "GetAlias", access: { [self] (i: GetAliasInput, c) in try await access("GetAlias", i.functionName, c) }, run: getAlias),
      Operation(
        "ListAliases", access: { [self] (i: ListAliasesInput, c) in try await access("ListAliases", i.functionName, c) },
        run: listAliases),
      Operation(
        "UpdateAlias", access: { [self] (i: UpdateAliasInput, c) in try await access("UpdateAlias", i.functionName, c) },
        run: updateAlias),
      Operation(
        "DeleteAlias", access: { [self] (i: DeleteAliasInput, c) in try await access("DeleteAlias", i.functionName, c) },
        run: deleteAlias),
    ]
  }

  private func createAlias(_ input: CreateAliasInput, _ call: Call) async throws -> AliasConfiguration {
    let id = try unqualified(input.functionName, call)
    guard FunctionName.isQualifier(input.name), Int(input.name) == nil, input.name != FunctionVersion.latest else {
      throw LambdaError.constraint(input.name, at: "name", "satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
    }
    let alias = Alias(
      function: id, name: input.name, version: input.functionVersion, description: input.description ?? "",
      revisionID: ambient.uuid(), routing: try Alias.Routing(input.routingConfig))
    try await store.transact { tx in
      try Self.checkTarget(alias, tx)
      guard try FunctionRows(tx).alias(id, alias.name) == nil else { throw LambdaError.aliasExists(alias.arn) }
      try FunctionRows.save(alias, in: tx)
    }
    functionChanged(.changed(id))
    return AliasConfiguration(alias)
  }

  private func getAlias(_ input: GetAliasInput, _ call: Call) async throws -> AliasConfiguration {
    let id = try unqualified(input.functionName, call)
    return AliasConfiguration(
      try await store.read { reader in
        let rows = FunctionRows(reader)
        _ = try rows.required(FunctionName(id: id, qualifier: nil))
        return try rows.alias(id, input.name).orThrow(LambdaError.noAlias("\(id.arn):\(input.name)"))
      })
  }

  private func listAliases(_ input: ListAliasesInput, _ call: Call) async throws -> ListAliasesOutput {
    let id = try unqualified(input.functionName, call)
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let prefix = Keys.aliases(id)
    let page = try await store.read { reader in
      _ = try FunctionRows(reader).required(FunctionName(id: id, qualifier: nil))
      return try Marker.page(reader, prefix, after: input.marker, limit: limit) { key, value -> Alias? in
        var key = KeyReader(key, after: prefix)
        let alias = try Alias(row: value, function: id, name: try key.string())
        return input.functionVersion.map { $0 == alias.version } ?? true ? alias : nil
      }
    }
    var output = ListAliasesOutput()
    output.nextMarker = page.next
    output.aliases = page.items.map { AliasConfiguration($0) }
    return output
  }

  private func updateAlias(_ input: UpdateAliasInput, _ call: Call) async throws -> AliasConfiguration {
    let id = try unqualified(input.functionName, call)
    let routing = try Alias.Routing(input.routingConfig)
    let revision = ambient.uuid()
    let alias = try await store.transact { tx in
      let rows = FunctionRows(tx)
      _ = try rows.required(FunctionName(id: id, qualifier: nil))
      let old = try rows.alias(id, input.name).orThrow(LambdaError.notFound("Alias not found: \(id.arn):\(input.name)"))
      try Self.check(revision: input.revisionId, is: old.revisionID)
      var alias = old
      alias.version = input.functionVersion ?? alias.version
      alias.description = input.description ?? alias.description
      // A routing that was not given stays; an empty one ends.
      if input.routingConfig != nil { alias.routing = routing }
      alias.revisionID = revision
      try Self.checkTarget(alias, tx)
      try Self.checkProvisioned(alias, replacing: old, tx)
      try FunctionRows.save(alias, in: tx)
      return alias
    }
    functionChanged(.changed(id))
    return AliasConfiguration(alias)
  }

  /// Deleting an alias that is not there is no error on AWS.
  private func deleteAlias(_ input: DeleteAliasInput, _ call: Call) async throws {
    let id = try unqualified(input.functionName, call)
    try await store.transact { tx in
      _ = try FunctionRows(tx).required(FunctionName(id: id, qualifier: nil))
      try tx.delete(Keys.alias(id, input.name))
      try tx.delete(Keys.policy(id, input.name))
      try tx.delete(Keys.settings(id, input.name))
      try URLRows.delete(id, input.name, in: tx)
      try tx.delete(Keys.provisioned(id, input.name))
    }
    functionChanged(.changed(id))
  }

  private static func checkTarget(_ alias: Alias, _ reader: any Reader) throws {
    let isVersion = alias.version == FunctionVersion.latest || Int(alias.version).map { $0 > 0 } == true
    guard isVersion else {
      throw LambdaError.constraint(
        alias.version, at: "functionVersion", #"satisfy regular expression pattern: (\$LATEST|[0-9]+)"#)
    }
    let rows = FunctionRows(reader)
    _ = try rows.required(FunctionName(id: alias.function, qualifier: nil))
    let main = try rows.version(FunctionName(id: alias.function, qualifier: alias.version)).version
    guard let routing = alias.routing else { return }
    guard routing.version != alias.version else { throw LambdaError.versionAlreadyRouted(routing.version) }
    guard alias.version != FunctionVersion.latest, routing.version != FunctionVersion.latest else {
      throw LambdaError.latestRouted()
    }
    let other = try rows.version(FunctionName(id: alias.function, qualifier: routing.version)).version
    guard main.role == other.role, main.deadLetterTarget == other.deadLetterTarget else { throw LambdaError.unequalRouting() }
  }
}

extension Alias.Routing {
  /// Nil when nothing is to be routed to a second version.
  fileprivate init?(_ config: AliasRoutingConfiguration?) throws {
    let weights = config?.additionalVersionWeights ?? [:]
    guard weights.count <= 1 else { throw LambdaError.tooManyRoutes() }
    guard let (version, weight) = weights.first else { return nil }
    guard (0...1).contains(weight) else {
      throw LambdaError.constraint(
        "{\(version)=\(weight)}", at: "routingConfig.additionalVersionWeights",
        "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to "
          + "0.0, Member must not be null]")
    }
    self.init(version: version, weight: weight)
  }
}

extension AliasConfiguration {
  init(_ alias: Alias) {
    self.init()
    (aliasArn, name, functionVersion) = (alias.arn, alias.name, alias.version)
    (description, revisionId) = (alias.description, alias.revisionID)
    if let routing = alias.routing {
      var config = AliasRoutingConfiguration()
      config.additionalVersionWeights = [routing.version: routing.weight]
      routingConfig = config
    }
  }
}
