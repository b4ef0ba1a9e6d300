import Base
import Fabric
import Store

extension ControlPlane {
  var provisionedOperations: [Operation] {
    [
      Operation(
        "PutProvisionedConcurrencyConfig",
        access: { [self] (i: PutProvisionedConcurrencyConfigInput, c) in
          try await access("PutProvisionedConcurrencyConfig", i.functionName, i.qualifier, c)
        }, run: putProvisionedConcurrency),
      Operation(
        "GetProvisionedConcurrencyConfig",
        access: { [self] (i: GetProvisionedConcurrencyConfigInput, c) in
          try await access("GetProvisionedConcurrencyConfig", i.functionName, i.qualifier, c)
        }, run: getProvisionedConcurrency),
      Operation(
        "DeleteProvisionedConcurrencyConfig",
        access: { [self] (i: DeleteProvisionedConcurrencyConfigInput, c) in
          try await access("DeleteProvisionedConcurrencyConfig", i.functionName, i.qualifier, c)
        }, run: deleteProvisionedConcurrency),
      Operation(
        "ListProvisionedConcurrencyConfigs",
        access: { [self] (i: ListProvisionedConcurrencyConfigsInput, c) in
          try await access("ListProvisionedConcurrencyConfigs", i.functionName, c)
        }, run: listProvisionedConcurrency),
    ]
  }

  private func putProvisionedConcurrency(_ input: PutProvisionedConcurrencyConfigInput, _ call: Call) async throws
    -> PutProvisionedConcurrencyConfigOutput
  {
    let name = try name(input.functionName, input.qualifier, call)
    let qualifier = name.qualifier ?? input.qualifier
    guard qualifier != FunctionVersion.latest else { throw LambdaError.provisionedOnLatest() }
    let config = ProvisionedConcurrency(
      requested: input.provisionedConcurrentExecutions, revision: ambient.uuid(), lastModified: call.now)
    let limits = limits
    try await store.transact { tx in
      try Self.checkTarget(name, qualifier, tx)
      try Self.check(config, of: name.id, qualifier, limits, tx)
      try ProvisionedRows.save(config, of: name.id, qualifier, in: tx)
    }
    functionChanged(.changed(name.id))
    var output = PutProvisionedConcurrencyConfigOutput()
    output.requestedProvisionedConcurrentExecutions = config.requested
    (output.availableProvisionedConcurrentExecutions, output.allocatedProvisionedConcurrentExecutions) = (0, 0)
    (output.status, output.lastModified) = ("IN_PROGRESS", config.lastModified.provisionedTimestamp)
    return output
  }

  private func getProvisionedConcurrency(_ input: GetProvisionedConcurrencyConfigInput, _ call: Call) async throws
    -> GetProvisionedConcurrencyConfigOutput
  {
    let name = try name(input.functionName, input.qualifier, call)
    let qualifier = name.qualifier ?? input.qualifier
    guard qualifier != FunctionVersion.latest else { throw LambdaError.notPublished() }
    let (config, numbers) = try await store.read { reader in
      try Self.checkExists(name, qualifier, reader)
      let config = try ProvisionedRows(reader).config(name.id, qualifier).orThrow(LambdaError.notProvisioned())
      return (config, try FunctionRows(reader).numbers(name.id, qualifier))
    }
    let allocation = Allocation(config, of: name.id, numbers, provisioner)
    var output = GetProvisionedConcurrencyConfigOutput()
    output.requestedProvisionedConcurrentExecutions = config.requested
    output.availableProvisionedConcurrentExecutions = allocation.booted
    output.allocatedProvisionedConcurrentExecutions = allocation.booted
    (output.status, output.statusReason) = (allocation.status, allocation.reason)
    output.lastModified = config.lastModified.provisionedTimestamp
    return output
  }

  /// Deleting what is not there is no error, but the version or alias must be.
  private func deleteProvisionedConcurrency(_ input: DeleteProvisionedConcurrencyConfigInput, _ call: Call) async throws {
    let name = try name(input.functionName, input.qualifier, call)
    let qualifier = name.qualifier ?? input.qualifier
    guard qualifier != FunctionVersion.latest else { throw LambdaError.notPublished() }
    try await store.transact { tx in
      try Self.checkExists(name, qualifier, tx)
      try tx.delete(Keys.provisioned(name.id, qualifier))
    }
    functionChanged(.changed(name.id))
  }

  private func listProvisionedConcurrency(_ input: ListProvisionedConcurrencyConfigsInput, _ call: Call) async throws
    -> ListProvisionedConcurrencyConfigsOutput
  {
    let id = try unqualified(input.functionName, call)
    let prefix = Keys.provisioned(id)
    let page = try await store.read { reader in
      let rows = FunctionRows(reader)
      _ = try rows.required(FunctionName(id: id, qualifier: nil))
      return try Marker.page(reader, prefix, after: input.marker, limit: input.maxItems ?? LambdaLimits.listPage) { key, value in
        var key = KeyReader(key, after: prefix)
        let qualifier = try key.string()
        return (qualifier, try ProvisionedConcurrency(row: value), try rows.numbers(id, qualifier))
      }
    }
    var output = ListProvisionedConcurrencyConfigsOutput()
    output.nextMarker = page.next
    output.provisionedConcurrencyConfigs = page.items.map { qualifier, config, numbers in
      let allocation = Allocation(config, of: id, numbers, provisioner)
      var item = ProvisionedConcurrencyConfigListItem()
      item.functionArn = "\(id.arn):\(qualifier)"
      item.requestedProvisionedConcurrentExecutions = config.requested
      item.availableProvisionedConcurrentExecutions = allocation.booted
      item.allocatedProvisionedConcurrentExecutions = allocation.booted
      (item.status, item.statusReason) = (allocation.status, allocation.reason)
      item.lastModified = config.lastModified.provisionedTimestamp
      return item
    }
    return output
  }

  private static func checkExists(_ name: FunctionName, _ qualifier: String, _ reader: any Reader) throws {
    let rows = FunctionRows(reader)
    if let number = Int(qualifier), String(number) == qualifier {
      guard try rows.version(name.id, number) != nil else { throw LambdaError.functionNotFound(name.arn) }
    } else {
      guard try rows.alias(name.id, qualifier) != nil else { throw LambdaError.noAlias("\(name.id.arn):\(qualifier)") }
    }
  }
}

extension Instant {
  /// `2019-12-31T20:28:49+0000`
  fileprivate var provisionedTimestamp: String { lambdaTimestamp.prefix(19) + "+0000" }
}

/// How far a configuration has come, over the versions that it stands for.
private struct Allocation {
  var booted = 0
  var status = "READY"
  var reason: String?

  init(_ config: ProvisionedConcurrency, of id: FunctionID, _ numbers: [Int], _ provisioner: any Provisioner) {
    for number in numbers {
      guard let report = provisioner.provisioned(id, version: String(number)) else {
        if reason == nil { status = "IN_PROGRESS" }
        continue
      }
      booted += report.booted
      // An older request may still be what is worked on.
      switch report.provision.revision == config.revision ? report.provision.progress : .allocating {
      case .ready: break
      case .allocating: if reason == nil { status = "IN_PROGRESS" }
      case .failed(let text): (status, reason) = ("FAILED", text)
      }
    }
  }
}
