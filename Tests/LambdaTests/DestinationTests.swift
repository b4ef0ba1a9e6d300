import Base
import Fabric
import Testing
import Wire

@testable import Lambda

private let queue = "arn:aws:sqs:us-east-1:111111111111:results"
private let own = "arn:aws:lambda:us-east-1:111111111111:function:orders"

private func put(_ change: (inout PutFunctionEventInvokeConfigInput) -> Void) -> PutFunctionEventInvokeConfigInput {
  input {
    $0.functionName = "orders"
    change(&$0)
  }
}

private func destinations(_ success: String?, _ failure: String?) -> DestinationConfig {
  input {
    $0.onSuccess = success.map { target in input { $0.destination = target } }
    $0.onFailure = failure.map { target in input { $0.destination = target } }
  }
}

private let refused: [(String, String)] = [
  (own, "InvalidParameterValueException: You can't specify the function as a destination for itself."),
  (own + ":prod", "InvalidParameterValueException: You can't specify the function as a destination for itself."),
  (
    "arn:aws:lambda:us-east-1:111111111111:function:none",
    "InvalidParameterValueException: The destination ARN arn:aws:lambda:us-east-1:111111111111:function:none is invalid."
  ),
  ("nonsense", "InvalidParameterValueException: The destination ARN nonsense is invalid."),
  ("arn:aws:iam::111111111111:role/x", "InvalidParameterValueException: The destination ARN arn:aws:iam::111111111111:role/x is invalid."),
  (
    "arn:aws:sns:us-east-1:111111111111:t.fifo",
    "InvalidParameterValueException: The destination ARN arn:aws:sns:us-east-1:111111111111:t.fifo is invalid."
  ),
  (
    "arn:aws:events:us-east-1:111111111111:rule/r",
    "InvalidParameterValueException: The destination ARN arn:aws:events:us-east-1:111111111111:rule/r is invalid."
  ),
  ("arn:aws:s3:::b/prefix", "InvalidParameterValueException: The destination ARN arn:aws:s3:::b/prefix is invalid."),
]

@Test(arguments: refused)
func `a destination that cannot be is refused`(target: String, text: String) async throws {
  let test = TestPlane()
  _ = try await test.create()
  let refusal = await test.refusal(put { $0.destinationConfig = destinations(nil, target) })
  #expect(refusal.hasPrefix(text), "\(refusal)")
}

@Test(arguments: [
  (queue, "sqs:SendMessage", "SendMessage"), ("arn:aws:events:us-east-1:111111111111:event-bus/b", "events:PutEvents", "PutEvents"),
  (own + "-2", "lambda:InvokeFunction", "InvokeFunction"),
])
func `a destination needs a permission of the execution role`(target: String, action: String, verb: String) async throws {
  let test = TestPlane()
  _ = try await test.create()
  _ = try await test.create("orders-2")
  test.identity.denied.withLock { _ = $0.insert(action) }
  #expect(
    await test.refusal(put { $0.destinationConfig = destinations(target, nil) })
      == "InvalidParameterValueException: The function's execution role does not have permissions to call \(verb) on \(target)")
}

@Test func `failures go to buckets that are there and open to the role, successes never do`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let bucket = "arn:aws:s3:::failures"
  #expect(
    await test.refusal(put { $0.destinationConfig = destinations(bucket, nil) })
      == "InvalidParameterValueException: The destination ARN \(bucket) is invalid.")
  test.objects.failure.withLock { $0 = AWSError("AccessDenied", "Access Denied", status: 403) }
  #expect(
    await test.refusal(put { $0.destinationConfig = destinations(nil, bucket) })
      == "InvalidParameterValueException: The function's execution role does not have permissions to call PutObject on \(bucket)")
  test.objects.failure.withLock { $0 = AWSError("NoSuchBucket", "The specified bucket does not exist", status: 404) }
  #expect(
    await test.refusal(put { $0.destinationConfig = destinations(nil, bucket) })
      == "InvalidParameterValueException: The destination ARN \(bucket) is invalid.")
  test.objects.failure.withLock { $0 = nil }
  try await test.run(put { $0.destinationConfig = destinations(nil, bucket) })
}

@Test func `destinations are kept, replaced as a whole and taken away by an empty text`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  _ = try await test.create("other")
  let other = "arn:aws:lambda:us-east-1:111111111111:function:other"
  try await test.run(put { $0.destinationConfig = destinations(other, queue) })
  func update(_ change: (inout UpdateFunctionEventInvokeConfigInput) -> Void) async throws -> FunctionEventInvokeConfig {
    FunctionEventInvokeConfig(
      try await test.run(
        input(UpdateFunctionEventInvokeConfigInput.self) {
          $0.functionName = "orders"
          change(&$0)
        }))
  }
  let kept = try await update { $0.maximumRetryAttempts = 1 }
  #expect(kept.destinationConfig?.onSuccess?.destination == other && kept.destinationConfig?.onFailure?.destination == queue)
  let resolved = try await test.plane.resolve(FunctionID(account: .one, region: .usEast1, name: "orders"), qualifier: nil)
  #expect(resolved.asynchronous?.onSuccess?.text == other && resolved.asynchronous?.onFailure?.text == queue)
  let replaced = try await update { $0.destinationConfig = destinations(nil, "") }
  #expect(replaced.destinationConfig?.onSuccess?.destination == nil && replaced.destinationConfig?.onFailure?.destination == nil)
  #expect(replaced.maximumRetryAttempts == 1)
  let list = ListFunctionEventInvokeConfigsOutput(
    try await test.run(input(ListFunctionEventInvokeConfigsInput.self) { $0.functionName = "orders" }))
  #expect(list.functionEventInvokeConfigs?.map(\.functionArn) == [own + ":$LATEST"])
}

private let event = AsyncEvent(
  requestID: "r", function: FunctionID(account: .one, region: .usEast1, name: "orders"), payload: Array(#"{"n": 1}"#.utf8),
  trace: TraceContext(root: "1-00000000-000000000000000000000000"), acceptedAt: Instant(seconds: 1_700_000_000), failures: 0,
  refusals: 0)

@Test func `a record is what AWS sends`() {
  let time = Instant(seconds: 1_700_000_000)
  let success = InvocationRecord(
    event: event, condition: .success, invocations: 1,
    response: AsyncResponse(executedVersion: "$LATEST", isError: false, body: Array("null".utf8)), time: time)
  #expect(
    success.json.utf8Text
      == #"{"version":"1.0","timestamp":"2023-11-14T22:13:20.000Z","requestContext":{"requestId":"r","functionArn":"\#(own):$LATEST","condition":"Success","approximateInvokeCount":1},"requestPayload":{"n": 1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":null}"#
  )
  var qualified = event
  qualified.qualifier = "live"
  let failure = InvocationRecord(
    event: qualified, condition: .retriesExhausted, invocations: 3,
    response: AsyncResponse(executedVersion: "2", isError: true, body: Array(#"{"errorMessage":"no"}"#.utf8)), time: time)
  #expect(
    failure.json.utf8Text.hasSuffix(
      #""functionArn":"\#(own):live","condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"n": 1},"responseContext":{"statusCode":200,"executedVersion":"2","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no"}}"#
    ))
  let stopped = InvocationRecord(event: event, condition: .zeroReservedConcurrency, invocations: 0, response: nil, time: time)
  #expect(stopped.json.utf8Text.hasSuffix(#""approximateInvokeCount":0},"requestPayload":{"n": 1}}"#))
}

@Test func `an event keeps the last failure through the store`() throws {
  var failed = event
  failed.lastResponse = AsyncResponse(executedVersion: "7", isError: true, body: Array("{}".utf8))
  #expect(try AsyncEvent(row: failed.row) == failed)
}

@Test func `the answers of recursion, runtime management and SnapStart are kept or refused`() async throws {
  let test = TestPlane()
  _ = try await test.create { $0.snapStart = input { $0.applyOn = "PublishedVersions" } }
  let get = input(GetFunctionRecursionConfigInput.self) { $0.functionName = "orders" }
  #expect(GetFunctionRecursionConfigOutput(try await test.run(get)).recursiveLoop == "Terminate")
  try await test.run(input(PutFunctionRecursionConfigInput.self) { ($0.functionName, $0.recursiveLoop) = ("orders", "Allow") })
  #expect(GetFunctionRecursionConfigOutput(try await test.run(get)).recursiveLoop == "Allow")
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  #expect(try await test.plane.resolve(id, qualifier: nil).allowsRecursion)

  try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })
  #expect(try await test.configuration().snapStart?.optimizationStatus == "Off")
  #expect(try await test.configuration("orders", "1").snapStart?.optimizationStatus == "On")
  #expect(try await test.configuration("orders", "1").state == "Pending")

  func manage(_ mode: String) async -> String {
    await test.refusal(
      input(PutRuntimeManagementConfigInput.self) { ($0.functionName, $0.updateRuntimeOn) = ("orders", mode) })
  }
  #expect(await manage("Auto") == "accepted")
  #expect(await manage("Manual").hasPrefix("InvalidParameterValueException: UpdateRuntimeOn Manual is not supported"))
}
