import Base
import Testing
import Wire

@Suite struct JSONProtocolTests {
  @Test func `a body as botocore sends it fills the record`() throws {
    let body =
      #"{"QueueUrl": "http://localhost:4566/000000000000/orders", "MessageBody": "hello", "DelaySeconds": 5, "#
      + #""Attributes": {"trace": {"StringValue": "abc", "DataType": "String"}, "raw": {"BinaryValue": "AAE=", "DataType": "Binary"}}}"#
    let record = try Fixture.queue.decode("Send", body: body)
    #expect(record["QueueUrl"] == .string("http://localhost:4566/000000000000/orders"))
    #expect(record["DelaySeconds"] == .integer(5))
    let attributes = try #require(record["Attributes"]?.map)
    #expect(attributes.map(\.key) == ["trace", "raw"])
    #expect(attributes[1].value.record?["BinaryValue"] == .blob([0, 1]))
  }

  @Test func `null is absence, unknown members are passed over, the last of two wins`() throws {
    let record = try Fixture.records.decode(
      "Put", body: #"{"count":null,"what":{"ever":[1,{"a":null}]},"name":"a","name":"b","keys":["x",null],"tags":{"k":null}}"#)
    #expect(record["count"] == nil)
    #expect(record["name"] == .string("b"))
    #expect(record["keys"] == .list([.string("x")]))
    #expect(record["tags"] == .map([]))
  }

  @Test func `a key that comes twice keeps its place and its last value, in small maps and large`() throws {
    for count in [3, 40] {
      let keys = (0..<count).map { "\"k\($0)\":\"a\"" } + ["\"k1\":\"b\"", "\"k\(count - 1)\":\"c\""]
      let body =
        #"{"QueueUrl":"u","MessageBody":"b","Attributes":{"#
        + keys.map { $0.replacing("\"a\"", by: #"{"DataType":"a"}"#) }
        .map { $0.replacing("\"b\"", by: #"{"DataType":"b"}"#).replacing("\"c\"", by: #"{"DataType":"c"}"#) }.joined(
          separator: ",") + "}}"
      let map = try #require(try Fixture.queue.decode("Send", body: body)["Attributes"]?.map)
      #expect(map.map(\.key) == (0..<count).map { "k\($0)" })
      #expect(map[1].value.record?["DataType"] == .string("b"))
      #expect(map[count - 1].value.record?["DataType"] == .string("c"))
    }
  }

  @Test(arguments: [
    ("1700000000", 1_700_000_000_000), ("1700000000.123", 1_700_000_000_123), ("1.7E9", 1_700_000_000_000),
    ("\"1700000000.5\"", 1_700_000_000_500), ("\"2023-11-14T22:13:20Z\"", 1_700_000_000_000), ("-1.5", -1500),
  ])
  func `timestamps are read in every form that clients send`(text: String, milliseconds: Int64) throws {
    let record = try Fixture.records.decode("Put", body: #"{"name":"a","at":\#(text)}"#)
    #expect(record["at"] == .timestamp(Instant(milliseconds: milliseconds)))
  }

  @Test(arguments: [
    (#"{"count":"5"}"#, "STRING_VALUE can not be converted to an Integer"),
    (#"{"count":1.5}"#, "DECIMAL_VALUE can not be converted to an Integer"),
    (#"{"count":99999999999999999999}"#, "NUMBER_VALUE can not be converted to an Integer"),
    (#"{"name":5}"#, "NUMBER_VALUE can not be converted to a String"),
    (#"{"name":true}"#, "TRUE_VALUE can not be converted to a String"),
    (#"{"name":false}"#, "FALSE_VALUE can not be converted to a String"),
    (#"{"flag":"true"}"#, "STRING_VALUE can not be converted to a Boolean"),
    (#"{"ratio":"1.5"}"#, "STRING_VALUE can not be converted to a Double"),
    (#"{"ratio":1e999}"#, "NUMBER_VALUE can not be converted to a Double"),
    (#"{"at":"soon"}"#, "STRING_VALUE can not be converted to a Timestamp"),
    (#"{"at":1e300}"#, "NUMBER_VALUE can not be converted to a Timestamp"),
    (#"{"name":{}}"#, "Start of structure or map found where not expected."),
    (#"{"name":[]}"#, "Start of list found where not expected."),
    (#"{"inner":"x"}"#, "Unexpected field type"),
    (#"{"keys":"x"}"#, "Expected list or null"),
    (#"{"tags":"x"}"#, "Expected map or null"),
    (#"{"data":"*"}"#, "A blob is not valid Base64."),
    (#"[]"#, "Start of list found where not expected."),
    (#""text""#, "Unexpected field type"),
  ])
  func `a value of the wrong type is refused in AWS's words`(body: String, message: String) {
    let error = #expect(throws: AWSError.self) { try Fixture.records.decode("Put", body: body) }
    #expect(error?.code == "SerializationException")
    #expect(error?.message == message)
    #expect(error?.status == 400)
  }

  @Test(arguments: [
    "{", "{\"name\"", "{\"name\":}", "{'name':'a'}", "{\"name\":\"a\"}x", "\u{FEFF}{}", " ", "nul", "{\"name\":\"\u{1}\"}",
    String(repeating: "{\"inner\":", count: 5000), "{\"any\":" + String(repeating: "[", count: 100_000),
  ])
  func `malformed JSON is a SerializationException and never a crash`(body: String) {
    let error = #expect(throws: AWSError.self) { try Fixture.records.decode("Put", body: body) }
    #expect(error?.code == "SerializationException")
  }

  @Test func `special doubles travel as strings and documents as they are`() throws {
    let record = try Fixture.records.decode("Put", body: #"{"name":"a","ratio":"-Infinity","any":{"x":[1,null]}}"#)
    #expect(record["ratio"] == .double(-.infinity))
    #expect(record["any"] == .document(["x": [1, nil]]))
  }

  @Test func `an empty body is an empty input`() {
    let error = #expect(throws: AWSError.self) { try Fixture.queue.decode("Send") }
    #expect(error?.code == "MissingParameter")
    #expect(error?.message == "The request must contain the parameter QueueUrl.")
  }

  @Test func `a response holds what is set, times in epoch seconds without an exponent`() {
    let inner = Fixture.record(Fixture.records, "Inner", ["id": .string("é\"\n")])
    let output = Fixture.record(
      Fixture.records, "PutResponse",
      [
        "at": .timestamp(Instant(milliseconds: 1_700_000_000_120)), "iso": .timestamp(Instant(milliseconds: 1_700_000_000_000)),
        "ratio": .double(.nan), "data": .blob([0, 1]), "any": .document(["k": 1]), "items": .list([.record(inner)]),
      ])
    let response = Fixture.records.encode("Put", output)
    #expect(
      response.body.utf8Text
        == #"{"at":1700000000.120,"iso":"2023-11-14T22:13:20Z","ratio":"NaN","data":"AAE=","any":{"k":1},"items":[{"id":"é\"\n"}]}"#
    )
    #expect(response.headers["content-type"] == "application/x-amz-json-1.1")
    #expect(response.headers["x-amzn-requestid"] == "id-1")
    #expect(response.status == 200)
  }

  @Test func `no output is an empty body with the content type`() {
    let response = Fixture.queue.encode("Delete", nil)
    #expect(response.body == [])
    #expect(response.headers["content-type"] == "application/x-amz-json-1.0")
  }

  @Test func `an unset output is an empty object`() {
    #expect(Fixture.queue.encode("Receive", nil).body.utf8Text == "{}")
  }

  @Test func `json 1_0 names the absolute shape and, moved from Query, the old code`() {
    let response = Fixture.queue.encode(AWSError("QueueDoesNotExist", "The specified queue does not exist."))
    #expect(response.status == 400)
    #expect(
      response.body.utf8Text
        == #"{"__type":"com.example.queue#QueueDoesNotExist","message":"The specified queue does not exist."}"#)
    #expect(response.headers["x-amzn-query-error"] == "AWS.Queue.NonExistentQueue;Sender")
    #expect(response.headers["x-amzn-errortype"] == "QueueDoesNotExist")
    let unmodelled = Fixture.queue.encode(AWSError("MissingParameter", "m"))
    #expect(unmodelled.body.utf8Text == #"{"__type":"com.amazon.coral.service#MissingParameter","message":"m"}"#)
    #expect(Fixture.queue.encode(AWSError("Throttled", "m")).status == 403)
  }

  @Test func `json 1_1 names the bare shape`() {
    let response = Fixture.records.encode(AWSError("LimitExceeded", "m", members: [("Limit", 3)]))
    #expect(response.body.utf8Text == #"{"__type":"LimitExceeded","Limit":3,"message":"m"}"#)
    #expect(response.headers["x-amzn-query-error"] == nil)
    #expect(Fixture.records.encode(AWSError("Unavailable", "m")).status == 500)
  }

  @Test func `a failure inside says nothing of its cause`() {
    struct Secret: Error {}
    let response = Fixture.records.encode(.internalFailure(Secret()))
    #expect(response.status == 500)
    #expect(!response.body.utf8Text.contains("Secret"))
  }
}
