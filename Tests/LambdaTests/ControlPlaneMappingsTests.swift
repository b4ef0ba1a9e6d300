import Base
import Testing
import Wire

@testable import Lambda

private let queue = "arn:aws:sqs:us-east-1:111111111111:jobs"

private func mapping(_ change: (inout CreateEventSourceMappingInput) -> Void = { _ in }) -> CreateEventSourceMappingInput {
  input {
    ($0.functionName, $0.eventSourceArn) = ("orders", queue)
    change(&$0)
  }
}

/// A plane with the function `orders` (60 s) and the queue `jobs`.
private func prepared(visibility: Duration = .seconds(60)) async throws -> TestPlane {
  let test = TestPlane()
  _ = try await test.create { $0.timeout = 60 }
  test.queues.queues.withLock {
    $0[queue] = (visibility, false)
    $0[queue + ".fifo"] = (visibility, true)
    $0[queue + "2"] = (visibility, false)
  }
  return test
}

@Test func `a mapping echoes its defaults and lives through its states`() async throws {
  let test = try await prepared()
  let created = EventSourceMappingConfiguration(try await test.run(mapping()))
  let uuid = try #require(created.uuid)
  #expect(created.batchSize == 10 && created.maximumBatchingWindowInSeconds == 0 && created.state == "Creating")
  #expect(
    created.stateTransitionReason == "USER_INITIATED" && created.functionResponseTypes == [] && created.scalingConfig == nil)
  #expect(created.functionArn == "arn:aws:lambda:us-east-1:111111111111:function:orders" && created.lastProcessingResult == nil)
  #expect(created.eventSourceMappingArn == "arn:aws:lambda:us-east-1:111111111111:event-source-mapping:\(uuid)")

  #expect(try await test.plane.mappings().map(\.uuid) == [uuid])
  #expect(try await !test.plane.setMappingState(uuid, from: .updating, to: .enabled))
  #expect(try await test.plane.setMappingState(uuid, from: .creating, to: .enabled))
  let get = input(GetEventSourceMappingInput.self) { $0.uuid = uuid }
  #expect(EventSourceMappingConfiguration(try await test.run(get)).state == "Enabled")

  let disable = input(UpdateEventSourceMappingInput.self) { ($0.uuid, $0.enabled, $0.batchSize) = (uuid, false, 5) }
  let disabling = EventSourceMappingConfiguration(try await test.run(disable))
  #expect(disabling.state == "Disabling" && disabling.batchSize == 5)
  #expect(await test.refusal(disable) == "ResourceInUseException: Cannot update the event source mapping because it is in use.")
  try await test.plane.setMappingState(uuid, from: .disabling, to: .disabled)
  #expect(
    EventSourceMappingConfiguration(try await test.run(input(DeleteEventSourceMappingInput.self) { $0.uuid = uuid })).state
      == "Deleting")
  try await test.plane.removeMapping(uuid)
  #expect(await test.refusal(get) == "ResourceNotFoundException: The resource you requested does not exist.")
  #expect(try await test.plane.mappings().isEmpty)
  #expect(await test.refusal(mapping()) == "accepted")
}

private let refused: [(String, @Sendable (inout CreateEventSourceMappingInput) -> Void, String)] = [
  ("no source", { $0.eventSourceArn = nil }, "Unrecognized event source."),
  ("strange source", { $0.eventSourceArn = "arn:aws:s3:::b" }, "Unrecognized event source."),
  (
    "stream", { ($0.eventSourceArn, $0.startingPosition) = ("arn:aws:kinesis:us-east-1:111111111111:stream/s", "LATEST") },
    "An event source of the service kinesis is not supported"
  ),
  ("queue elsewhere", { $0.eventSourceArn = "arn:aws:sqs:eu-west-1:111111111111:jobs" }, "The event source arn"),
  ("unknown function", { $0.functionName = "none" }, "Function does not exist"),
  (
    "missing queue", { $0.eventSourceArn = queue + "-none" },
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."
  ),
  (
    "large batch", { $0.batchSize = 11 },
    "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
  ),
  ("batch 0", { $0.batchSize = 0 }, "1 validation error detected: Value '0' at 'batchSize'"),
  (
    "batch 10001", { ($0.batchSize, $0.maximumBatchingWindowInSeconds) = (10_001, 1) },
    "1 validation error detected: Value '10001' at 'batchSize'"
  ),
  (
    "window 301", { $0.maximumBatchingWindowInSeconds = 301 },
    "1 validation error detected: Value '301' at 'maximumBatchingWindowInSeconds'"
  ),
  (
    "concurrency 1", { $0.scalingConfig = input { $0.maximumConcurrency = 1 } },
    "1 validation error detected: Value '1' at 'scalingConfig.maximumConcurrency'"
  ),
  ("response type", { $0.functionResponseTypes = ["X"] }, "1 validation error detected: Value '[X]' at 'functionResponseTypes'"),
  (
    "FIFO with a window", { ($0.eventSourceArn, $0.maximumBatchingWindowInSeconds) = (queue + ".fifo", 1) },
    "Batching window is not supported for FIFO queues."
  ),
  (
    "filter that is no pattern", { $0.filterCriteria = input { $0.filters = [input { $0.pattern = #"{"body":"x"}"# }] } },
    "Invalid filter pattern definition."
  ),
  (
    "filter with a wildcard",
    { $0.filterCriteria = input { $0.filters = [input { $0.pattern = #"{"body":[{"wildcard":"a*"}]}"# }] } },
    "Invalid filter pattern definition."
  ),
  (
    "six filters",
    { $0.filterCriteria = input { $0.filters = (0..<6).map { n in input { $0.pattern = #"{"body":["\#(n)"]}"# } } } },
    "Filter criteria can have at most 5 filters."
  ),
  (
    "one poller", { $0.provisionedPollerConfig = input { $0.minimumPollers = 1 } }, "MinimumPollers must be between 2 and 200."
  ),
  (
    "2001 pollers", { $0.provisionedPollerConfig = input { $0.maximumPollers = 2001 } },
    "MaximumPollers must be between 2 and 2000."
  ),
  (
    "fewer pollers than the least",
    { $0.provisionedPollerConfig = input { ($0.minimumPollers, $0.maximumPollers) = (10, 5) } },
    "MinimumPollers must be less than or equal to MaximumPollers."
  ),
  (
    "a group of pollers", { $0.provisionedPollerConfig = input { $0.pollerGroupName = "g" } },
    "Unsupported PollerGroupName parameter for given event source mapping type."
  ),
  (
    "provisioned and limited",
    {
      $0.provisionedPollerConfig = input { $0.minimumPollers = 2 }
      $0.scalingConfig = input { $0.maximumConcurrency = 5 }
    }, "ScalingConfig and ProvisionedPollerConfig cannot be used together."
  ),
  (
    "metrics of Kafka", { $0.metricsConfig = input { $0.metrics = ["KafkaMetrics"] } },
    "Unsupported metric KafkaMetrics for given event source mapping type."
  ),
  (
    "logging", { $0.loggingConfig = input { $0.systemLogLevel = "INFO" } },
    "Unsupported LoggingConfig parameter for given event source mapping type."
  ),
  ("KMS", { $0.kmsKeyArn = "arn:aws:kms:us-east-1:111111111111:key/k" }, "KMSKeyArn is not supported"),
  (
    "starting position", { $0.startingPosition = "LATEST" },
    "Unsupported StartingPosition parameter for given event source mapping type."
  ),
  (
    "destination", { $0.destinationConfig = input { $0.onFailure = input { $0.destination = queue } } },
    "Unsupported DestinationConfig parameter for given event source mapping type."
  ),
  ("retries", { $0.maximumRetryAttempts = 2 }, "Unsupported MaximumRetryAttempts parameter for given event source mapping type."),
]

@Test(arguments: refused)
func `a mapping that cannot be is refused`(
  what: String, change: @Sendable (inout CreateEventSourceMappingInput) -> Void, text: String
) async throws {
  let test = try await prepared()
  let refusal = await test.refusal(mapping(change))
  #expect(
    refusal.hasPrefix("InvalidParameterValueException: " + text) || refusal.hasPrefix("ValidationException: " + text),
    "\(what): \(refusal)")
}

@Test(arguments: ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"])
func `a role that may not read the queue cannot be mapped to it`(action: String) async throws {
  let test = try await prepared()
  test.identity.denied.withLock { $0 = ["sqs:\(action)"] }
  #expect(
    await test.refusal(mapping())
      == "InvalidParameterValueException: The provided execution role does not have permissions to call \(action) on SQS")
}

@Test(arguments: [(59, false), (60, true), (61, true)])
func `messages must stay invisible for as long as the function may run`(visibility: Int, isAllowed: Bool) async throws {
  let test = try await prepared(visibility: .seconds(visibility))
  let text = "InvalidParameterValueException: Queue visibility timeout: 59 seconds is less than Function timeout: 60 seconds"
  #expect(await test.refusal(mapping()) == (isAllowed ? "accepted" : text))
}

@Test func `a source feeds a function once, but its versions apart`() async throws {
  let test = try await prepared()
  let uuid = try #require(EventSourceMappingConfiguration(try await test.run(mapping())).uuid)
  #expect(
    await test.refusal(mapping())
      == "ResourceConflictException: An event source mapping with SQS arn (\" \(queue) \") and function (\" orders \") already exists. "
      + "Please update or delete the existing mapping with UUID \(uuid)")
  try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })
  #expect(await test.refusal(mapping { $0.functionName = "orders:1" }) == "accepted")
}

@Test func `an update keeps what it does not name, and can move the mapping to another function`() async throws {
  let test = try await prepared()
  _ = try await test.create("other")
  let uuid = try #require(
    EventSourceMappingConfiguration(
      try await test.run(
        mapping {
          ($0.batchSize, $0.maximumBatchingWindowInSeconds, $0.functionResponseTypes) = (100, 5, ["ReportBatchItemFailures"])
          $0.scalingConfig = input { $0.maximumConcurrency = 7 }
        })
    ).uuid)
  try await test.plane.setMappingState(uuid, from: .creating, to: .enabled)
  func update(_ change: (inout UpdateEventSourceMappingInput) -> Void) async throws -> EventSourceMappingConfiguration {
    let record = try await test.run(
      input(UpdateEventSourceMappingInput.self) {
        $0.uuid = uuid; change(&$0)
      })
    try await test.plane.setMappingState(uuid, from: .updating, to: .enabled)
    return EventSourceMappingConfiguration(record)
  }
  let moved = try await update { $0.functionName = "other" }
  #expect(moved.state == "Updating" && moved.functionArn?.hasSuffix(":other") == true && moved.batchSize == 100)
  #expect(moved.scalingConfig?.maximumConcurrency == 7 && moved.functionResponseTypes == ["ReportBatchItemFailures"])
  #expect(try await update { $0.scalingConfig = ScalingConfig() }.scalingConfig == nil)
  #expect(try await update { $0.functionResponseTypes = [] }.functionResponseTypes == [])
  #expect(
    await test.refusal(input(UpdateEventSourceMappingInput.self) { ($0.uuid, $0.maximumBatchingWindowInSeconds) = (uuid, 0) })
      .contains("Maximum batch window in seconds must be greater than 0"))
  #expect(await test.refusal(mapping()) == "accepted")
}

@Test func `mappings are listed in pages, by source and by function`() async throws {
  let test = try await prepared()
  _ = try await test.create("other")
  try await test.run(mapping())
  try await test.run(mapping { $0.eventSourceArn = queue + "2" })
  try await test.run(mapping { $0.functionName = "other" })
  func count(_ change: (inout ListEventSourceMappingsInput) -> Void) async throws -> Int {
    var marker: String?, count = 0
    repeat {
      let page = ListEventSourceMappingsOutput(
        try await test.run(
          input(ListEventSourceMappingsInput.self) {
            change(&$0); ($0.marker, $0.maxItems) = (marker, 1)
          }))
      count += page.eventSourceMappings?.count ?? 0
      marker = page.nextMarker
    } while marker != nil
    return count
  }
  #expect(try await count { _ in } == 3)
  #expect(try await count { $0.eventSourceArn = queue } == 2)
  #expect(try await count { $0.functionName = "orders" } == 2)
  #expect(try await count { $0.functionName = "none" } == 0)
}

@Test func `a mapping needs the consent of its function's account, and policies see the function`() async throws {
  let test = try await prepared()
  let arn = "arn:aws:lambda:us-east-1:111111111111:function:orders"
  try await test.run(mapping { $0.functionName = arn }, account: .two)
  let foreign = try #require(test.identity.asked.withLock { $0.last { $0.action == "lambda:CreateEventSourceMapping" } })
  #expect(foreign.owner == .one && foreign.resourcePolicy == nil)

  _ = try await test.create { ($0.functionName, $0.timeout) = ("other", 60) }
  let uuid = try #require(EventSourceMappingConfiguration(try await test.run(mapping())).uuid)
  try await test.plane.setMappingState(uuid, from: .creating, to: .enabled)
  test.identity.asked.withLock { $0 = [] }
  try await test.run(input(UpdateEventSourceMappingInput.self) { ($0.uuid, $0.functionName) = (uuid, "other") })
  let asked = test.identity.asked.withLock { $0 }.filter { $0.action == "lambda:UpdateEventSourceMapping" }
  #expect(
    asked.map { $0.conditionValues["lambda:functionarn"] ?? [] } == [[arn], ["arn:aws:lambda:us-east-1:111111111111:function:other"]])
}
