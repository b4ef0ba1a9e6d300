import Base
import Store
import StoreMemory
import Testing
import Wire

@testable import Lambda

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

private let layerARN = "arn:aws:lambda:us-east-1:111111111111:layer:tools"

private func publication(_ name: String = "tools", _ text: String = "x", _ change: (inout PublishLayerVersionInput) -> Void = { _ in })
  -> PublishLayerVersionInput
{
  input {
    $0.layerName = name
    $0.content = input { $0.zipFile = ZipWriter.zip([.init("python/tool.py", text)]) }
    change(&$0)
  }
}

@Test func `layer versions are numbered, listed newest first, and a number is never used again`() async throws {
  let test = TestPlane()
  let first = PublishLayerVersionOutput(
    try await test.run(
      publication {
        ($0.description, $0.licenseInfo) = ("d", "MIT")
        ($0.compatibleRuntimes, $0.compatibleArchitectures) = (["python3.13"], ["arm64"])
      }))
  #expect(first.layerArn == layerARN && first.layerVersionArn == layerARN + ":1" && first.version == 1)
  #expect(first.content?.codeSize ?? 0 > 0 && first.content?.location?.contains("/_dewpoint/lambda/packages/") == true)
  try await test.run(publication("tools", "y"))
  try await test.run(input(DeleteLayerVersionInput.self) { ($0.layerName, $0.versionNumber) = ("tools", 2) })
  let third = PublishLayerVersionOutput(try await test.run(publication("tools", "z")))
  #expect(third.version == 3)
  func versions(_ runtime: String?) async throws -> [Int?] {
    let answer = ListLayerVersionsOutput(
      try await test.run(input(ListLayerVersionsInput.self) { ($0.layerName, $0.compatibleRuntime) = (layerARN, runtime) }))
    return (answer.layerVersions ?? []).map(\.version)
  }
  #expect(try await versions(nil) == [3, 1])
  #expect(try await versions("python3.13") == [1])
  let layers = ListLayersOutput(try await test.run(ListLayersInput())).layers
  #expect(layers?.map(\.layerName) == ["tools"] && layers?.first?.latestMatchingVersion?.version == 3)
  let matching = ListLayersOutput(
    try await test.run(input(ListLayersInput.self) { $0.compatibleArchitecture = "arm64" })).layers
  #expect(matching?.first?.latestMatchingVersion?.version == 1)
  let got = GetLayerVersionResponse(
    try await test.run(input(GetLayerVersionByArnInput.self) { $0.arn = layerARN + ":1" }))
  #expect(got.description == "d" && got.licenseInfo == "MIT" && got.compatibleRuntimes == ["python3.13"])
}

private let refusedLists: [([String], String)] = [
  ((1...6).map { "arn:aws:lambda:us-east-1:111111111111:layer:l\($0):1" }, "InvalidParameterValueException: Cannot reference more than 5 layers."),
  (["tools:1"], "ValidationException: 1 validation error detected: Value '[tools:1]' at 'layers'"),
  ([layerARN], "ValidationException: 1 validation error detected: Value '[\(layerARN)]' at 'layers'"),
  ([layerARN + ":9"], "InvalidParameterValueException: Layer version \(layerARN):9 does not exist."),
  (
    [layerARN + ":1", layerARN + ":2"],
    "InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the same function. \(layerARN):1 and \(layerARN):2 are versions of the same layer."
  ),
  (
    ["arn:aws:lambda:eu-west-1:111111111111:layer:tools:1"],
    "InvalidParameterValueException: Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
  ),
]

@Test(arguments: refusedLists)
func `layers that a function cannot have are refused in AWS's words`(arns: [String], text: String) async throws {
  let test = TestPlane()
  try await test.run(publication())
  try await test.run(publication("tools", "y"))
  let refusal = await test.refusal(TestPlane.creation { $0.layers = arns })
  #expect(refusal.hasPrefix(text), "\(refusal)")
}

@Test func `a function keeps the package of a layer version that is deleted`() async throws {
  let test = TestPlane()
  try await test.run(publication())
  let made = try await test.create { $0.layers = [layerARN + ":1"] }
  #expect(made.layers?.map(\.arn) == [layerARN + ":1"] && made.layers?.first?.codeSize ?? 0 > 0)
  try await test.run(input(DeleteLayerVersionInput.self) { ($0.layerName, $0.versionNumber) = ("tools", 1) })
  test.clock.advance(.hours(1))
  _ = try await test.plane.collector.turn(test.clock.now())
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let hashes = try await test.plane.resolve(id, qualifier: nil).version.layers.map(\.codeHash)
  #expect(hashes.count == 1)
  _ = try await test.plane.packages.directory(merging: hashes)
  #expect(await test.refusal(TestPlane.creation("other") { $0.layers = [layerARN + ":1"] }).contains("does not exist"))
  // Once the function has let it go nobody needs it.
  try await test.run(input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.layers) = ("orders", []) })
  try await test.settle()
  _ = try await test.plane.collector.turn(test.clock.now())
  test.clock.advance(.hours(1))
  _ = try await test.plane.collector.turn(test.clock.now())
  #expect(try await test.plane.packages.hashes().contains(hashes[0]) == false)
}

@Test func `who configures a function must be allowed to get its layers, by the layer's own policy too`() async throws {
  let test = TestPlane()
  try await test.run(publication())
  try await test.run(
    input(AddLayerVersionPermissionInput.self) {
      ($0.layerName, $0.versionNumber, $0.statementId) = ("tools", 1, "share")
      ($0.action, $0.principal) = ("lambda:GetLayerVersion", "222222222222")
    })
  _ = try await test.create { $0.layers = [layerARN + ":1"] }
  let asked = test.identity.asked.withLock { $0.first { $0.action == "lambda:GetLayerVersion" } }
  #expect(asked?.resource == layerARN + ":1" && asked?.owner == .one)
  #expect(asked?.resourcePolicy?.contains(#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#) == true)
  test.identity.denied.withLock { _ = $0.insert("lambda:GetLayerVersion") }
  #expect(await test.refusal(TestPlane.creation("b") { $0.layers = [layerARN + ":1"] }).hasPrefix("AccessDeniedException"))
}

@Test func `the permissions of a layer version are added and removed statement by statement`() async throws {
  let test = TestPlane()
  try await test.run(publication())
  func add(_ sid: String, _ change: (inout AddLayerVersionPermissionInput) -> Void = { _ in }) async -> String {
    await test.refusal(
      input(AddLayerVersionPermissionInput.self) {
        ($0.layerName, $0.versionNumber, $0.statementId) = ("tools", 1, sid)
        ($0.action, $0.principal) = ("lambda:GetLayerVersion", "*")
        change(&$0)
      })
  }
  let get = input(GetLayerVersionPolicyInput.self) { ($0.layerName, $0.versionNumber) = ("tools", 1) }
  #expect(await test.refusal(get) == "ResourceNotFoundException: No policy is associated with the given resource.")
  #expect(await add("a") { $0.organizationId = "o-1234567890" } == "accepted")
  #expect(await add("a").hasPrefix("ResourceConflictException: The statement id (a) provided already exists."))
  #expect(await add("b") { $0.revisionId = "old" }.contains("Call the GetLayerPolicy API to retrieve the latest Revision Id"))
  #expect(await add("b") { $0.principal = "s3.amazonaws.com" }.hasPrefix("InvalidParameterValueException: The provided principal"))
  #expect(await add("b") { $0.versionNumber = 7 } == "ResourceNotFoundException: Layer version \(layerARN):7 does not exist.")
  let policy = GetLayerVersionPolicyOutput(try await test.run(get)).policy
  #expect(
    policy
      == #"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"\#(layerARN):1","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}]}"#
  )
  func remove(_ sid: String) async -> String {
    await test.refusal(
      input(RemoveLayerVersionPermissionInput.self) { ($0.layerName, $0.versionNumber, $0.statementId) = ("tools", 1, sid) })
  }
  #expect(await remove("b") == "ResourceNotFoundException: Statement b is not found in resource policy.")
  #expect(await remove("a") == "accepted")
  #expect(await test.refusal(get) == "ResourceNotFoundException: No policy is associated with the given resource.")
}

@Test func `later layers cover earlier ones, whatever kind of file is there`() async throws {
  let directory = TemporaryDirectory()
  let packages = PackageStore(blobs: MemoryBlobStore(), directory: directory.path + "/code")
  let below = try await packages.add(
    zip: ZipWriter.zip(
      .init("both", "below"), .init("only/below", "1"), .init("tree/file", "2"), .init("link", "tree", mode: 0o120777))).hash
  let above = try await packages.add(
    zip: ZipWriter.zip(.init("both", "above"), .init("tree", "now a file"), .init("link/inside", "3"), .init("only/above", "4")))
    .hash
  let path = try await packages.directory(merging: [below, above])
  func text(_ name: String) -> String? { TemporaryDirectory.text(path + "/" + name) }
  #expect(text("both") == "above" && text("only/below") == "1" && text("only/above") == "4")
  #expect(text("tree") == "now a file" && text("link/inside") == "3")
  // The link of the lower layer was replaced, not followed.
  #expect(TemporaryDirectory.text(try await packages.directory(for: below) + "/tree/inside") == nil)
  let other = try await packages.directory(merging: [above, below])
  #expect(TemporaryDirectory.text(other + "/both") == "below" && other != path)
  packages.release(below)
  _ = try await packages.remove(below) { false }
  #expect(TemporaryDirectory.text(path + "/both") == nil && TemporaryDirectory.text(other + "/both") == nil)
}

@Test func `a merged tree stays while an environment uses it, and goes after it has rested longest`() throws {
  let directory = TemporaryDirectory()
  for hash in ["a", "b", "c"] { mkdir("\(directory.path)/\(hash)", 0o755) }
  let trees = LayerTrees(root: directory.path, capacity: 1)
  func isThere(_ path: String) -> Bool { TemporaryDirectory.mode(path) != -1 }
  let first = try trees.tree(of: ["a", "b"])
  #expect(try trees.tree(of: ["a", "b"]) == first)
  let second = try trees.tree(of: ["b", "c"])
  trees.release(first)
  let third = try trees.tree(of: ["a", "c"])
  #expect([first, second, third].allSatisfy(isThere), "all are in use, the first by one more")
  trees.release(first)
  trees.release(second)
  let fourth = try trees.tree(of: ["c", "b"])
  #expect([first, second, third, fourth].map(isThere) == [false, false, true, true])
}
