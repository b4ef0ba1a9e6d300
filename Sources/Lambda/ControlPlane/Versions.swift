import Base
import Fabric
import Store

extension ControlPlane {
  var versionOperations: [Operation] {
    [
      Operation(
        "PublishVersion",
        access: { [self] (i: PublishVersionInput, c) in try await access("PublishVersion", i.functionName, c) },
        run: publishVersion),
      Operation(
        "ListVersionsByFunction",
        access: { [self] (i: ListVersionsByFunctionInput, c) in try await access("ListVersionsByFunction", i.functionName, c) },
        run: listVersions),
    ]
  }

  private func publishVersion(_ input: PublishVersionInput, _ call: Call) async throws -> FunctionConfiguration {
    let id = try unqualified(input.functionName, call)
    if input.publishTo != nil { throw LambdaError.unsupported("PublishTo") }
    let size = try await store.read { try Self.changeable(id, revision: input.revisionId, $0).latest.codeSize }
    try await storage.admit(size, id.account, id.region)
    let revision = ambient.uuid()
    let version = try await store.transact { tx in
      let old = try Self.changeable(id, revision: input.revisionId, tx)
      if let hash = input.codeSha256, !hash.isEmpty, hash != old.latest.codeSHA256 {
        throw LambdaError.invalidParameter(
          "CodeSHA256 (\(hash)) is different from current CodeSHA256 in $LATEST (\(old.latest.codeSHA256)). "
            + "Please try again with the CodeSHA256 in $LATEST.")
      }
      var version = old.serving ?? old.latest
      if let directory = version.hotReloadDirectory { throw LambdaError.noVersionOfHotReload(directory) }
      version.description = input.description ?? version.description
      if let last = try FunctionRows(tx).version(id, old.lastVersion), last.isSame(as: version) { return last }
      var function = old
      function.lastVersion += 1
      (version.version, version.revisionID) = (String(function.lastVersion), revision)
      version.updateStatus = .successful
      if version.isSnapshotted {
        version.state = .pending
        try SnapshotRows.begin(version, in: tx)
      }
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
      try FunctionRows.save(version, number: function.lastVersion, in: tx)
      return version
    }
    functionChanged(.changed(id))
    return FunctionConfiguration(version)
  }

  private func listVersions(_ input: ListVersionsByFunctionInput, _ call: Call) async throws -> ListVersionsByFunctionOutput {
    let id = try unqualified(input.functionName, call)
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let isFirst = (input.marker ?? "").isEmpty
    let (latest, page) = try await store.read { reader in
      let function = try FunctionRows(reader).required(FunctionName(id: id, qualifier: nil))
      let page = try Marker.page(reader, Keys.versions(id), after: input.marker, limit: limit) { _, value in
        var row = try RowReader(value)
        return try FunctionVersion(from: &row)
      }
      return (function.latest, page)
    }
    var output = ListVersionsByFunctionOutput()
    output.nextMarker = page.next
    // `$LATEST` comes first and in addition to the page, so that a page of one item still makes progress.
    output.versions = ((isFirst ? [latest] : []) + page.items).map {
      FunctionConfiguration($0, arn: $0.qualifiedARN, showsState: false)
    }
    return output
  }
}

extension FunctionVersion {
  /// Whether publishing would make a version that differs in nothing but its number.
  func isSame(as other: FunctionVersion) -> Bool {
    var copy = other
    (copy.version, copy.revisionID, copy.lastModified) = (version, revisionID, lastModified)
    (copy.state, copy.updateStatus) = (state, updateStatus)
    return copy == self
  }
}
