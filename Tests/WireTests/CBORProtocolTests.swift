import Base
import Testing
import Wire

@Suite struct CBORProtocolTests {
  let metrics = Fixture.metrics

  private func body(_ entries: [CBOR.Entry]) -> [UInt8] { CBOR.map(entries).encoded }

  @Test func `a body in CBOR fills the record`() throws {
    let bytes = body([
      .init("name", .text("a")), .init("count", .negative(2)), .init("ratio", .unsigned(3)), .init("at", .tagged(1, .double(1_700_000_000.5))),
      .init("data", .bytes([1])), .init("flag", .bool(true)), .init("tags", .map([.init("k", .text("v")), .init("k", .text("w"))])),
      .init("items", .array([.map([.init("id", .text("1"))]), .null])), .init("inner", .undefined), .init("unknown", .array([.null])),
    ])
    let record = try metrics.decode("Put", .rpcv2Cbor, bytes: bytes)
    #expect(record["name"] == .string("a"))
    #expect(record["count"] == .integer(-3))
    #expect(record["ratio"] == .double(3))
    #expect(record["at"] == .timestamp(Instant(milliseconds: 1_700_000_000_500)))
    #expect(record["data"] == .blob([1]))
    #expect(record["flag"] == .bool(true))
    #expect(record["tags"] == .map([MapEntry("k", .string("w"))]))
    #expect(record["items"]?.list?.count == 1)
    #expect(record["inner"] == nil)
  }

  @Test func `Kinesis's older clients count milliseconds`() throws {
    let bytes = body([.init("name", .text("a")), .init("at", .tagged(1, .unsigned(1_700_000_000_123)))])
    #expect(try metrics.decode("Put", .awsCbor11, bytes: bytes)["at"] == .timestamp(Instant(milliseconds: 1_700_000_000_123)))
    let output = Fixture.record(metrics, "PutResponse", ["at": .timestamp(Instant(milliseconds: 1_700_000_000_123))])
    let old = metrics.encode("Put", output, as: .awsCbor11)
    #expect(try CBOR.parse(old.body)["at"] == .tagged(1, .unsigned(1_700_000_000_123)))
    #expect(old.headers["content-type"] == "application/x-amz-cbor-1.1")
    #expect(old.headers["smithy-protocol"] == nil)
    #expect(try CBOR.parse(metrics.encode("Put", output).body)["at"] == .tagged(1, .double(1_700_000_000.123)))
  }

  @Test(arguments: [
    CBOR.array([]), .map([.init("name", .unsigned(1))]), .map([.init("name", .text("a")), .init("count", .double(1))]),
    .map([.init("name", .text("a")), .init("count", .unsigned(.max))]), .map([.init("name", .text("a")), .init("count", .negative(.max))]),
    .map([.init("name", .text("a")), .init("at", .tagged(1, .text("x")))]), .map([.init("name", .text("a")), .init("at", .double(.nan))]),
    .map([.init("name", .text("a")), .init("at", .tagged(0, .text("2023-11-14T22:13:20Z")))]), .map([.init("name", .tagged(2, .text("a")))]),
    .map([.init("name", .text("a")), .init("items", .map([]))]), .map([.init("name", .text("a")), .init("data", .text("AA=="))]),
  ])
  func `a wrong type is a SerializationException`(value: CBOR) {
    let error = #expect(throws: AWSError.self) { try metrics.decode("Put", .rpcv2Cbor, bytes: value.encoded) }
    #expect(error?.code == "SerializationException")
  }

  @Test func `what is no CBOR and what the model forbids is refused`() {
    #expect(#expect(throws: AWSError.self) { try metrics.decode("Put", .rpcv2Cbor, bytes: [0xa1]) }?.code == "SerializationException")
    #expect(#expect(throws: AWSError.self) { try metrics.decode("Put", .rpcv2Cbor, bytes: [0xa0]) }?.code == "ValidationException")
    #expect(#expect(throws: AWSError.self) { try metrics.decode("Put", .rpcv2Cbor, bytes: []) }?.code == "ValidationException")
  }

  @Test func `an answer repeats the protocol, and has a body only where there is an output`() throws {
    let output = Fixture.record(
      metrics, "PutResponse",
      [
        "name": .string("a"), "count": .integer(-500), "ratio": .double(0.5), "at": .timestamp(Instant(seconds: 1_700_000_000)), "data": .blob([9]),
        "flag": .bool(false), "tags": .map([MapEntry("k", .string("v"))]),
        "items": .list([.record(Fixture.record(metrics, "Inner", ["id": .string("1")]))]), "any": .document(["x": [1, 0.5, nil, true]]),
      ])
    let response = metrics.encode("Put", output)
    #expect(response.status == 200)
    #expect(response.headers["smithy-protocol"] == "rpc-v2-cbor")
    #expect(response.headers["content-type"] == "application/cbor")
    let body = try CBOR.parse(response.body)
    #expect(body["count"] == .negative(499))
    #expect(body["at"] == .tagged(1, .unsigned(1_700_000_000)))
    #expect(body["items"] == .array([.map([.init("id", .text("1"))])]))
    #expect(body["any"] == .map([.init("x", .array([.unsigned(1), .double(0.5), .null, .bool(true)]))]))
    #expect(body["inner"] == nil)
    // What we write we read.
    let again = try metrics.decode("Put", .rpcv2Cbor, bytes: response.body.replacingDocument())
    #expect(again["items"]?.list?.count == 1)
    #expect(metrics.encode("Put", nil).body == [0xa0])
    let nothing = metrics.encode("Reset", nil)
    #expect((nothing.body, nothing.headers["content-type"], nothing.headers["smithy-protocol"]) == ([], nil, "rpc-v2-cbor"))
  }

  @Test func `an error names its shape in full and its older code in a field`() throws {
    let response = metrics.encode(AWSError("NotThere", "gone", members: [("Name", "a")]))
    #expect(response.status == 404)
    #expect(response.headers["smithy-protocol"] == "rpc-v2-cbor")
    #expect(response.headers["x-amzn-query-error"] == "OldNotThere;Sender")
    let body = try CBOR.parse(response.body)
    #expect(body == .map([
      .init("__type", .text("com.example.metrics#NotThere")), .init("Name", .text("a")), .init("message", .text("gone")),
    ]))
    let old = metrics.encode(AWSError("NotThere", "gone"), .awsCbor11)
    #expect(try CBOR.parse(old.body)["__type"] == .text("NotThere"))
    #expect(old.headers["content-type"] == "application/x-amz-cbor-1.1")
  }
}

extension [UInt8] {
  /// Without the document, which requests cannot have in CBOR.
  fileprivate func replacingDocument() throws -> [UInt8] {
    guard case .map(let entries) = try CBOR.parse(self) else { return self }
    return CBOR.map(entries.filter { $0.key != "any" }).encoded
  }
}
