import Base
import Fabric
import Store
import StoreMemory
import TestCloud
import Testing
import Wire

@testable import SQS

/// Allows everything, and remembers what it was asked.
final class OpenAuthoriser: Authoriser {
  func authorise(_ access: Access, for call: Call) async throws {}
}

/// Knows the user `ann` alone.
struct OneUser: PrincipalPort {
  static let arn = "arn:aws:iam::000000000000:user/ann"
  static let id = "AIDAANN"
  func tied(_ document: String) async throws -> String {
    if document.contains(":user/bob") { throw AWSError("MalformedPolicyDocumentException", "there is no bob") }
    return document.replacing(Self.arn, with: Self.id)
  }
  func shown(_ document: String) async throws -> String { document.replacing(Self.id, with: Self.arn) }
}

/// SQS on the memory store, with a clock that a test moves and calls as a client would make them.
struct Cloud {
  let store: MemoryStore
  let clock: TestClock
  let sqs: SQSService
  let ambient: Ambient
  let hops = RecordedHops()
  let chaos: Chaos
  private let seed: UInt64

  init(seed: UInt64 = 7, store: MemoryStore = MemoryStore(), clock: TestClock = TestClock()) {
    (self.store, self.clock, self.seed) = (store, clock, seed)
    ambient = Ambient(clock: clock, random: SeededRandom(seed: seed))
    chaos = Chaos(ambient: ambient, hops: hops)
    sqs = SQSService(
      store: store, ambient: ambient, authoriser: OpenAuthoriser(), principals: OneUser(), hops: hops, chaos: chaos)
  }

  /// The service as it comes up again on the same store.
  func restarted() -> Cloud { Cloud(seed: seed &* 31 &+ 8, store: store, clock: clock) }

  func call(_ operation: String, account: AccountID = .local) -> Call {
    Call(
      service: "sqs", operation: operation, principal: .root(account), account: account, region: .usEast1,
      requestID: "test", trace: TraceContext(ambient), now: clock.now())
  }
  var caller: Caller { call("").caller }

  func run<Input: RecordView>(_ name: String, _ input: Input, account: AccountID = .local) async throws -> Record? {
    guard let operation = sqs.apis[0].operations[name] else { preconditionFailure("no operation \(name)") }
    let call = call(name, account: account)
    _ = try await operation.access(input.record, call)
    return try await operation.run(input.record, call)
  }

  @discardableResult
  func createQueue(_ name: String = "q", _ attributes: [String: String] = [:]) async throws -> String {
    var input = CreateQueueInput()
    input.queueName = name
    input.attributes = attributes.isEmpty ? nil : attributes
    let output = CreateQueueOutput(try #require(try await run("CreateQueue", input)))
    return try #require(output.queueUrl)
  }

  @discardableResult
  func send(
    _ body: String, to url: String, delay: Int? = nil, group: String? = nil, id: String? = nil,
    attributes: [String: MessageAttributeValue]? = nil
  ) async throws -> SendMessageOutput {
    var input = SendMessageInput()
    (input.queueUrl, input.messageBody, input.delaySeconds, input.messageAttributes) = (url, body, delay, attributes)
    (input.messageGroupId, input.messageDeduplicationId) = (group, id)
    return SendMessageOutput(try #require(try await run("SendMessage", input)))
  }

  func receive(
    _ url: String, _ maximum: Int? = nil, wait: Int? = nil, timeout: Int? = nil, attempt: String? = nil,
    names: [String]? = nil, system: [String]? = nil
  ) async throws -> [SQSMessage] {
    var input = ReceiveMessageInput()
    (input.queueUrl, input.maxNumberOfMessages, input.waitTimeSeconds) = (url, maximum, wait)
    (input.visibilityTimeout, input.messageAttributeNames, input.messageSystemAttributeNames) = (timeout, names, system)
    input.receiveRequestAttemptId = attempt
    let output = ReceiveMessageOutput(try #require(try await run("ReceiveMessage", input)))
    #expect(output.messages?.isEmpty != true, "an empty answer leaves Messages out")
    return output.messages ?? []
  }
  func bodies(_ url: String, _ maximum: Int = 10, timeout: Int? = nil) async throws -> [String] {
    try await receive(url, maximum, timeout: timeout).compactMap(\.body)
  }

  func delete(_ handle: String?, from url: String) async throws {
    var input = DeleteMessageInput()
    (input.queueUrl, input.receiptHandle) = (url, handle ?? "")
    _ = try await run("DeleteMessage", input)
  }
  func changeVisibility(_ handle: String?, of url: String, to seconds: Int) async throws {
    var input = ChangeMessageVisibilityInput()
    (input.queueUrl, input.receiptHandle, input.visibilityTimeout) = (url, handle ?? "", seconds)
    _ = try await run("ChangeMessageVisibility", input)
  }
  func attributes(_ url: String, _ names: [String] = ["All"]) async throws -> [String: String] {
    var input = GetQueueAttributesInput()
    (input.queueUrl, input.attributeNames) = (url, names)
    return GetQueueAttributesOutput(try #require(try await run("GetQueueAttributes", input))).attributes ?? [:]
  }
  func set(_ attributes: [String: String], of url: String) async throws {
    var input = SetQueueAttributesInput()
    (input.queueUrl, input.attributes) = (url, attributes)
    _ = try await run("SetQueueAttributes", input)
  }
  /// Visible, in flight, delayed.
  func counts(_ url: String) async throws -> [Int] {
    let all = try await attributes(url)
    return ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
      .map { Int(all[$0] ?? "") ?? -1 }
  }
  func purge(_ url: String) async throws {
    var input = PurgeQueueInput()
    input.queueUrl = url
    _ = try await run("PurgeQueue", input)
  }
  func deleteQueue(_ url: String) async throws {
    var input = DeleteQueueInput()
    input.queueUrl = url
    _ = try await run("DeleteQueue", input)
  }

  /// One turn of every worker, and more while one asks for it.
  func work() async throws {
    for worker in sqs.workers { while try await worker.turn(clock.now()) == .soon {} }
  }
  func rowCount() async throws -> Int { try await store.read { try $0.entries(KeyRange(prefix: Key("sqs"))).count } }

  /// Waits until so many clients wait at the queue. Only yields: the clock stands still.
  func waiters(_ count: Int, at url: String) async throws {
    let name = try QueueName(url: url, region: .usEast1)
    while sqs.rooms.count(name) != count { await Task.yield() }
  }
}

func attribute(_ type: String, _ text: String) -> MessageAttributeValue {
  var value = MessageAttributeValue()
  (value.dataType, value.stringValue) = (type, text)
  return value
}
func attribute(_ type: String, _ bytes: [UInt8]) -> MessageAttributeValue {
  var value = MessageAttributeValue()
  (value.dataType, value.binaryValue) = (type, bytes)
  return value
}

/// Expects AWS's code and text.
func refused(
  _ code: String, _ message: String? = nil, _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("was not refused with \(code)", sourceLocation: location)
  } catch let error as AWSError {
    #expect(error.code == code, sourceLocation: location)
    if let message { #expect(error.message == message, sourceLocation: location) }
  } catch {
    Issue.record("\(error)", sourceLocation: location)
  }
}
