import Base
import Testing
import Wire

@testable import Lambda

private let arn = "arn:aws:lambda:us-east-1:111111111111:function:orders"

/// A function with versions 1 and 2, and 3 with another role.
private func plane() async throws -> TestPlane {
  let test = TestPlane()
  _ = try await test.create { $0.publish = true }
  try await test.run(
    input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.zipFile, $0.publish) = ("orders", TestPlane.otherZip, true) })
  try await test.settle()
  try await test.run(
    input(UpdateFunctionConfigurationInput.self) {
      ($0.functionName, $0.role) = ("orders", "arn:aws:iam::111111111111:role/other")
    })
  try await test.settle()
  try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })
  return test
}

private func alias(_ main: String, _ weights: [String: Double]?) -> CreateAliasInput {
  input {
    ($0.functionName, $0.name, $0.functionVersion) = ("orders", "live", main)
    $0.routingConfig = weights.map { weights in input { $0.additionalVersionWeights = weights } }
  }
}

private let refused: [(String, [String: Double], String)] = [
  (
    "1", ["2": 0.1, "3": 0.1],
    "InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater than 1"
  ),
  (
    "1", ["1": 0.5],
    "InvalidParameterValueException: Invalid function version 1. Function version 1 is already included in routing configuration."
  ),
  (
    "$LATEST", ["1": 0.5],
    "InvalidParameterValueException: $LATEST is not supported for an alias pointing to more than 1 version"
  ),
  ("1", ["9": 0.5], "ResourceNotFoundException: Function not found: \(arn):9"),
  ("1", ["2": 1.5], "ValidationException: 1 validation error detected: Value '{2=1.5}' at 'routingConfig.additionalVersionWeights'"),
  ("1", ["2": -0.1], "ValidationException: 1 validation error detected: Value '{2=-0.1}' at 'routingConfig.additionalVersionWeights'"),
  ("1", ["3": 0.5], "InvalidParameterValueException: An alias can only point to two versions that have the same execution role"),
]

@Test(arguments: refused)
func `a routing that cannot be is refused in AWS's words`(main: String, weights: [String: Double], text: String) async throws {
  let refusal = await (try plane()).refusal(alias(main, weights))
  #expect(refusal.hasPrefix(text), "\(refusal)")
}

@Test func `an alias sends each version its share of the invocations`() async throws {
  let test = try await plane()
  let made = AliasConfiguration(try await test.run(alias("1", ["2": 0.25])))
  #expect(made.routingConfig?.additionalVersionWeights == ["2": 0.25])
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  var second = 0
  for _ in 0..<2000 where try await test.plane.resolve(id, qualifier: "live").version.version == "2" { second += 1 }
  // Five standard deviations of a fair draw.
  #expect((403...597).contains(second), "\(second) of 2000")
}

@Test func `a version that an alias routes to cannot be deleted, and an empty routing ends it`() async throws {
  let test = try await plane()
  try await test.run(alias("1", ["2": 1]))
  let delete = input(DeleteFunctionInput.self) { ($0.functionName, $0.qualifier) = ("orders", "2") }
  #expect(await test.refusal(delete).hasPrefix("ResourceConflictException: Version(s) (2) are currently used by"))
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  #expect(try await test.plane.resolve(id, qualifier: "live").version.version == "2")
  let kept = AliasConfiguration(
    try await test.run(input(UpdateAliasInput.self) { ($0.functionName, $0.name, $0.description) = ("orders", "live", "d") }))
  #expect(kept.routingConfig?.additionalVersionWeights == ["2": 1] && kept.description == "d")
  let ended = AliasConfiguration(
    try await test.run(
      input(UpdateAliasInput.self) {
        ($0.functionName, $0.name, $0.routingConfig) = ("orders", "live", input { $0.additionalVersionWeights = [:] })
      }))
  #expect(ended.routingConfig == nil)
  #expect(try await test.plane.resolve(id, qualifier: "live").version.version == "1")
  #expect(await test.refusal(delete) == "accepted")
}

@Test func `a change of an alias that its caller has not seen is refused`() async throws {
  let test = try await plane()
  let made = AliasConfiguration(try await test.run(alias("1", nil)))
  func update(_ revision: String?) async -> String {
    await test.refusal(
      input(UpdateAliasInput.self) {
        ($0.functionName, $0.name, $0.functionVersion, $0.revisionId) = ("orders", "live", "2", revision)
      })
  }
  #expect(await update(made.revisionId) == "accepted")
  #expect(await update(made.revisionId).hasPrefix("PreconditionFailedException: The Revision Id provided does not match"))
}
