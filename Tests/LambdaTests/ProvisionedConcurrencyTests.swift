import Base
import Testing
import Wire

@testable import Lambda

private let arn = "arn:aws:lambda:us-east-1:111111111111:function:orders"
private let id = FunctionID(account: .one, region: .usEast1, name: "orders")

/// A function with versions 1 and 2, and the alias `live` of version 1.
private func plane(_ limits: AccountLimits = AccountLimits()) async throws -> TestPlane {
  let test = TestPlane(limits: limits)
  _ = try await test.create { $0.publish = true }
  try await test.run(
    input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.zipFile, $0.publish) = ("orders", TestPlane.otherZip, true) })
  try await test.settle()
  try await test.run(alias("live", "1"))
  return test
}

private func alias(_ name: String, _ version: String) -> CreateAliasInput {
  input { ($0.functionName, $0.name, $0.functionVersion) = ("orders", name, version) }
}
private func put(_ qualifier: String, _ count: Int = 1) -> PutProvisionedConcurrencyConfigInput {
  input { ($0.functionName, $0.qualifier, $0.provisionedConcurrentExecutions) = ("orders", qualifier, count) }
}
private func get(_ qualifier: String) -> GetProvisionedConcurrencyConfigInput {
  input { ($0.functionName, $0.qualifier) = ("orders", qualifier) }
}
private func delete(_ qualifier: String) -> DeleteProvisionedConcurrencyConfigInput {
  input { ($0.functionName, $0.qualifier) = ("orders", qualifier) }
}
private func move(_ version: String, _ weights: [String: Double]? = nil) -> UpdateAliasInput {
  input {
    ($0.functionName, $0.name, $0.functionVersion) = ("orders", "live", version)
    $0.routingConfig = weights.map { weights in input { $0.additionalVersionWeights = weights } }
  }
}
private func reserve(_ count: Int) -> PutFunctionConcurrencyInput {
  input { ($0.functionName, $0.reservedConcurrentExecutions) = ("orders", count) }
}

@Suite struct ProvisionedConcurrencyTests {
  @Test func `what cannot be provisioned is refused in AWS's words`() async throws {
    let test = try await plane()
    let invalid = "InvalidParameterValueException: "
    let unpublished = invalid + "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    let notFound = "ResourceNotFoundException: "
    #expect(await test.refusal(put("$LATEST")) == unpublished)
    #expect(await test.refusal(put("9")) == notFound + "Function not found: \(arn):9")
    #expect(await test.refusal(put("nobody")) == notFound + "Cannot find alias arn: \(arn):nobody")
    #expect(await test.refusal(get("nobody")) == notFound + "Cannot find alias arn: \(arn):nobody")
    #expect(
      await test.refusal(get("live"))
        == "ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function")
    #expect(
      await test.refusal(get("$LATEST")) == invalid + "The function resource provided must be an alias or a published version.")
    try await test.run(alias("newest", "$LATEST"))
    #expect(await test.refusal(put("newest")) == unpublished)
  }

  @Test(arguments: [
    (1001, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."),
    (901, "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."),
  ])
  func `a hundred executions stay with functions that reserve nothing`(count: Int, text: String) async throws {
    let test = try await plane()
    #expect(await test.refusal(put("1", count)) == "InvalidParameterValueException: " + text)
    #expect(await test.refusal(put("1", 900)) == "accepted")
    #expect(await test.refusal(put("2", 1)).contains("below its minimum value of [100]"))
    // The same configuration again is not counted twice.
    #expect(await test.refusal(put("1", 900)) == "accepted")
  }

  @Test func `an account with a small quota keeps all of it unreserved`() async throws {
    let test = try await plane(AccountLimits(concurrency: 10))
    #expect(await test.refusal(put("1", 1)).contains("below its minimum value of [10]"))
    #expect(await test.refusal(reserve(1)).contains("below its minimum value of [10]"))
  }

  @Test func `what is provisioned fits into the reservation, and the reservation is not made smaller than it`() async throws {
    let test = try await plane()
    try await test.run(reserve(3))
    try await test.run(put("2", 1))
    #expect(
      await test.refusal(put("1", 3)) == "InvalidParameterValueException: "
        + "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
    try await test.run(put("1", 2))
    #expect(
      await test.refusal(reserve(2)) == "InvalidParameterValueException: "
        + " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3].")
    #expect(try await accountSettings(test).accountLimit?.unreservedConcurrentExecutions == 997)
  }

  @Test func `what is provisioned without a reservation is taken from what is unreserved`() async throws {
    let test = try await plane()
    try await test.run(put("1", 20))
    try await test.run(put("2", 30))
    #expect(try await accountSettings(test).accountLimit?.unreservedConcurrentExecutions == 950)
    #expect(await test.refusal(reserve(40)).contains("total provisioned concurrency [50]"))
    _ = try await test.create("other")
    let other = input(PutFunctionConcurrencyInput.self) { ($0.functionName, $0.reservedConcurrentExecutions) = ("other", 851) }
    #expect(await test.refusal(other).contains("below its minimum value of [100]"))
  }

  private func accountSettings(_ test: TestPlane) async throws -> GetAccountSettingsOutput {
    GetAccountSettingsOutput(try await test.run(GetAccountSettingsInput()))
  }

  @Test func `a version is provisioned once, by itself or by one alias`() async throws {
    let test = try await plane()
    try await test.run(put("live"))
    #expect(await test.refusal(put("1")) == "ResourceConflictException: Version is pointed by a Provisioned Concurrency alias")
    try await test.run(alias("second", "1"))
    let taken =
      "ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    #expect(await test.refusal(put("second")) == taken)
    try await test.run(put("2"))
    #expect(await test.refusal(move("2")) == taken)
    try await test.run(delete("live"))
    #expect(await test.refusal(put("1")) == "accepted")
    #expect(await test.refusal(put("live")) == taken)
  }

  @Test func `an alias with weights keeps what it has of both versions, and gets nothing new`() async throws {
    let test = try await plane()
    try await test.run(put("live", 2))
    try await test.run(move("2", ["1": 0.9]))
    #expect(
      await test.refusal(put("live", 3))
        == "InvalidParameterValueException: Alias with weights can not be used with Provisioned Concurrency")
    #expect(try await requests(test) == ["1": 2, "2": 2])
    try await test.run(move("2", [:]))
    #expect(try await requests(test) == ["2": 2])
    let invalid = "InvalidParameterValueException: Invalid alias configuration for Provisioned Concurrency"
    #expect(await test.refusal(move("$LATEST")) == invalid)
    try await test.run(move("1", ["2": 0.5]))
    try await test.run(
      input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.timeout) = ("orders", 9) })
    try await test.settle()
    try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })
    #expect(await test.refusal(move("3", ["1": 0.5])) == invalid)
  }

  private func requests(_ test: TestPlane) async throws -> [String: Int] {
    let requests = try await test.store.read { try ProvisionedRows($0).requests() }
    return Dictionary(uniqueKeysWithValues: requests.map { ($0.key.version, $0.value.count) })
  }

  @Test func `what is provisioned moves with its alias, and goes with the alias, the version and the function`() async throws {
    let test = try await plane()
    try await test.run(put("live", 2))
    #expect(try await requests(test) == ["1": 2])
    try await test.run(move("2"))
    #expect(try await requests(test) == ["2": 2])
    try await test.run(input(DeleteAliasInput.self) { ($0.functionName, $0.name) = ("orders", "live") })
    #expect(try await requests(test).isEmpty)
    try await test.run(put("1"))
    try await test.run(put("2"))
    try await test.run(input(DeleteFunctionInput.self) { ($0.functionName, $0.qualifier) = ("orders", "1") })
    #expect(try await requests(test) == ["2": 1])
    try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "orders" })
    _ = try await test.create { $0.publish = true }
    #expect(try await requests(test).isEmpty)
  }

  @Test func `the status follows the environments, and an older request does not count`() async throws {
    let test = try await plane()
    let made = PutProvisionedConcurrencyConfigOutput(try await test.run(put("live", 2)))
    #expect(made.status == "IN_PROGRESS" && made.allocatedProvisionedConcurrentExecutions == 0)
    #expect(made.lastModified == "2023-11-14T22:13:20+0000")
    let revision = try #require(try await test.store.read { try ProvisionedRows($0).config(id, "live") }).revision
    func answer(_ progress: Provision.Progress, _ booted: Int, of revision: String) async throws -> [String] {
      test.provisioner.reports.withLock {
        $0["1"] = ProvisionReport(provision: Provision(count: 2, revision: revision, progress: progress), booted: booted)
      }
      let found = GetProvisionedConcurrencyConfigOutput(try await test.run(get("live")))
      let counts = [found.requestedProvisionedConcurrentExecutions, found.allocatedProvisionedConcurrentExecutions]
      return counts.map { "\($0 ?? -1)" } + [found.status ?? "", found.statusReason ?? ""]
    }
    #expect(try await answer(.allocating, 1, of: revision) == ["2", "1", "IN_PROGRESS", ""])
    #expect(try await answer(.ready, 2, of: revision) == ["2", "2", "READY", ""])
    #expect(try await answer(.failed(reason: "why"), 0, of: revision) == ["2", "0", "FAILED", "why"])
    #expect(try await answer(.ready, 1, of: "an older one") == ["2", "1", "IN_PROGRESS", ""])
  }

  @Test func `all configurations of a function are listed, page by page`() async throws {
    let test = try await plane()
    try await test.run(put("live", 1))
    try await test.run(put("2", 3))
    var listed: [String] = []
    var marker: String?
    repeat {
      let page = ListProvisionedConcurrencyConfigsOutput(
        try await test.run(
          input(ListProvisionedConcurrencyConfigsInput.self) { ($0.functionName, $0.maxItems, $0.marker) = ("orders", 1, marker) }))
      listed += (page.provisionedConcurrencyConfigs ?? []).map {
        "\($0.functionArn ?? "") \($0.requestedProvisionedConcurrentExecutions ?? 0)"
      }
      marker = page.nextMarker
    } while marker != nil
    #expect(listed == ["\(arn):2 3", "\(arn):live 1"])
  }
}

@Suite struct CodeStorageTests {
  @Test func `an account's packages fit into its quota, all versions and layers counted, and what is deleted makes room`() async throws {
    let size = TestPlane.zip.count
    let test = TestPlane(limits: AccountLimits(codeStorageBytes: 3 * size))
    _ = try await test.create { $0.publish = true }
    _ = try await test.create("third")
    let full = "CodeStorageExceededException: Code storage limit exceeded."
    #expect(await test.refusal(TestPlane.creation("fourth")) == full)
    let layer = input(PublishLayerVersionInput.self) {
      $0.layerName = "layer"
      $0.content = input { $0.zipFile = TestPlane.zip }
    }
    #expect(await test.refusal(layer) == full)
    // Another version of the same code would be a third copy of it.
    try await test.run(input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.timeout) = ("orders", 9) })
    try await test.settle()
    #expect(await test.refusal(input(PublishVersionInput.self) { $0.functionName = "orders" }) == full)
    // Another account has a quota of its own.
    #expect(
      await test.refusal(TestPlane.creation { $0.role = "arn:aws:iam::222222222222:role/orders" }, account: .two) == "accepted")
    try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "third" })
    #expect(await test.refusal(TestPlane.creation("fourth")) == "accepted")
  }
}
