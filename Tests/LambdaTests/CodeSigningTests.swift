import Base
import Fabric
import TestCloud
import Testing
import Wire

@testable import Lambda

private let profile = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/shop/abcdefghij"

/// Code signing configurations, and what they mean for functions.
@Suite struct CodeSigningTests {
  private let test = TestPlane()

  private func make(
    _ policy: String? = nil, _ profiles: [String] = [profile], region: Region = .usEast1
  ) async throws -> CodeSigningConfig {
    let made = try await test.run(creation(policy, profiles), region: region)
    return CreateCodeSigningConfigOutput(made).codeSigningConfig
  }
  private func creation(_ policy: String? = nil, _ profiles: [String] = [profile]) -> CreateCodeSigningConfigInput {
    input {
      $0.allowedPublishers = input { $0.signingProfileVersionArns = profiles }
      if let policy { $0.codeSigningPolicies = input { $0.untrustedArtifactOnDeployment = policy } }
    }
  }
  private func newCode() -> UpdateFunctionCodeInput { input { ($0.functionName, $0.zipFile) = ("orders", TestPlane.otherZip) } }
  private func put(_ arn: String) -> PutFunctionCodeSigningConfigInput { input { ($0.functionName, $0.codeSigningConfigArn) = ("orders", arn) } }

  @Test func `a configuration is kept as it was made, warns when nothing is said, and changes in parts`() async throws {
    let made = try await make()
    let arn = made.codeSigningConfigArn
    #expect(made.codeSigningConfigId.hasPrefix("csc-") && made.codeSigningConfigId.count == 21)
    #expect(arn == "arn:aws:lambda:us-east-1:111111111111:code-signing-config:\(made.codeSigningConfigId)")
    #expect(made.codeSigningPolicies.untrustedArtifactOnDeployment == "Warn")
    let changed = UpdateCodeSigningConfigOutput(
      try await test.run(
        input(UpdateCodeSigningConfigInput.self) { ($0.codeSigningConfigArn, $0.description) = (arn, "ours") })).codeSigningConfig
    #expect(changed.description == "ours" && changed.allowedPublishers.signingProfileVersionArns == [profile])
    let shown = GetCodeSigningConfigOutput(try await test.run(input(GetCodeSigningConfigInput.self) { $0.codeSigningConfigArn = arn }))
    #expect(shown.codeSigningConfig == changed)
    let list = ListCodeSigningConfigsOutput(try await test.run(ListCodeSigningConfigsInput()))
    #expect(list.codeSigningConfigs?.map(\.codeSigningConfigArn) == [arn])
    let there = ListCodeSigningConfigsOutput(try await test.run(ListCodeSigningConfigsInput(), region: try #require(Region("eu-west-1"))))
    #expect(there.codeSigningConfigs?.isEmpty == true)
  }

  @Test func `unsigned code and layers are refused where signatures are enforced, and else let pass with a count`() async throws {
    let (strict, lax) = (try await make("Enforce").codeSigningConfigArn, try await make("Warn").codeSigningConfigArn)
    let refused = "CodeVerificationFailedException: Lambda cannot deploy the function."
    #expect(await test.refusal(TestPlane.creation { $0.codeSigningConfigArn = strict }).hasPrefix(refused))
    _ = try await test.create { $0.codeSigningConfigArn = lax }
    let counted = test.metrics.drain().first { $0.series.name == "SignatureValidationErrors" && !$0.series.dimensions.isEmpty }
    #expect(counted?.statistics.sum == 1 && counted?.series.dimensions == [MetricDimension("FunctionName", "orders")])
    _ = try await test.run(newCode())
    try await test.settle()
    // What the function has stays; what is to come is judged.
    _ = try await test.run(put(strict))
    #expect(await test.refusal(newCode()).hasPrefix(refused))
    var trial = newCode()
    trial.dryRun = true
    #expect(await test.refusal(trial).hasPrefix(refused))
    let layer = PublishLayerVersionOutput(
      try await test.run(input(PublishLayerVersionInput.self) { $0.layerName = "tools"; $0.content = input { $0.zipFile = TestPlane.zip } }))
    #expect(
      await test.refusal(
        input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.layers) = ("orders", [layer.layerVersionArn ?? ""]) }
      ).hasPrefix(refused))
    _ = try await test.run(input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.description) = ("orders", "as before") })
    try await test.settle()
    _ = try await test.run(input(DeleteFunctionCodeSigningConfigInput.self) { $0.functionName = "orders" })
    _ = try await test.run(newCode())
  }

  @Test func `a configuration knows its functions and cannot be deleted while it has some`() async throws {
    let arn = try await make().codeSigningConfigArn
    _ = try await test.create()
    _ = try await test.create("returns")
    _ = try await test.run(put(arn))
    let functions = ListFunctionsByCodeSigningConfigOutput(
      try await test.run(input(ListFunctionsByCodeSigningConfigInput.self) { $0.codeSigningConfigArn = arn }))
    #expect(functions.functionArns == ["arn:aws:lambda:us-east-1:111111111111:function:orders"])
    let asked = input(GetFunctionCodeSigningConfigInput.self) { $0.functionName = "orders" }
    let shown = GetFunctionCodeSigningConfigOutput(try await test.run(asked))
    #expect(shown.codeSigningConfigArn == arn && shown.functionName == "orders")
    let deletion = input(DeleteCodeSigningConfigInput.self) { $0.codeSigningConfigArn = arn }
    #expect(await test.refusal(deletion).hasPrefix("ResourceConflictException: "))
    _ = try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "orders" })
    _ = try await test.run(deletion)
    #expect(await test.refusal(deletion).hasPrefix("ResourceNotFoundException: The code signing configuration cannot be found."))
  }

  @Test func `what is none is refused in the words of the place`() async throws {
    let none = "arn:aws:lambda:us-east-1:111111111111:code-signing-config:csc-00000000000000000"
    _ = try await test.create()
    #expect(await test.refusal(put(none)).hasPrefix("CodeSigningConfigNotFoundException: "))
    #expect(await test.refusal(TestPlane.creation("other") { $0.codeSigningConfigArn = none }).hasPrefix("CodeSigningConfigNotFoundException: "))
    let away = profile.replacing("us-east-1", with: "eu-west-1")
    let foreign = try await make(nil, [away], region: try #require(Region("eu-west-1"))).codeSigningConfigArn
    #expect(await test.refusal(put(foreign)).hasPrefix("CodeSigningConfigNotFoundException: "))
    for profile in ["arn:aws:s3:::bucket", "arn:aws:signer:us-east-1:123456789012:/signing-profiles/shop"] {
      #expect(await test.refusal(creation(nil, [profile])).hasPrefix("InvalidParameterValueException: "))
    }
  }

  @Test func `configurations have tags, and go with their account`() async throws {
    let arn = try await make().codeSigningConfigArn
    _ = try await test.run(input(TagResourceInput.self) { ($0.resource, $0.tags) = (arn, ["team": "a", "old": "x"]) })
    _ = try await test.run(input(UntagResourceInput.self) { ($0.resource, $0.tagKeys) = (arn, ["old"]) })
    let tags = ListTagsOutput(try await test.run(input(ListTagsInput.self) { $0.resource = arn })).tags
    #expect(tags == ["team": "a"])
    try await test.plane.removeFunctions(of: .one)
    #expect(await test.refusal(input(GetCodeSigningConfigInput.self) { $0.codeSigningConfigArn = arn }).hasPrefix("ResourceNotFoundException"))
  }
}
