import Base
import Testing
import Wire

@testable import SQS

extension Cloud {
  func entry(_ id: String, _ body: String, delay: Int? = nil, group: String? = nil) -> SendMessageBatchRequestEntry {
    var entry = SendMessageBatchRequestEntry()
    (entry.id, entry.messageBody, entry.delaySeconds, entry.messageGroupId) = (id, body, delay, group)
    return entry
  }
  func sendBatch(_ entries: [SendMessageBatchRequestEntry], to url: String) async throws -> SendMessageBatchOutput {
    var input = SendMessageBatchInput()
    (input.queueUrl, input.entries) = (url, entries)
    return SendMessageBatchOutput(try #require(try await run("SendMessageBatch", input)))
  }
  func sendBatch(_ entries: [(String, String)], to url: String) async throws -> SendMessageBatchOutput {
    try await sendBatch(entries.map { entry($0.0, $0.1) }, to: url)
  }
}

@Suite struct BatchTests {
  @Test func `good entries of a batch are sent although others fail`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MaximumMessageSize": "1024"])
    let out = try await cloud.sendBatch(
      [
        cloud.entry("ok", "a"), cloud.entry("big", String(repeating: "x", count: 1025)), cloud.entry("late", "b", delay: 901),
        cloud.entry("empty", ""), cloud.entry("bad", "\u{1}"), cloud.entry("ok2", "c"),
      ], to: url)
    #expect(out.successful.map(\.id) == ["ok", "ok2"])
    #expect(out.failed.map(\.id) == ["big", "late", "empty", "bad"])
    #expect(
      out.failed.map(\.code) == ["InvalidParameterValue", "InvalidParameterValue", "MissingParameter", "InvalidMessageContents"])
    #expect(out.failed[0].message == "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.")
    #expect(
      out.failed[1].message == "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.")
    #expect(out.failed.allSatisfy { $0.senderFault })
    #expect(try await cloud.bodies(url) == ["a", "c"])
  }

  @Test func `a batch that is wrong as a whole is refused`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    await refused("EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.") {
      _ = try await cloud.sendBatch([(String, String)](), to: url)
    }
    await refused("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11.") {
      _ = try await cloud.sendBatch((0..<11).map { ("\($0)", "a") }, to: url)
    }
    await refused("BatchEntryIdsNotDistinct", "Id x repeated.") {
      _ = try await cloud.sendBatch([("x", "a"), ("x", "b")], to: url)
    }
    for id in ["", "a b", "ä", String(repeating: "a", count: 81)] {
      await refused(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
      ) { _ = try await cloud.sendBatch([(id, "a")], to: url) }
    }
    let half = String(repeating: "x", count: 524_288)
    await refused("BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.") {
      _ = try await cloud.sendBatch([("1", half), ("2", half + "x")], to: url)
    }
    #expect(try await cloud.sendBatch([("1", half), ("2", half)], to: url).successful.count == 2)
  }

  @Test func `deletes and deadlines in batches have a result for each entry`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    _ = try await cloud.sendBatch([("1", "a"), ("2", "b")], to: url)
    let got = try await cloud.receive(url, 10)

    var change = ChangeMessageVisibilityBatchInput()
    change.queueUrl = url
    change.entries = [
      ("ok", got[0].receiptHandle ?? "", 0), ("bad", "nonsense", 5), ("long", got[1].receiptHandle ?? "", 43_201),
    ].map {
      var entry = ChangeMessageVisibilityBatchRequestEntry()
      (entry.id, entry.receiptHandle, entry.visibilityTimeout) = ($0.0, $0.1, $0.2)
      return entry
    }
    let changed = ChangeMessageVisibilityBatchOutput(try #require(try await cloud.run("ChangeMessageVisibilityBatch", change)))
    #expect(changed.successful.map(\.id) == ["ok"])
    #expect(changed.failed.map(\.code) == ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
    #expect(try await cloud.counts(url) == [1, 1, 0])

    var delete = DeleteMessageBatchInput()
    delete.queueUrl = url
    delete.entries = [("1", got[1].receiptHandle ?? ""), ("2", "nonsense")].map {
      var entry = DeleteMessageBatchRequestEntry()
      (entry.id, entry.receiptHandle) = ($0.0, $0.1)
      return entry
    }
    let deleted = DeleteMessageBatchOutput(try #require(try await cloud.run("DeleteMessageBatch", delete)))
    #expect(deleted.successful.map(\.id) == ["1"])
    #expect(deleted.failed.map(\.code) == ["ReceiptHandleIsInvalid"])
    #expect(try await cloud.counts(url) == [1, 0, 0])
  }

  @Test(arguments: [
    ("\t\n\r ~", true), ("\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", true), ("\u{0}", false), ("\u{8}", false),
    ("\u{B}", false),
    ("\u{1F}", false), ("a\u{FFFE}", false), ("\u{FFFF}", false),
  ])
  func `bodies hold what XML can carry`(body: String, allowed: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    if allowed {
      try await cloud.send(body, to: url)
      #expect(try await cloud.bodies(url) == [body])
    } else {
      await refused("InvalidMessageContents") { try await cloud.send(body, to: url) }
    }
  }

  @Test(arguments: [
    ("", "String", "a", "Length of message attribute name must be less than 256 bytes."),
    (
      "a b", "String", "a",
      "Invalid non-alphanumeric character was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."
    ),
    (
      "AWS.x", "String", "a",
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use."
    ),
    ("a..b", "String", "a", "Message attribute name can not start or end with a dot, or contain consecutive dots."),
    (
      "a", "Text", "a",
      "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
    ),
    ("a", "String", "", "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
    ("a", "Number", "1x", "Can't cast the value of message (user) attribute 'a' to a number."),
    ("a", "Binary", "x", "Message (user) attribute 'a' must contain a non-empty value of type 'Binary'."),
  ])
  func `attributes are checked in AWS's words`(name: String, type: String, value: String, text: String) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    await refused("InvalidParameterValue", text) {
      try await cloud.send("a", to: url, attributes: [name: attribute(type, value)])
    }
  }

  @Test func `attributes count towards the size of a message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MaximumMessageSize": "1024"])
    let body = String(repeating: "x", count: 1024 - 8)
    try await cloud.send(body, to: url, attributes: ["a": attribute("String", "1")])
    await refused("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.")
    {
      try await cloud.send(body, to: url, attributes: ["a": attribute("String", "12")])
    }
  }

  @Test(
    arguments: [
      (0, nil, nil, "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
      (11, nil, nil, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
      (1, 21, nil, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
      (1, nil, 43_201, "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."),
    ] as [(Int, Int?, Int?, String)])
  func `a receive is checked in AWS's words`(maximum: Int, wait: Int?, timeout: Int?, text: String) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    await refused("InvalidParameterValue", text) { _ = try await cloud.receive(url, maximum, wait: wait, timeout: timeout) }
  }
}
