import Base
import Fabric
import Testing
import Wire

@testable import SQS

@Suite struct QueueTests {
  @Test func `a queue is found by the end of any URL`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("orders")
    #expect(url == "http://localhost:4566/000000000000/orders")
    for other in [
      url, "https://sqs.us-east-1.amazonaws.com/000000000000/orders", "http://queue.localhost:4566/000000000000/orders",
      "http://localhost:4566/queue/us-east-1/000000000000/orders", "/000000000000/orders", "000000000000/orders",
    ] { #expect(try await cloud.attributes(other)["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:orders") }
  }

  @Test(arguments: [
    "orders", "http://localhost:4566", "http://localhost:4566/orders", "http://000000000000/orders", "http://h/12/orders",
  ])
  func `an address without account and name is refused`(url: String) async throws {
    let cloud = Cloud()
    try await cloud.createQueue("orders")
    await refused("InvalidAddress", "The address \(url) is not valid for this endpoint.") { _ = try await cloud.attributes(url) }
  }

  @Test func `what was read before a queue was deleted is not remembered after it`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue("q")
    let name = try QueueName(url: "/000000000000/q", region: .usEast1)
    let cache = cloud.sqs.cache
    let stored = try #require(cache.cached(name))
    let generation = cache.generation
    try await cloud.deleteQueue("/000000000000/q")
    cache.keep([name: stored], readAt: generation)
    #expect(try await cache.find(name) == nil)
  }

  @Test func `a queue that is not there is refused by every operation`() async throws {
    let cloud = Cloud()
    let url = "http://localhost:4566/000000000000/none"
    let text = "The specified queue does not exist."
    await refused("QueueDoesNotExist", text) { try await cloud.send("a", to: url) }
    await refused("QueueDoesNotExist", text) { _ = try await cloud.receive(url) }
    await refused("QueueDoesNotExist", text) { _ = try await cloud.attributes(url) }
    await refused("QueueDoesNotExist", text) { try await cloud.purge(url) }
    await refused("QueueDoesNotExist", text) { try await cloud.deleteQueue(url) }
    await refused("QueueDoesNotExist", text) { try await cloud.set(["DelaySeconds": "1"], of: url) }
    var call = cloud.call("SendMessage")
    call.isQueryProtocol = true
    #expect(SQSError.queueDoesNotExist(call).message == "The specified queue does not exist for this wsdl version.")
  }

  @Test func `a missing queue URL is told`() async throws {
    let cloud = Cloud()
    await refused("MissingParameter", "The request must contain the parameter QueueUrl.") {
      _ = try await cloud.run("PurgeQueue", PurgeQueueInput())
    }
  }

  @Test(arguments: [
    ("", false), ("a", true), ("a-b_C9", true), (String(repeating: "a", count: 80), true),
    (String(repeating: "a", count: 81), false), ("a.b", false), ("a b", false), ("é", false), ("x.fifo", false),
  ])
  func `names are letters, digits, hyphens and underscores`(name: String, allowed: Bool) async throws {
    let cloud = Cloud()
    if allowed {
      try await cloud.createQueue(name)
    } else {
      await refused(
        "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
      ) {
        try await cloud.createQueue(name)
      }
    }
  }

  @Test func `creating a queue again is the same queue unless an attribute differs`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["DelaySeconds": "3"])
    #expect(try await cloud.createQueue("q", ["DelaySeconds": "3"]) == url)
    #expect(try await cloud.createQueue("q") == url)
    #expect(try await cloud.createQueue("q", ["VisibilityTimeout": "30"]) == url)
    await refused("QueueNameExists", "A queue already exists with the same name and a different value for attribute DelaySeconds")
    {
      try await cloud.createQueue("q", ["DelaySeconds": "4"])
    }
  }

  @Test(arguments: [(59, false), (60, true)])
  func `a name rests for a minute after its queue is deleted`(seconds: Int, allowed: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("old", to: url)
    try await cloud.deleteQueue(url)
    cloud.clock.advance(.seconds(seconds))
    if allowed {
      try await cloud.createQueue()
      #expect(try await cloud.bodies(url).isEmpty, "nothing of the old queue is left")
    } else {
      await refused("QueueDeletedRecently") { try await cloud.createQueue() }
    }
  }

  @Test func `the rows of a deleted queue go away in bounded steps`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    for n in 0..<1100 { try await cloud.send("\(n)", to: url) }
    try await cloud.deleteQueue(url)
    await refused("QueueDoesNotExist") { try await cloud.send("a", to: url) }
    cloud.clock.advance(.seconds(61))
    try await cloud.work()
    #expect(try await cloud.rowCount() == 0)
  }

  @Test func `a purge empties the queue at once, and not twice within a minute`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    for n in 0..<20 { try await cloud.send("\(n)", to: url) }
    let handle = try await cloud.receive(url)[0].receiptHandle
    try await cloud.purge(url)
    #expect(try await cloud.counts(url) == [0, 0, 0])
    #expect(try await cloud.bodies(url).isEmpty)
    try await cloud.delete(handle, from: url)
    await refused("PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.") {
      try await cloud.purge(url)
    }
    try await cloud.send("new", to: url)
    try await cloud.work()
    #expect(try await cloud.bodies(url) == ["new"])
    cloud.clock.advance(.seconds(60))
    try await cloud.purge(url)
  }

  @Test func `queues are listed by prefix, in pages, of one account and Region`() async throws {
    let cloud = Cloud()
    for name in ["b1", "a1", "a3", "a2", "a"] { try await cloud.createQueue(name) }
    let other = try #require(AccountID("111111111111"))
    var foreign = CreateQueueInput()
    foreign.queueName = "a9"
    _ = try await cloud.run("CreateQueue", foreign, account: other)

    var input = ListQueuesInput()
    input.queueNamePrefix = "a"
    input.maxResults = 3
    var names: [[String]] = []
    repeat {
      let output = ListQueuesOutput(try #require(try await cloud.run("ListQueues", input)))
      names.append((output.queueUrls ?? []).map { String($0.split(separator: "/").last ?? "") })
      input.nextToken = output.nextToken
    } while input.nextToken != nil
    #expect(names == [["a", "a1", "a2"], ["a3"]])

    for token in ["garbage", "*", ""] {
      input.nextToken = token
      await refused("InvalidParameterValue") { _ = try await cloud.run("ListQueues", input) }
    }

    input = ListQueuesInput()
    input.queueNamePrefix = "nothing"
    #expect(ListQueuesOutput(try #require(try await cloud.run("ListQueues", input))).queueUrls == nil)
  }

  @Test func `a queue of another account is found by its owner's number`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue("shared")
    let other = try #require(AccountID("111111111111"))
    var input = GetQueueUrlInput()
    input.queueName = "shared"
    await refused("QueueDoesNotExist") { _ = try await cloud.run("GetQueueUrl", input, account: other) }
    input.queueOwnerAWSAccountId = "000000000000"
    let output = GetQueueUrlOutput(try #require(try await cloud.run("GetQueueUrl", input, account: other)))
    #expect(output.queueUrl == "http://localhost:4566/000000000000/shared")
  }

  @Test func `access names the action, the queue, its owner and its policy`() async throws {
    let cloud = Cloud()
    let policy = #"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}"#
    let url = try await cloud.createQueue("q", ["Policy": policy])
    let other = try #require(AccountID("111111111111"))
    var send = SendMessageInput()
    (send.queueUrl, send.messageBody) = (url, "a")
    let call = cloud.call("SendMessage", account: other)
    let access = try #require(try await cloud.sqs.apis[0].operations["SendMessage"]?.access(send.record, call))
    #expect(access.map(\.action) == ["sqs:SendMessage"])
    #expect(access[0].resource == "arn:aws:sqs:us-east-1:000000000000:q")
    #expect(access[0].owner == .local && access[0].resourcePolicy == policy)
    var delete = DeleteQueueInput()
    delete.queueUrl = url
    let owners = try #require(try await cloud.sqs.apis[0].operations["DeleteQueue"]?.access(delete.record, call))
    #expect(owners[0].resourcePolicy == nil, "a policy cannot let another account delete the queue")
    var batch = SendMessageBatchInput()
    (batch.queueUrl, batch.entries) = (url, [])
    let batched = try #require(try await cloud.sqs.apis[0].operations["SendMessageBatch"]?.access(batch.record, call))
    #expect(batched.map(\.action) == ["sqs:SendMessage"])
  }

  @Test func `the port asks the authoriser`() async throws {
    struct Closed: Authoriser {
      func authorise(_ access: Access, for call: Call) async throws { throw AWSError("AccessDeniedException", access.action) }
    }
    let cloud = Cloud()
    try await cloud.createQueue()
    let sqs = SQSService(store: cloud.store, ambient: cloud.ambient, authoriser: Closed(), principals: OneUser())
    let arn = ARN("sqs", .usEast1, .local, "q")
    await refused("AccessDeniedException", "sqs:ReceiveMessage") {
      _ = try await sqs.receive(arn, maximum: 1, wait: .zero, visibilityTimeout: nil, as: cloud.caller)
    }
    await refused("AccessDeniedException", "sqs:SendMessage") {
      _ = try await sqs.send(OutgoingMessage(body: "a"), to: arn, as: cloud.caller)
    }
  }

  @Test func `the port sends, receives, gives back and deletes`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue("q", ["VisibilityTimeout": "60"])
    let arn = ARN("sqs", .usEast1, .local, "q")
    #expect(try await cloud.sqs.describe(arn, as: cloud.caller).visibilityTimeout == .seconds(60))
    let attribute = QueueAttribute(dataType: "Binary", content: .binary([1]))
    let id = try await cloud.sqs.send(
      OutgoingMessage(body: "a", attributes: [("x", attribute)], traceHeader: "Root=1"), to: arn, as: cloud.caller)
    let got = try await cloud.sqs.receive(arn, maximum: 10, wait: .zero, visibilityTimeout: nil, as: cloud.caller)
    #expect(got.map(\.messageID) == [id])
    #expect(got[0].attributes.first?.value == attribute)
    #expect(got[0].systemAttributes["AWSTraceHeader"] == "Root=1")
    try await cloud.sqs.changeVisibility(arn, receiptHandles: got.map(\.receiptHandle), to: .zero, as: cloud.caller)
    let again = try await cloud.sqs.receive(arn, maximum: 10, wait: .zero, visibilityTimeout: nil, as: cloud.caller)
    #expect(again[0].systemAttributes["ApproximateReceiveCount"] == "2")
    try await cloud.sqs.delete(arn, receiptHandles: again.map(\.receiptHandle), as: cloud.caller)
    #expect(try await cloud.counts("/000000000000/q") == [0, 0, 0])
  }
}
