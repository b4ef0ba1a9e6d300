import Base
import Testing

@testable import Firehose

@Suite struct DeflateTests {
  private static let cases: [[UInt8]] = [
    [], [1], [0, 0], Array("hello hello hello hello".utf8), Array(repeating: 7, count: 100_000), Array(0...255),
    (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }, Array(String(repeating: "{\"id\": 12345, \"name\": \"x\"}\n", count: 3000).utf8),
    (0..<70_000).map { UInt8(truncatingIfNeeded: (UInt64($0) &* 0x9e37_79b9_7f4a_7c15) >> 40) },
  ]

  @Test(arguments: cases.indices)
  func `what is compressed is what comes out again`(_ place: Int) throws {
    let bytes = Self.cases[place]
    #expect(try Gzip.inflate(Gzip.deflate(bytes), upTo: bytes.count) == bytes)
  }

  @Test func `repetitions take little room`() {
    #expect(Gzip.deflate(Self.cases[7]).count < Self.cases[7].count / 10)
    #expect(Gzip.deflate(Self.cases[4]).count < 1000)
  }
}

@Suite struct KeyTests {
  /// 2023-11-14T22:13:20.123Z
  private let time = Instant(milliseconds: 1_700_000_000_123)

  private func names(_ stream: String = "orders") -> ObjectNames {
    ObjectNames(time: time, stream: stream, version: 3, unique: { "u-u-i-d" }, random: { "abcdefghijk" })
  }
  private func bucket(_ prefix: String?, errors: String? = nil, _ change: (inout BucketDestination) -> Void = { _ in }) throws
    -> BucketDestination
  {
    var bucket = BucketDestination(
      role: ARN("iam", .global, .local, "role/r"), bucket: "b", prefix: prefix, errorPrefix: errors,
      buffer: try Buffer(mebibytes: nil, seconds: nil))
    change(&bucket)
    return bucket
  }

  @Test func `keys have the hour and the name of the stream`() throws {
    #expect(try names().key(bucket(nil)) == "2023/11/14/22/orders-3-2023-11-14-22-13-20-u-u-i-d")
    #expect(try names().key(bucket("raw/")) == "raw/2023/11/14/22/orders-3-2023-11-14-22-13-20-u-u-i-d")
    #expect(try names().key(bucket("raw/") { $0.isGzip = true }).hasSuffix("-u-u-i-d.gz"))
    #expect(try names().key(bucket("raw/") { ($0.isGzip, $0.fileExtension) = (true, ".json") }).hasSuffix("-u-u-i-d.json"))
  }

  @Test(arguments: [
    ("d=!{timestamp:yyyy-MM-dd}/", "d=2023-11-14/"), ("!{timestamp:yyyy}/!{timestamp:MM}/", "2023/11/"),
    ("!{timestamp:'y'yyyy'/m'MM}/", "y2023/m11/"), ("!{timestamp:HH:mm:ss.SSS}", "22:13:20.123"), ("!{timestamp:yy-D-h-a}", "23-318-10-PM"),
    ("r!{firehose:random-string}/", "rabcdefghijk/"), ("a}b/!{timestamp:d}", "a}b/14"),
  ])
  func `expressions are replaced`(_ prefix: String, _ start: String) throws {
    #expect(try names().key(bucket(prefix, errors: "e/")) == start + "orders-3-2023-11-14-22-13-20-u-u-i-d")
  }

  @Test func `errors have a place of their own`() throws {
    #expect(try names().errorKey(bucket("raw/"), "processing-failed").hasPrefix("raw/processing-failed/2023/11/14/22/orders-3-"))
    #expect(try names().errorKey(bucket("raw/", errors: "bad/"), "processing-failed").hasPrefix("bad/processing-failed/2023/11/14/22/"))
    let own = try bucket("x", errors: "bad/!{firehose:error-output-type}/!{timestamp:yyyy}/")
    #expect(try names().errorKey(own, "http-endpoint-failed").hasPrefix("bad/http-endpoint-failed/2023/orders-3-"))
  }

  @Test(arguments: [
    ("!{timestamp:yyyy}/", nil), ("!{firehose:error-output-type}/", "e/"), ("!{timestamp:yyyy}", ""), ("!{timestamp:QQ}/", "e/"), ("!{x}", "e"),
    ("!{timestamp:yyyy", "e"), ("a", "!{timestamp:yyyy}/"), ("!{firehose:other}", "e"), ("!{partitionKeyFromQuery:x}", "e"),
    ("!{timestamp:}", "e"), ("!{timestamp:'yyyy}", "e"),
  ] as [(String, String?)])
  func `prefixes that AWS refuses are refused`(_ prefix: String, _ errors: String?) {
    #expect(throws: AWSError.self) { try KeyPattern.check(prefix: prefix, errorPrefix: errors) }
  }
}

@Suite struct TransformationTests {
  private let function = ARN("lambda", .usEast1, .local, "function:f")
  private let stream = DeliveryStreamID(.local, .usEast1, "orders")
  private func record(_ number: Int64, _ text: String) -> BufferedRecord {
    var record = BufferedRecord(data: Array(text.utf8))
    (record.number, record.arrival) = (number, Instant(milliseconds: 1000 + number))
    return record
  }

  @Test func `the function gets what AWS sends`() throws {
    var second = record(2, "b")
    second.origin = BufferedRecord.Origin(shard: "shardId-000000000000", sequenceNumber: "49", partitionKey: "k")
    let source = ARN("kinesis", .usEast1, .local, "stream/s")
    let event = try JSON.parse(Transformation(stream: stream, source: source).event([record(1, "a"), second], invocation: "i"))
    #expect(event["invocationId"] == "i" && event["region"] == "us-east-1" && event["sourceKinesisStreamArn"] == .string(source.text))
    #expect(event["deliveryStreamArn"] == "arn:aws:firehose:us-east-1:000000000000:deliverystream/orders")
    let first = event["records"]?[0]
    #expect(first?["data"] == "YQ==" && first?["approximateArrivalTimestamp"] == 1001 && first?["kinesisRecordMetadata"] == nil)
    #expect(first?["recordId"]?.string?.utf8.count == 56)
    #expect(event["records"]?[1]?["kinesisRecordMetadata"]?["partitionKey"] == "k")
  }

  @Test func `each record has its own outcome`() throws {
    let records = ["ok", "drop", "fail", "missing", "nonsense", "bad data"].enumerated().map { record(Int64($0), $1) }
    let answer: JSON = .object(JSONObject([("records", .array([
      ["recordId": .string(records[0].id), "result": "Ok", "data": "Y2hhbmdlZA=="], ["recordId": .string(records[1].id), "result": "Dropped"],
      ["recordId": .string(records[2].id), "result": "ProcessingFailed", "data": "eA=="],
      ["recordId": .string(records[4].id), "result": "Perhaps"], ["recordId": .string(records[5].id), "result": "Ok", "data": "***"],
      ["recordId": "unknown", "result": "Ok", "data": ""],
    ]))]))
    let outcome = try #require(Transformation.outcome(of: records, answer.bytes, function))
    #expect(outcome.records.map { $0.data.utf8Text } == ["changed"] && outcome.dropped == 1)
    #expect(outcome.failed.map { $0.record.data.utf8Text } == ["fail", "missing", "nonsense", "bad data"])
    #expect(outcome.failed.map(\.code).prefix(2) == ["Lambda.ProcessingFailedStatus", "Lambda.MissingRecordId"])
  }

  @Test(arguments: ["", "null", "[]", "{}", #"{"records": 5}"#, #"{"records": [{"result": "Ok"}]}"#])
  func `an answer that says nothing of the records is a failure of the call`(_ answer: String) {
    #expect(Transformation.outcome(of: [record(0, "a")], Array(answer.utf8), function) == nil)
  }

  @Test func `calls are kept within the size that one takes`() {
    let records = (0..<10).map { record($0, String(repeating: "x", count: 30)) }
    #expect(Transformation.parts(records, bytes: 100).map(\.count) == [3, 3, 3, 1])
    #expect(Transformation.parts(records, bytes: 1).map(\.count) == Array(repeating: 1, count: 10))
    #expect(Transformation.parts([], bytes: 100).isEmpty)
  }

  @Test func `an endpoint must name the request that it has taken`() throws {
    var endpoint = EndpointDestination(
      url: "https://example.com", accessKey: "secret", buffer: try Buffer(mebibytes: nil, seconds: nil),
      backup: BucketDestination(role: function, bucket: "b", buffer: try Buffer(mebibytes: nil, seconds: nil)))
    endpoint.attributes = ["team": "a"]
    let delivery = DeliveryStream(name: stream, id: 1, created: .epoch, source: .directPut, destination: .endpoint(endpoint))
    let request = EndpointRequest(endpoint, delivery, [record(0, "a")], id: "r-1", time: Instant(milliseconds: 5))
    #expect(request.body.utf8Text == #"{"requestId":"r-1","timestamp":5,"records":[{"data":"YQ=="}]}"#)
    #expect(request.headers["x-amz-firehose-access-key"] == "secret")
    #expect(request.headers["x-amz-firehose-common-attributes"] == #"{"commonAttributes":{"team":"a"}}"#)
    try request.check(200, Array(#"{"requestId":"r-1","timestamp":9}"#.utf8))
    for (status, body) in [(500, #"{"requestId":"r-1","timestamp":9}"#), (200, "{}"), (200, #"{"requestId":"r-2","timestamp":9}"#), (200, "")] {
      #expect(throws: AWSError.self) { try request.check(status, Array(body.utf8)) }
    }
  }

  @Test func `pauses between attempts double up to two minutes`() {
    var trial: DeliveryTrial?, now = Instant.epoch, pauses: [Int64] = []
    for _ in 0..<9 {
      let next = DeliveryTrial(after: trial, at: now)
      pauses.append((next.next - now).inMilliseconds / 1000)
      (trial, now) = (next, next.next)
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 120, 120] && trial?.began == .epoch && trial?.attempts == 9)
  }
}
