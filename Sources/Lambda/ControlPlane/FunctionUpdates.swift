import Base
import Fabric
import Store

extension ControlPlane {
  var updateOperations: [Operation] {
    [
      Operation(
        "UpdateFunctionCode",
        access: { [self] (i: UpdateFunctionCodeInput, c) in try await access("UpdateFunctionCode", i.functionName, c) },
        run: updateFunctionCode),
      Operation(
        "UpdateFunctionConfiguration",
        access: { [self] (i: UpdateFunctionConfigurationInput, c) in
          try await access("UpdateFunctionConfiguration", i.functionName, c) + (i.role.map { try passRole($0, c) } ?? [])
            + layersAccess(i.layers)
        }, run: updateFunctionConfiguration),
    ]
  }

  private func updateFunctionCode(_ input: UpdateFunctionCodeInput, _ call: Call) async throws -> FunctionConfiguration {
    let id = try unqualified(input.functionName, call)
    if input.publishTo != nil { throw LambdaError.unsupported("PublishTo") }
    try FunctionSettings.refuse(architectures: input.architectures)
    let before = try await changeable(id, revision: input.revisionId)
    let code = try await code(input, for: before.latest, call)
    try await checkSigning(before.codeSigningID, of: id)
    if input.dryRun == true { return try await dryRun(code, before.latest, input) }
    let growth = max(0, code.storedBytes - before.latest.codeSize) + (input.publish == true ? code.storedBytes : 0)
    try await storage.admit(growth, id.account, id.region)
    var used = before.latest
    let added = try await use(code, in: &used)
    defer { if let added { packages.release(added) } }
    let new = used
    let revision = ambient.uuid()
    let after = try await change(id, input.revisionId, keeping: added, call) { function in
      var version = function.latest
      // Deleted and made anew meanwhile, of the other kind.
      guard (version.image == nil) == (new.image == nil) else { throw LambdaError.updateInProgress(id) }
      version.takeCode(of: new)
      try version.checkSize()
      version.architecture = input.architectures?.first ?? version.architecture
      function.beginUpdate(to: version, revisionID: revision, at: call.now)
      if input.publish == true { try function.beginPublishing() }
    }
    return FunctionConfiguration(after.published ?? after.latest)
  }

  private func dryRun(_ code: CodeSource, _ version: FunctionVersion, _ input: UpdateFunctionCodeInput) async throws
    -> FunctionConfiguration
  {
    var version = version
    switch code {
    case .zip(let zip, _): (version.codeHash, version.codeSize) = try await packages.check(zip: zip)
    case .hotReload(let directory): version.use(directory: directory)
    case .image(let uri): try version.use(try await packages.check(image: uri), uri: uri)
    }
    version.architecture = input.architectures?.first ?? version.architecture
    return FunctionConfiguration(version)
  }

  private func updateFunctionConfiguration(_ input: UpdateFunctionConfigurationInput, _ call: Call) async throws
    -> FunctionConfiguration
  {
    let id = try unqualified(input.functionName, call)
    let settings = try FunctionSettings(input)
    let before = try await changeable(id, revision: input.revisionId)
    var wanted = before.latest
    try wanted.apply(settings)
    try await check(wanted, settings, call)
    let layers: [LayerReference]? = if let list = settings.layers { try await self.layers(list, call.region) } else { nil }
    if layers?.isEmpty == false { try await checkSigning(before.codeSigningID, of: id) }
    let revision = ambient.uuid()
    let after = try await change(id, input.revisionId, keeping: nil, call) { function in
      var version = function.latest
      try version.apply(settings)
      version.layers = layers ?? version.layers
      try version.checkSize()
      function.beginUpdate(to: version, revisionID: revision, at: call.now)
    }
    return FunctionConfiguration(after.latest)
  }

  /// The function, if it can be changed now: asked before work that costs something, and again in the transaction.
  private func changeable(_ id: FunctionID, revision: String?) async throws -> StoredFunction {
    try await store.read { try Self.changeable(id, revision: revision, $0) }
  }

  static func changeable(_ id: FunctionID, revision: String?, _ reader: any Reader) throws -> StoredFunction {
    let function = try FunctionRows(reader).required(FunctionName(id: id, qualifier: nil))
    if let obstacle = function.obstacle { throw obstacle }
    try check(revision: revision, is: function.latest.revisionID)
    return function
  }

  /// Changes a function in one transaction and tells everybody.
  private func change(
    _ id: FunctionID, _ revision: String?, keeping hash: String?, _ call: Call,
    _ body: @escaping @Sendable (inout StoredFunction) throws -> Void
  ) async throws -> StoredFunction {
    let transaction: @Sendable (any Transaction) throws -> StoredFunction = { tx in
      let old = try Self.changeable(id, revision: revision, tx)
      var function = old
      try body(&function)
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
      if let version = function.published { try FunctionRows.save(version, number: function.lastVersion, in: tx) }
      return function
    }
    let after: StoredFunction
    if let hash {
      after = try await keepingPackage(hash, at: call.now, transaction)
    } else {
      after = try await store.transact(transaction)
    }
    functionChanged(.changed(id))
    return after
  }
}

extension StoredFunction {
  /// What is under way becomes a version, too.
  mutating func beginPublishing() throws {
    if let directory = latest.hotReloadDirectory { throw LambdaError.noVersionOfHotReload(directory) }
    lastVersion += 1
    versionInProgress = lastVersion
  }
}
