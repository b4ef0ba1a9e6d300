import Base
import Fabric
import Testing

@testable import SQS

@Suite struct MessageTests {
  @Test func `a message comes as it was sent, with its digests and only the attributes asked for`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    let sent = try await cloud.send(
      "hello world", to: url,
      attributes: [
        "city.name": attribute("String", "Any City"), "city.size": attribute("Number", "12.5e3"),
        "raw": attribute("Binary.png", [0, 255]),
      ])
    #expect(sent.md5OfMessageBody == "5eb63bbbe01eeed093cb22bb8f5acdc3")
    #expect(sent.sequenceNumber == nil)
    let got = try #require(try await cloud.receive(url, names: ["city.*"], system: ["All"]).first)
    #expect(got.messageId == sent.messageId)
    #expect(got.body == "hello world")
    #expect(got.md5OfBody == sent.md5OfMessageBody)
    #expect(Set(got.messageAttributes?.keys.map { $0 } ?? []) == ["city.name", "city.size"])
    #expect(got.md5OfMessageAttributes != sent.md5OfMessageAttributes, "the digest is of the attributes given")
    #expect(
      got.attributes == [
        "SenderId": "000000000000", "SentTimestamp": "1700000000000", "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": "1700000000000",
      ])
  }

  @Test func `without names no attributes are returned`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url, attributes: ["x": attribute("String", "1")])
    let got = try #require(try await cloud.receive(url).first)
    #expect(got.attributes == nil && got.messageAttributes == nil && got.md5OfMessageAttributes == nil)
  }

  // Independent vectors: made with Python's hashlib from the layout in the developer guide.
  @Test(arguments: [
    // As AWS answers it, known from many client libraries' tests.
    (
      [MessageAttribute(name: "timestamp", dataType: "Number", content: .string("1493147359900"))],
      "235c5c510d26fb653d073faed50ae77c"
    ),
    ([MessageAttribute(name: "Foo", dataType: "String", content: .string("Bar"))], "ae7155c6026991b6d54b11589678bf9c"),
    (
      [
        MessageAttribute(name: "Help.Me", dataType: "String", content: .string("Me")),
        MessageAttribute(name: "Hello", dataType: "String", content: .string("There")),
        MessageAttribute(name: "General", dataType: "String", content: .string("Kenobi")),
      ], "4c360f3fdafd970e05fae2f149d997f5"
    ),
    (
      [
        MessageAttribute(
          name: "attr1", dataType: "Binary",
          content: .binary(Array("traceparent\u{1e}00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01".utf8)))
      ], "8cbe4db156db8a94db8b801b7addb984"
    ),
    ([MessageAttribute(name: "test", dataType: "String", content: .string("value"))], "9c35d992dee4528f7d20c274d61e16f5"),
    ([MessageAttribute(name: "b", dataType: "Binary", content: .binary([1, 2, 3]))], "021a32e1d0c0389c8e1f0ae6830eb61a"),
    (
      [
        MessageAttribute(name: "n", dataType: "Number.int", content: .string("42")),
        MessageAttribute(name: "a", dataType: "String", content: .string("ü")),
      ], "59601eca8a5505adfd92d021db140ea6"
    ),
  ])
  func `the digest of attributes is that of other implementations`(attributes: [MessageAttribute], md5: String) {
    #expect(MessageDigest.md5(attributes) == md5)
  }

  @Test(arguments: [(29, 0), (30, 1), (31, 1)])
  func `a received message is visible again after the time-out`(seconds: Int, visible: Int) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    #expect(try await cloud.bodies(url) == ["a"])
    cloud.clock.advance(.seconds(seconds))
    #expect(try await cloud.bodies(url).count == visible)
  }

  @Test(arguments: [(4, nil, 0), (5, nil, 1), (5, 9, 0), (9, 9, 1), (0, 0, 1)] as [(Int, Int?, Int)])
  func `a delayed message comes when it is due`(after: Int, delay: Int?, visible: Int) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["DelaySeconds": "5"])
    try await cloud.send("a", to: url, delay: delay)
    cloud.clock.advance(.seconds(after))
    #expect(try await cloud.bodies(url).count == visible)
  }

  @Test func `messages come in the order of arrival and up to ten at a time`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    for n in 0..<25 { try await cloud.send("\(n)", to: url) }
    var all: [String] = []
    for expected in [10, 10, 5, 0] {
      let got = try await cloud.bodies(url)
      #expect(got.count == expected)
      all += got
    }
    #expect(all == (0..<25).map(String.init))
    #expect(try await cloud.counts(url) == [0, 25, 0])
  }

  @Test func `a deleted message does not come back`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    try await cloud.delete(try await cloud.receive(url)[0].receiptHandle, from: url)
    cloud.clock.advance(.seconds(60))
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await cloud.counts(url) == [0, 0, 0])
  }

  @Test func `a handle whose time-out has passed deletes as long as nobody received the message again`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url)[0].receiptHandle
    cloud.clock.advance(.seconds(31))
    try await cloud.delete(handle, from: url)
    #expect(try await cloud.bodies(url).isEmpty)
  }

  @Test func `an old handle deletes nothing and says nothing`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let old = try await cloud.receive(url)[0].receiptHandle
    cloud.clock.advance(.seconds(30))
    let new = try await cloud.receive(url)[0].receiptHandle
    #expect(old != new)
    try await cloud.delete(old, from: url)
    #expect(try await cloud.counts(url) == [0, 1, 0])
    try await cloud.delete(new, from: url)
    try await cloud.delete(new, from: url)
    #expect(try await cloud.counts(url) == [0, 0, 0])
  }

  @Test(arguments: ["", "abc", "AQEB", "AQEBnonsense+nonsense/nonsense=="])
  func `a handle that is none is refused`(handle: String) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    await refused("ReceiptHandleIsInvalid", "The input receipt handle \"\(handle)\" is not a valid receipt handle.") {
      try await cloud.delete(handle, from: url)
    }
  }

  @Test func `a handle of another queue is refused, also of a queue that had the same name`() async throws {
    let cloud = Cloud()
    let (a, b) = (try await cloud.createQueue("a"), try await cloud.createQueue("b"))
    try await cloud.send("x", to: a)
    let handle = try await cloud.receive(a)[0].receiptHandle
    await refused("ReceiptHandleIsInvalid") { try await cloud.delete(handle, from: b) }
    try await cloud.deleteQueue(a)
    cloud.clock.advance(.seconds(60))
    try await cloud.createQueue("a")
    await refused("ReceiptHandleIsInvalid") { try await cloud.delete(handle, from: a) }
  }

  @Test func `visibility counts anew from the change, and the handle stays good`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url)[0].receiptHandle
    cloud.clock.advance(.seconds(20))
    try await cloud.changeVisibility(handle, of: url, to: 100)
    cloud.clock.advance(.seconds(99))
    #expect(try await cloud.bodies(url).isEmpty)
    try await cloud.changeVisibility(handle, of: url, to: 50)
    cloud.clock.advance(.seconds(49))
    #expect(try await cloud.bodies(url).isEmpty)
    try await cloud.changeVisibility(handle, of: url, to: 0)
    let again = try #require(try await cloud.receive(url, system: ["ApproximateReceiveCount"]).first)
    #expect(again.attributes == ["ApproximateReceiveCount": "2"])
    await refused(
      "InvalidParameterValue",
      "Value \(handle ?? "") for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
    ) { try await cloud.changeVisibility(handle, of: url, to: 5) }
    try await cloud.delete(again.receiptHandle, from: url)
    #expect(try await cloud.counts(url) == [0, 0, 0])
    #expect(try await cloud.rowCount() == 2, "the queue and its tally are all that is left")
  }

  @Test func `a message that is visible again is not in flight`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url, timeout: 1)[0].receiptHandle
    cloud.clock.advance(.seconds(1))
    // AWS was seen to allow this: the consumer is late, but nobody else has the message yet.
    try await cloud.changeVisibility(handle, of: url, to: 5)
    #expect(try await cloud.counts(url) == [0, 1, 0])
    try await cloud.changeVisibility(handle, of: url, to: 0)
    await refused("MessageNotInflight", "The specified message is not in flight.") {
      try await cloud.changeVisibility(handle, of: url, to: 5)
    }
  }

  @Test(arguments: [(43_200 - 10, true), (43_200 - 9, false)])
  func `a message is invisible for twelve hours at most`(seconds: Int, allowed: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url)[0].receiptHandle
    cloud.clock.advance(.seconds(10))
    if allowed { return try await cloud.changeVisibility(handle, of: url, to: seconds) }
    await refused(
      "InvalidParameterValue",
      "Value \(seconds) for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
    ) { try await cloud.changeVisibility(handle, of: url, to: seconds) }
  }

  @Test(arguments: [Int64.min, 0, .max], [nil, "t"])
  func `times that a forged handle tells do no harm`(receivedAt: Int64, tenant: String?) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "43200"])
    for body in ["a", "b"] { try await cloud.send(body, to: url, group: tenant) }
    let receipts = try await cloud.receive(url, 10).map { try #require(Receipt(handle: $0.receiptHandle ?? "")) }
    var (first, second) = (receipts[0], receipts[1])
    (first.receivedAt, second.receivedAt) = (Instant(milliseconds: receivedAt), Instant(milliseconds: receivedAt))
    try await cloud.delete(first.handle, from: url)
    cloud.clock.advance(.seconds(10))
    let isLate = receivedAt != .max
    if isLate {
      await refused("InvalidParameterValue") { try await cloud.changeVisibility(second.handle, of: url, to: 43_200) }
    } else {
      try await cloud.changeVisibility(second.handle, of: url, to: 43_200)
    }
    try await cloud.delete(second.handle, from: url)
    try await cloud.send("c", to: url, group: tenant)
    #expect(try await cloud.bodies(url) == ["c"])
  }

  @Test func `a forged handle that names a tenant's turn names no message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url, group: "t")
    var receipt = try #require(Receipt(handle: try await cloud.receive(url)[0].receiptHandle ?? ""))
    receipt.lane = .none
    try await cloud.delete(receipt.handle, from: url)
    await refused("InvalidParameterValue") { try await cloud.changeVisibility(receipt.handle, of: url, to: 5) }
    #expect(try await cloud.counts(url) == [0, 1, 0])
  }

  @Test func `a time-out of zero leaves the message where it is`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "0"])
    try await cloud.send("a", to: url)
    for count in 1...3 {
      let got = try #require(try await cloud.receive(url, system: ["ApproximateReceiveCount"]).first)
      #expect(got.attributes == ["ApproximateReceiveCount": "\(count)"])
    }
    #expect(try await cloud.counts(url) == [1, 0, 0])
  }

  @Test func `counts tell visible, in flight and delayed messages apart`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    for n in 0..<5 { try await cloud.send("\(n)", to: url) }
    try await cloud.send("later", to: url, delay: 60)
    _ = try await cloud.receive(url, 2)
    #expect(try await cloud.counts(url) == [3, 2, 1])
    cloud.clock.advance(.seconds(30))
    #expect(try await cloud.counts(url) == [5, 0, 1])
    cloud.clock.advance(.seconds(30))
    #expect(try await cloud.counts(url) == [6, 0, 0])
  }

  @Test(arguments: [(59, 1), (60, 0)])
  func `a message lives as long as the retention says`(seconds: Int, left: Int) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MessageRetentionPeriod": "60"])
    try await cloud.send("a", to: url)
    try await cloud.send("received once", to: url)
    _ = try await cloud.receive(url, 2, timeout: 10)
    cloud.clock.advance(.seconds(seconds))
    #expect(try await cloud.counts(url) == [2 * left, 0, 0])
    #expect(try await cloud.bodies(url, timeout: 0).count == 2 * left)
  }

  @Test func `the worker removes what has outlived the retention`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MessageRetentionPeriod": "60"])
    for n in 0..<1200 { try await cloud.send("\(n)", to: url) }
    _ = try await cloud.receive(url, 10, timeout: 43_200)
    cloud.clock.advance(.seconds(61))
    try await cloud.work()
    #expect(try await cloud.counts(url) == [0, 0, 0])
    #expect(try await cloud.rowCount() <= 2 + 10)
    try await cloud.send("new", to: url)
    #expect(try await cloud.bodies(url) == ["new"])
    #expect(try await cloud.counts(url) == [0, 1, 0])
  }

  @Test(arguments: [true, false])
  func `a message that expired in flight is counted out once`(hasWorked: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MessageRetentionPeriod": "60", "VisibilityTimeout": "600"])
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url)[0].receiptHandle
    cloud.clock.advance(.seconds(61))
    if hasWorked { try await cloud.work() }
    try await cloud.send("b", to: url)
    try await cloud.delete(handle, from: url)
    #expect(try await cloud.counts(url) == [1, 0, 0])
  }

  @Test func `after a restart deadlines, counts and handles are what they were`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    for body in ["a", "b", "c"] { try await cloud.send(body, to: url) }
    let received = try await cloud.receive(url, 2)
    cloud.clock.advance(.seconds(10))
    let next = cloud.restarted()
    #expect(try await next.counts(url) == [1, 2, 0])
    try await next.delete(received[0].receiptHandle, from: url)
    #expect(try await next.bodies(url) == ["c"])
    next.clock.advance(.seconds(20))
    let again = try #require(try await next.receive(url, system: ["ApproximateReceiveCount"]).first)
    #expect(again.body == "b")
    #expect(again.attributes == ["ApproximateReceiveCount": "2"])
  }
}
