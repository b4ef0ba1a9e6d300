import Base
import StoreMemory
import Testing
import Wire

@testable import Lambda

@Test func `a new function is pending, then active with another revision, and echoes every default`() async throws {
  let test = TestPlane()
  let created = FunctionConfiguration(try await test.run(TestPlane.creation()))
  #expect(created.state == "Pending" && created.stateReasonCode == "Creating")
  #expect(created.stateReason == "The function is being created." && created.lastUpdateStatus == nil)
  #expect(created.functionArn == "arn:aws:lambda:us-east-1:111111111111:function:orders")
  #expect(created.version == "$LATEST" && created.packageType == "Zip" && created.architectures == ["x86_64"])
  #expect(created.timeout == 3 && created.memorySize == 128 && created.ephemeralStorage?.size == 512 && created.description == "")
  #expect(created.loggingConfig?.logFormat == "Text" && created.loggingConfig?.logGroup == "/aws/lambda/orders")
  #expect(created.snapStart?.applyOn == "None" && created.snapStart?.optimizationStatus == "Off")
  #expect(created.tracingConfig?.mode == "PassThrough" && created.environment == nil && created.codeSize == TestPlane.zip.count)
  #expect(created.codeSha256?.count == 44 && created.lastModified == "2023-11-14T22:13:20.000+0000")

  try await test.settle()
  let active = try await test.configuration()
  #expect(active.state == "Active" && active.lastUpdateStatus == "Successful" && active.stateReason == nil)
  #expect(active.revisionId != created.revisionId && active.revisionId?.count == 36)
}

@Test func `a pending function cannot be changed, and a crash before it became active is mended`() async throws {
  let store = MemoryStore()
  let test = TestPlane(store: store)
  try await test.run(TestPlane.creation())
  let change = input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.timeout) = ("orders", 9) }
  let state = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
  #expect(await test.refusal(change) == "ResourceConflictException: \(state)")

  let restarted = TestPlane(store: store)
  for hash in try await test.blobs.list() { try await restarted.blobs.put(hash, try #require(try await test.blobs.get(hash))) }
  try await restarted.settle()
  #expect(try await restarted.configuration().state == "Active")
  #expect(TemporaryDirectory.names(restarted.directory.path + "/code").count == 1)
}

@Test func `a function whose code is lost fails`() async throws {
  let store = MemoryStore()
  try await TestPlane(store: store).run(TestPlane.creation())
  let restarted = TestPlane(store: store)
  try await restarted.settle()
  let failed = try await restarted.configuration()
  #expect(failed.state == "Failed" && failed.stateReasonCode == "InvalidZipFileException")
}

@Test func `while an update is under way the old code serves, and further updates are refused`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let before = try await test.plane.resolve(id, qualifier: nil).version
  #expect(before.state == .active)
  let update = input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.zipFile) = ("orders", TestPlane.otherZip) }
  let answer = FunctionConfiguration(try await test.run(update))
  #expect(answer.lastUpdateStatus == "InProgress" && answer.lastUpdateStatusReasonCode == "Creating" && answer.state == "Active")
  #expect(answer.lastUpdateStatusReason == "The function is being created.")
  #expect(try await test.plane.resolve(id, qualifier: nil).version == before)
  let busy = "The operation cannot be performed at this time. An update is in progress for resource: \(id.arn)"
  #expect(await test.refusal(update) == "ResourceConflictException: \(busy)")
  #expect(
    await test.refusal(input(TagResourceInput.self) { ($0.resource, $0.tags) = (id.arn.text, ["a": "b"]) })
      == "ResourceConflictException: \(busy)")

  try await test.settle()
  let after = try await test.configuration()
  #expect(
    after.lastUpdateStatus == "Successful" && after.revisionId != answer.revisionId && after.codeSha256 == answer.codeSha256)
  #expect(try await test.plane.resolve(id, qualifier: nil).version.codeHash != before.codeHash)
}

@Test func `a wrong RevisionId changes nothing`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let text =
    "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
  for revision in ["x", "11111111-1111-1111-1111-111111111111"] {
    #expect(
      await test.refusal(
        input(UpdateFunctionCodeInput.self) {
          ($0.functionName, $0.zipFile, $0.revisionId) = ("orders", TestPlane.otherZip, revision)
        })
        == text)
  }
  let current = try await test.configuration().revisionId
  try await test.run(
    input(UpdateFunctionConfigurationInput.self) { ($0.functionName, $0.revisionId, $0.memorySize) = ("orders", current, 256) })
  #expect(try await test.configuration().memorySize == 256)
}

@Test func `a dry run answers what would be and keeps nothing`() async throws {
  let test = TestPlane()
  let created = try await test.create()
  let answer = FunctionConfiguration(
    try await test.run(
      input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.zipFile, $0.dryRun) = ("orders", TestPlane.otherZip, true) }))
  #expect(answer.codeSha256 != created.codeSha256 && answer.lastUpdateStatus == "Successful")
  #expect(try await test.configuration().codeSha256 == created.codeSha256)
  #expect(try await test.blobs.list().count == 1)
}

private let refusedCreations: [(String, @Sendable (inout CreateFunctionInput) -> Void, String)] = [
  (
    "role that is not there", { $0.role = "arn:aws:iam::111111111111:role/missing" },
    "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
  ),
  (
    "role that does not trust Lambda", { $0.role = "arn:aws:iam::111111111111:role/untrusted" },
    "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
  ),
  (
    "role of another account", { $0.role = "arn:aws:iam::222222222222:role/x" },
    "AccessDeniedException: Cross-account pass role is not allowed."
  ),
  ("role that is none", { $0.role = "orders" }, "ValidationException: 1 validation error detected: Value 'orders' at 'role'"),
  (
    "no runtime", { $0.runtime = nil },
    "InvalidParameterValueException: Runtime and Handler are mandatory parameters for functions created with deployment packages."
  ),
  ("no handler", { $0.handler = nil }, "InvalidParameterValueException: Runtime and Handler are mandatory"),
  (
    "unknown runtime", { $0.runtime = "cobol" },
    "InvalidParameterValueException: Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
  ),
  (
    "retired runtime", { $0.runtime = "python3.6" },
    "InvalidParameterValueException: The runtime parameter of python3.6 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."
  ),
  (
    "language that the host has not", { $0.runtime = "java21" },
    "InvalidParameterValueException: The runtime java21 cannot run on this host: no Java was found."
  ),
  (
    "timeout 0", { $0.timeout = 0 },
    "ValidationException: 1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"
  ),
  ("timeout 901", { $0.timeout = 901 }, "ValidationException: 1 validation error detected: Value '901' at 'timeout'"),
  ("little memory", { $0.memorySize = 127 }, "ValidationException: 1 validation error detected: Value '127' at 'memorySize'"),
  ("much memory", { $0.memorySize = 10_241 }, "ValidationException: 1 validation error detected: Value '10241' at 'memorySize'"),
  ("handler with a blank", { $0.handler = "a b" }, "ValidationException: 1 validation error detected: Value 'a b' at 'handler'"),
  (
    "reserved variables", { $0.environment = input { $0.variables = ["AWS_REGION": "x", "_HANDLER": "y", "OK": "z"] } },
    "InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, _HANDLER"
  ),
  (
    "large variables", { $0.environment = input { $0.variables = ["BIG": String(repeating: "x", count: 4096)] } },
    "InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"BIG\":\"xxx"
  ),
  (
    "code in S3", { $0.code = input { ($0.s3Bucket, $0.s3Key) = ("b", "k") } },
    "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchKey."
  ),
  ("no code", { $0.code = FunctionCode() }, "InvalidParameterValueException: Please provide a source for function code."),
  (
    "bad zip", { $0.code = input { $0.zipFile = [1, 2, 3] } },
    "InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."
  ),
  (
    "log level of text", { $0.loggingConfig = input { $0.applicationLogLevel = "DEBUG" } },
    "InvalidParameterValueException: To use ApplicationLogLevel or SystemLogLevel, you must set LogFormat to JSON."
  ),
  ("image", { $0.packageType = "Image" }, "InvalidParameterValueException: Please don't provide Handler or Runtime or Layer"),
  (
    "layer that is not there", { $0.layers = ["arn:aws:lambda:us-east-1:111111111111:layer:l:1"] },
    "InvalidParameterValueException: Layer version arn:aws:lambda:us-east-1:111111111111:layer:l:1 does not exist."
  ),
  (
    "half a VPC", { $0.vpcConfig = input { $0.subnetIds = ["subnet-12345678"] } },
    "InvalidParameterValueException: SubnetIds and SecurityIds must coexist or be both empty list."
  ),
  (
    "a subnet of another form", { $0.vpcConfig = input { ($0.subnetIds, $0.securityGroupIds) = (["subnet-1"], ["sg-12345678"]) } },
    "InvalidParameterValueException: Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.Malformed."
  ),
  (
    "a security group of another form",
    { $0.vpcConfig = input { ($0.subnetIds, $0.securityGroupIds) = (["subnet-0123456789abcdef0"], ["default"]) } },
    "InvalidParameterValueException: Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroupId.Malformed."
  ),
  (
    "file system", { $0.fileSystemConfigs = [input { ($0.arn, $0.localMountPath) = ("a", "/mnt/a") }] },
    "InvalidParameterValueException: FileSystemConfigs is not supported"
  ),
  (
    "SnapStart of Node", { ($0.runtime, $0.snapStart) = ("nodejs22.x", input { $0.applyOn = "PublishedVersions" }) },
    "InvalidParameterValueException: nodejs22.x is not supported for SnapStart enabled functions."
  ),
  (
    "code signing", { $0.codeSigningConfigArn = "arn:x" },
    "CodeSigningConfigNotFoundException: The code signing configuration cannot be found."
  ),
  ("KMS", { $0.kmsKeyArn = "arn:x" }, "InvalidParameterValueException: KMSKeyArn is not supported"),
  ("image settings", { $0.imageConfig = input { $0.command = ["a"] } }, "InvalidParameterValueException: Please don't provide ImageConfig"),
  (
    "durable", { $0.durableConfig = DurableConfig() },
    "InvalidParameterValueException: You cannot create a function with a durable configuration without an executionTimeout"
  ),
  (
    "tenancy", { $0.tenancyConfig = input { $0.tenantIsolationMode = "PER_TENANT" } },
    "InvalidParameterValueException: TenancyConfig is not supported"
  ),
  ("publish to", { $0.publishTo = "LATEST_PUBLISHED" }, "InvalidParameterValueException: PublishTo is not supported"),
  ("architecture", { $0.architectures = ["mips"] }, "InvalidParameterValueException: Value '[mips]' at 'architectures'"),
  (
    "dead letters to a stream", { $0.deadLetterConfig = input { $0.targetArn = "arn:aws:kinesis:us-east-1:111111111111:stream/t" } },
    "InvalidParameterValueException: A DeadLetterConfig.TargetArn that is neither an SQS queue nor an SNS topic is not supported"
  ),
  (
    "too many tags", { $0.tags = Dictionary(uniqueKeysWithValues: (0..<51).map { ("k\($0)", "v") }) },
    "InvalidParameterValueException: Number of tags exceeds resource tag limit."
  ),
]

@Test(arguments: refusedCreations)
func `what cannot be created is refused with AWS's text and leaves nothing`(
  what: String, change: @Sendable (inout CreateFunctionInput) -> Void, text: String
) async throws {
  let test = TestPlane()
  let refusal = await test.refusal(TestPlane.creation("f", change))
  #expect(refusal.hasPrefix(text), "\(what): \(refusal)")
  #expect(try await test.blobs.list().isEmpty)
}

@Test func `creation asks IAM for the function and for passing the role`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let asked = test.identity.asked.withLock { $0 }
  #expect(
    asked[0].action == "lambda:CreateFunction" && asked[0].resource == "arn:aws:lambda:us-east-1:111111111111:function:orders")
  #expect(asked[1].action == "iam:PassRole" && asked[1].resource == TestPlane.role)
  #expect(asked[1].conditionValues == ["iam:passedtoservice": ["lambda.amazonaws.com"]])
  test.identity.denied.withLock { $0 = ["sqs:SendMessage"] }
  let refusal = await test.refusal(
    TestPlane.creation("g") { $0.deadLetterConfig = input { $0.targetArn = "arn:aws:sqs:us-east-1:111111111111:q" } })
  #expect(
    refusal == "InvalidParameterValueException: The provided execution role does not have permissions to call SendMessage on SQS")
}

@Test func `no policy can pass the role of another account`() async throws {
  let test = TestPlane()
  let refusal = await test.refusal(TestPlane.creation { $0.role = "arn:aws:iam::222222222222:role/r" })
  #expect(refusal == "AccessDeniedException: Cross-account pass role is not allowed.")
}

@Test func `a name is taken once per account and Region`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  #expect(await test.refusal(TestPlane.creation()) == "ResourceConflictException: Function already exist: orders")
  let elsewhere = TestPlane.creation { $0.role = "arn:aws:iam::222222222222:role/r" }
  try await test.run(elsewhere, account: .two)
  try await test.run(TestPlane.creation(), region: try #require(Region("eu-west-1")))
}

@Test func `GetFunction tells where the code is, with tags and concurrency`() async throws {
  let test = TestPlane()
  _ = try await test.create { $0.tags = ["team": "a"] }
  try await test.run(
    input(PutFunctionConcurrencyInput.self) { ($0.functionName, $0.reservedConcurrentExecutions) = ("orders", 5) })
  let output = GetFunctionOutput(try await test.run(input(GetFunctionInput.self) { $0.functionName = "orders" }))
  let hash = try #require(try await test.blobs.list().first)
  #expect(
    output.code?.repositoryType == "S3" && output.tags == ["team": "a"] && output.concurrency?.reservedConcurrentExecutions == 5)
  let parts = try #require(output.code?.location).split(separator: "?", maxSplits: 1)
  #expect(parts.count == 2 && parts[0] == "http://localhost:4566/_dewpoint/lambda/packages/\(hash).zip")
  #expect(test.plane.links.hash(file: "\(hash).zip", query: String(parts[1])) == hash)
  #expect(output.configuration?.functionName == "orders")
}

@Test func `what is not there is named as AWS names it`() async throws {
  let test = TestPlane()
  let arn = "arn:aws:lambda:us-east-1:111111111111:function:none"
  let missing = "ResourceNotFoundException: Function not found: \(arn)"
  #expect(await test.refusal(input(GetFunctionInput.self) { $0.functionName = "none" }) == missing)
  #expect(
    await test.refusal(input(GetFunctionInput.self) { ($0.functionName, $0.qualifier) = ("none", "prod") }) == missing + ":prod")
  #expect(await test.refusal(input(DeleteFunctionInput.self) { $0.functionName = "none" }) == missing)
  #expect(await test.refusal(input(GetFunctionConcurrencyInput.self) { $0.functionName = "none" }) == missing)
  let put = input(PutFunctionConcurrencyInput.self) { ($0.functionName, $0.reservedConcurrentExecutions) = ("none", 1) }
  #expect(await test.refusal(put) == missing + ":$LATEST")
  let error = await #expect(throws: AWSError.self) {
    try await test.plane.resolve(FunctionID(account: .one, region: .usEast1, name: "none"), qualifier: nil)
  }
  #expect(error?.message == "Function not found: \(arn):$LATEST")
}

@Test func `functions are listed by name in pages, without their state`() async throws {
  let test = TestPlane()
  for name in ["c", "a", "b"] { _ = try await test.create(name) }
  var names: [String] = [], marker: String?
  repeat {
    let page = ListFunctionsOutput(try await test.run(input(ListFunctionsInput.self) { ($0.marker, $0.maxItems) = (marker, 2) }))
    names += (page.functions ?? []).compactMap(\.functionName)
    #expect(page.functions?.allSatisfy { $0.state == nil && $0.lastUpdateStatus == nil } == true)
    marker = page.nextMarker
  } while marker != nil
  #expect(names == ["a", "b", "c"])
  #expect(ListFunctionsOutput(try await test.run(ListFunctionsInput(), account: .two)).functions == [])
}

@Test func `a deleted function is gone, and its package follows after a while`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  _ = try await test.create("twin")
  try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "orders" })
  #expect(try await test.plane.collector.turn(test.clock.now()) == .onNudge)
  try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "twin" })
  #expect(try await test.plane.collector.turn(test.clock.now()) == .at(test.clock.now() + PackageCollector.grace))
  #expect(try await test.blobs.list().count == 1)
  _ = try await test.plane.collector.turn(test.clock.advance(PackageCollector.grace))
  #expect(try await test.blobs.list().isEmpty)
  #expect(await test.refusal(input(GetFunctionInput.self) { $0.functionName = "twin" }).hasPrefix("ResourceNotFoundException"))
  _ = try await test.create()
  #expect(try await test.configuration().state == "Active")
}

@Test func `reservations leave a hundred executions to the others`() async throws {
  let test = TestPlane()
  _ = try await test.create("a")
  _ = try await test.create("b")
  func reserve(_ name: String, _ count: Int) async -> String {
    await test.refusal(
      input(PutFunctionConcurrencyInput.self) { ($0.functionName, $0.reservedConcurrentExecutions) = (name, count) })
  }
  let refusal =
    "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
  #expect(await reserve("a", 901) == refusal)
  #expect(await reserve("a", 900) == "accepted")
  #expect(await reserve("b", 1) == refusal)
  #expect(await reserve("b", 0) == "accepted")
  #expect(await reserve("a", 899) == "accepted")
  #expect(await reserve("b", 1) == "accepted")
  let settings = GetAccountSettingsOutput(try await test.run(GetAccountSettingsInput()))
  #expect(settings.accountLimit?.unreservedConcurrentExecutions == 100 && settings.accountUsage?.functionCount == 2)
  #expect(settings.accountUsage?.totalCodeSize == 2 * TestPlane.zip.count)
  let id = FunctionID(account: .one, region: .usEast1, name: "a")
  #expect(try await test.plane.resolve(id, qualifier: nil).reservedConcurrency == 899)
  try await test.run(input(DeleteFunctionConcurrencyInput.self) { $0.functionName = "a" })
  #expect(try await test.plane.resolve(id, qualifier: nil).reservedConcurrency == nil)
}

@Test func `tags are set, removed and listed`() async throws {
  let test = TestPlane()
  let arn = try #require(try await test.create { $0.tags = ["a": "1"] }.functionArn)
  try await test.run(input(TagResourceInput.self) { ($0.resource, $0.tags) = (arn, ["b": "2", "a": "3"]) })
  try await test.run(input(UntagResourceInput.self) { ($0.resource, $0.tagKeys) = (arn, ["b", "none"]) })
  #expect(ListTagsOutput(try await test.run(input(ListTagsInput.self) { $0.resource = arn })).tags == ["a": "3"])
}

@Test func `versions are numbered, unchanged code makes none, and aliases lead to them`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let publish = input(PublishVersionInput.self) { $0.functionName = "orders" }
  #expect(FunctionConfiguration(try await test.run(publish)).version == "1")
  #expect(FunctionConfiguration(try await test.run(publish)).version == "1")
  try await test.run(
    input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.zipFile, $0.publish) = ("orders", TestPlane.otherZip, true) })
  try await test.settle()
  let second = try await test.configuration("orders", "2")
  #expect(
    second.state == "Active" && second.lastUpdateStatus == "Successful" && second.functionArn?.hasSuffix(":orders:2") == true)
  try await test.run(input(CreateAliasInput.self) { ($0.functionName, $0.name, $0.functionVersion) = ("orders", "prod", "1") })
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let first = try await test.plane.resolve(id, qualifier: "prod")
  #expect(first.version.version == "1" && first.alias == "prod")
  try await test.run(input(UpdateAliasInput.self) { ($0.functionName, $0.name, $0.functionVersion) = ("orders", "prod", "2") })
  #expect(try await test.plane.resolve(id, qualifier: "prod").version.codeHash != first.version.codeHash)
  #expect(
    await test.refusal(input(DeleteFunctionInput.self) { ($0.functionName, $0.qualifier) = ("orders", "2") })
      .hasPrefix("ResourceConflictException: Version(s) (2) are currently used by the following aliases: (prod)."))
  try await test.run(input(DeleteFunctionInput.self) { ($0.functionName, $0.qualifier) = ("orders", "1") })
  let versions = ListVersionsByFunctionOutput(
    try await test.run(input(ListVersionsByFunctionInput.self) { $0.functionName = "orders" }))
  #expect(versions.versions?.compactMap(\.version) == ["$LATEST", "2"])
}

@Test func `asynchronous settings reach the one who invokes`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let get = input(GetFunctionEventInvokeConfigInput.self) { $0.functionName = "orders" }
  let arn = "arn:aws:lambda:us-east-1:111111111111:function:orders:$LATEST"
  #expect(await test.refusal(get) == "ResourceNotFoundException: The function \(arn) doesn't have an EventInvokeConfig")
  #expect(
    await test.refusal(input(PutFunctionEventInvokeConfigInput.self) { $0.functionName = "orders" })
      == "InvalidParameterValueException: You must specify at least one of error handling or destination setting.")
  try await test.run(
    input(PutFunctionEventInvokeConfigInput.self) { ($0.functionName, $0.maximumRetryAttempts) = ("orders", 0) })
  try await test.run(
    input(UpdateFunctionEventInvokeConfigInput.self) { ($0.functionName, $0.maximumEventAgeInSeconds) = ("orders", 60) })
  let config = FunctionEventInvokeConfig(try await test.run(get))
  #expect(config.maximumRetryAttempts == 0 && config.maximumEventAgeInSeconds == 60 && config.functionArn == arn)
  let resolved = try await test.plane.resolve(FunctionID(account: .one, region: .usEast1, name: "orders"), qualifier: nil)
  #expect(resolved.asynchronous?.maximumRetryAttempts == 0 && resolved.asynchronous?.maximumEventAge == .seconds(60))
}

@Test func `creation with Publish makes version 1, which becomes active together with $LATEST`() async throws {
  let test = TestPlane()
  let created = try await test.create { $0.publish = true }
  #expect(created.version == "1" && created.state == "Pending" && created.functionArn?.hasSuffix(":orders:1") == true)
  #expect(try await test.configuration("orders", "1").state == "Active")
  #expect(try await test.configuration("orders", "$LATEST").functionArn?.hasSuffix(":orders:$LATEST") == true)
  #expect(
    FunctionConfiguration(try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })).version == "1")
}

@Test func `listeners hear of changes and deletions`() async throws {
  let test = TestPlane()
  var changes = test.plane.changes.stream().makeAsyncIterator()
  _ = try await test.create()
  try await test.run(input(DeleteFunctionInput.self) { $0.functionName = "orders" })
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  #expect(await changes.next() == .changed(id))
  #expect(await changes.next() == .changed(id))
  #expect(await changes.next() == .deleted(id))
}

@Test func `an operation has a name that the model knows, and asks IAM for its own action`() async throws {
  let test = TestPlane()
  for operation in test.plane.operations { #expect(LambdaModel.service.operations[operation.name] != nil, "\(operation.name)") }
  #expect(Set(test.plane.operations.map(\.name)).count == test.plane.operations.count)
}

@Test func `a function that is set to JSON logs gets levels, and loses them with text`() async throws {
  let test = TestPlane()
  _ = try await test.create {
    $0.loggingConfig = input { ($0.logFormat, $0.systemLogLevel, $0.logGroup) = ("JSON", "WARN", "mine") }
  }
  let json = try await test.configuration().loggingConfig
  #expect(
    json?.logFormat == "JSON" && json?.applicationLogLevel == "INFO" && json?.systemLogLevel == "WARN" && json?.logGroup == "mine"
  )
  try await test.run(
    input(UpdateFunctionConfigurationInput.self) {
      $0.functionName = "orders"; $0.loggingConfig = input { $0.logFormat = "Text" }
    })
  let text = try await test.configuration().loggingConfig
  #expect(
    text?.logFormat == "Text" && text?.applicationLogLevel == nil && text?.systemLogLevel == nil && text?.logGroup == "mine")
}

@Test func `a setting that an update does not name stays, and an empty dead-letter target is removed`() async throws {
  let test = TestPlane()
  _ = try await test.create {
    ($0.timeout, $0.memorySize, $0.description) = (7, 512, "d")
    $0.environment = input { $0.variables = ["AB": "1"] }
    $0.deadLetterConfig = input { $0.targetArn = "arn:aws:sqs:us-east-1:111111111111:dead" }
  }
  func update(_ change: (inout UpdateFunctionConfigurationInput) -> Void) async throws -> FunctionConfiguration {
    try await test.run(
      input(UpdateFunctionConfigurationInput.self) {
        $0.functionName = "orders"; change(&$0)
      })
    try await test.settle()
    return try await test.configuration()
  }
  let first = try await update { $0.handler = "b.c" }
  #expect(first.timeout == 7 && first.memorySize == 512 && first.description == "d" && first.handler == "b.c")
  #expect(first.environment?.variables == ["AB": "1"] && first.deadLetterConfig?.targetArn?.hasSuffix(":dead") == true)
  let second = try await update { ($0.environment, $0.deadLetterConfig) = (LambdaEnvironment(), input { $0.targetArn = "" }) }
  #expect(second.environment == nil && second.deadLetterConfig == nil)
}

@Test func `a package that a crash left without a function is found at the start and removed after the pause`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let orphan = try await test.plane.packages.add(zip: TestPlane.otherZip).hash
  test.plane.packages.release(orphan)
  #expect(try await test.plane.collector.turn(test.clock.now()) == .at(test.clock.now() + PackageCollector.grace))
  #expect(try await test.blobs.list().count == 2)
  _ = try await test.plane.collector.turn(test.clock.advance(PackageCollector.grace))
  #expect(try await test.blobs.list().count == 1)
  #expect(try await !test.blobs.list().contains(orphan))
}
