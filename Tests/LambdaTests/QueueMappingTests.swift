import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct BatchResponseTests {
  @Test(arguments: [
    ("", BatchResponse.allSucceeded), ("null", .allSucceeded), ("{}", .allSucceeded), (#"{"batchItemFailures":null}"#, .allSucceeded),
    (#"{"batchItemFailures":[]}"#, .allSucceeded), (#""text""#, .allSucceeded),
    (#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#, .failed(["m1"])),
    (#"{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}"#, .failed(["m1", "m2"])),
    (#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, .allFailed), (#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, .allFailed),
    (#"{"batchItemFailures":[{"item":"m1"}]}"#, .allFailed), (#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#, .allFailed),
    (#"{"batchItemFailures":"m1"}"#, .allFailed), ("{not json", .allFailed),
  ])
  func `the answer of a function that reports failures is read as AWS reads it`(answer: String, expected: BatchResponse) {
    #expect(BatchResponse.parse(Array(answer.utf8), reportsFailures: true, itemIDs: ["m1", "m2"]) == expected)
  }

  @Test func `without ReportBatchItemFailures every answer means success`() {
    let answer = #"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#
    #expect(BatchResponse.parse(Array(answer.utf8), reportsFailures: false, itemIDs: ["m1"]) == .allSucceeded)
  }
}

@Suite struct BatcherTests {
  private let now = Instant(seconds: 1_000)
  private func message(_ id: String, _ size: Int = 1) -> QueueMessage {
    QueueMessage(
      messageID: id, receiptHandle: id, body: String(repeating: "x", count: size), md5OfBody: "", md5OfAttributes: nil,
      systemAttributes: [:], attributes: [])
  }
  private func ids(_ batches: [[QueueMessage]]) -> [[String]] { batches.map { $0.map(\.messageID) } }

  @Test func `without a window whatever was received goes at once`() {
    var batcher = Batcher(batchSize: 10, window: .zero)
    #expect(ids(batcher.add([message("a"), message("b")], now: now)) == [["a", "b"]])
    #expect(batcher.add([], now: now).isEmpty)
  }

  @Test func `with a window a batch waits until it is full or the window has passed`() {
    var batcher = Batcher(batchSize: 3, window: .seconds(5))
    #expect(batcher.add([message("a"), message("b")], now: now).isEmpty)
    #expect(batcher.deadline == now + .seconds(5))
    #expect(batcher.room == 1)
    #expect(ids(batcher.add([message("c")], now: now + .seconds(1))) == [["a", "b", "c"]])
    _ = batcher.add([message("d")], now: now + .seconds(2))
    #expect(batcher.add([], now: now + .seconds(6)).isEmpty)
    #expect(ids(batcher.add([], now: now + .seconds(7))) == [["d"]])
  }

  @Test func `a batch closes before its payload would exceed six megabytes`() {
    var batcher = Batcher(batchSize: 100, window: .seconds(5))
    let large = 1 << 20
    let batches = batcher.add((1...10).map { message("\($0)", large) }, now: now)
    #expect(ids(batches) == [["1", "2", "3", "4", "5"]])
    #expect(SQSEvent.payload(batches[0], source: ARN("sqs", .usEast1, .local, "q")).count <= 6 << 20)
  }
}

@Suite struct PollerScaleTests {
  private let now = Instant(seconds: 1_000)

  @Test func `a busy mapping grows by 300 a minute from five`() {
    var scale = PollerScale(maximumConcurrency: nil, now: now)
    #expect(scale.target == 5)
    scale.found(allBusy: true, now: now)
    #expect(scale.target == 5)
    scale.found(allBusy: true, now: now + .seconds(12))
    #expect(scale.target == 65)
    scale.found(allBusy: false, now: now + .seconds(24))
    #expect(scale.target == 65)
  }

  @Test func `it never exceeds the mapping's maximum concurrency`() {
    var scale = PollerScale(maximumConcurrency: 2, now: now)
    #expect(scale.target == 2)
    scale.found(allBusy: true, now: now + .minutes(5))
    #expect(scale.target == 2)
  }

  @Test func `failures make it back off, empty polls bring it back to five`() {
    var scale = PollerScale(maximumConcurrency: nil, now: now)
    scale.found(allBusy: true, now: now + .seconds(12))
    scale.failed(now: now + .seconds(12))
    #expect(scale.target == 49)
    for _ in 0..<500 { scale.foundNothing(now: now + .seconds(13)) }
    #expect(scale.target == 5)
    for _ in 0..<10 { scale.failed(now: now + .seconds(14)) }
    #expect(scale.target == 2)
    for _ in 0..<10 { scale.succeeded(now: now + .seconds(15)) }
    #expect(scale.target == 5)
  }
}

@Suite struct SQSEventTests {
  @Test func `a record has the members of AWS, a null digest without attributes, and both attribute kinds`() throws {
    let message = QueueMessage(
      messageID: "m", receiptHandle: "h", body: "\"quoted\"\n", md5OfBody: "5", md5OfAttributes: nil,
      systemAttributes: ["SentTimestamp": "1", "ApproximateReceiveCount": "2"],
      attributes: [("s", .init(dataType: "String", content: .string("v"))), ("b", .init(dataType: "Binary", content: .binary([1, 2])))])
    let event = try JSON.parse(SQSEvent.payload([message], source: ARN("sqs", .usEast1, .local, "q")))
    let record = event["Records"]?[0]
    #expect(record?["body"]?.string == "\"quoted\"\n")
    #expect(record?["attributes"] == ["ApproximateReceiveCount": "2", "SentTimestamp": "1"])
    #expect(record?["md5OfMessageAttributes"]?.isNull == true)
    #expect(record?["eventSource"] == "aws:sqs")
    #expect(record?["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:q")
    #expect(record?["messageAttributes"]?["s"]?["stringValue"] == "v")
    #expect(record?["messageAttributes"]?["b"]?["binaryValue"] == "AQI=")
  }
}

@Suite struct OutputTests {
  private func frame(_ text: String) -> [UInt8] {
    let count = UInt8(text.utf8.count)
    return [0xa5, 0x5a, 0x00, 0x03, 0, 0, 0, count] + [UInt8](repeating: 0, count: 8) + Array(text.utf8)
  }

  @Test func `printed text is cut into lines and frames stay whole, in the order of the pipe`() {
    var splitter = OutputSplitter()
    let bytes = Array("one\ntwo ".utf8) + frame("a\nb") + Array("three\n".utf8)
    #expect(splitter.feed(bytes) == ["one\n", "two ", "a\nb", "three\n"])
  }

  @Test func `the cuts do not depend on how the pipe delivers the bytes`() {
    let bytes = Array("one\n".utf8) + frame("first\nsecond\n") + Array("end".utf8)
    for size in 1...bytes.count {
      var splitter = OutputSplitter()
      var messages: [String] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        messages += splitter.feed(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      messages += splitter.finish()
      #expect(messages == ["one\n", "first\nsecond\n", "end"], "pieces of \(size)")
    }
  }

  @Test func `a line without end does not grow for ever`() {
    var splitter = OutputSplitter()
    let messages = splitter.feed([UInt8](repeating: 120, count: 600 << 10))
    #expect(messages.count == 2)
    #expect(messages.allSatisfy { $0.utf8.count == 256 << 10 })
  }

  @Test func `a report line has AWS's fields and units`() {
    let usage = EnvironmentMachine.Usage(duration: .microseconds(26_731), initDuration: .microseconds(130_494))
    let record = PlatformRecord(function: .sample, initialization: .onDemand, logStream: "s")
    #expect(
      PlatformLog.line(for: .report(invocation("id"), usage, maximumMemory: 75), of: record)
        == "REPORT RequestId: id\tDuration: 26.73 ms\tBilled Duration: 158 ms\tMemory Size: 128 MB\tMax Memory Used: 75 MB\tInit Duration: 130.49 ms\t\n")
    let failed = EnvironmentMachine.Usage(duration: .seconds(3), status: "timeout")
    #expect(
      PlatformLog.line(for: .report(invocation("id"), failed, maximumMemory: 30), of: record)
        == "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tStatus: timeout\n")
  }

  @Test func `error bodies are those that AWS answers`() {
    #expect(
      FunctionError.timeout("id", after: .seconds(1)).body.utf8Text
        == #"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 1.00 seconds"}"#)
    #expect(
      FunctionError.exit("id", .exited(0)).body.utf8Text
        == #"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited without providing a reason"}"#)
    #expect(
      FunctionError.exit("id", .exited(127)).message == "RequestId: id Error: Runtime exited with error: exit status 127")
  }
}
