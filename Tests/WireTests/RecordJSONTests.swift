import Base
import Testing
import Wire

@Suite struct RecordJSONTests {
  private static let inner = StructureShape(name: "Inner", members: [Member(name: "On", type: .boolean)])
  private static let shape = StructureShape(
    name: "Input",
    members: [
      Member(name: "FunctionName", wireName: "X-Name", type: .string, location: .header), Member(name: "count", type: .integer),
      Member(name: "Ratio", type: .double), Member(name: "Payload", type: .blob), Member(name: "When", type: .timestamp),
      Member(name: "Inner", type: .structure(StructureReference(inner))),
      Member(name: "Names", type: .list(ElementShape(type: .string))),
      Member(name: "Tags", type: .map(key: ElementShape(type: .string), value: ElementShape(type: .string))),
    ])

  private func record(_ json: JSON, _ blobs: BlobText = .text) throws -> Record { try Record(Self.shape, json: json, blobs: blobs) }

  @Test func `members have the names of the model, wherever a protocol puts them, and their first letter any case`() throws {
    let record = try record(["FunctionName": "f", "Count": 3, "names": ["a", nil, "b"], "Tags": ["k": "v"], "Inner": ["on": true]])
    #expect(record["FunctionName"] == .string("f") && record["count"] == .integer(3))
    #expect(record["Names"] == .list([.string("a"), .string("b")]))
    #expect(record["Tags"] == .map([MapEntry("k", .string("v"))]))
    #expect(record["Inner"]?.record?["On"] == .bool(true))
  }

  @Test func `the bytes of a blob are text or any JSON, or base64 where that is asked for`() throws {
    #expect(try record(["Payload": "x"])["Payload"] == .blob(Array("x".utf8)))
    #expect(try record(["Payload": ["a": 1]])["Payload"] == .blob(Array(#"{"a":1}"#.utf8)))
    #expect(try record(["Payload": "eA=="], .base64)["Payload"] == .blob(Array("x".utf8)))
  }

  @Test func `times are seconds or text, and scalars may be text`() throws {
    #expect(try record(["When": 1_700_000_000])["When"] == .timestamp(Instant(seconds: 1_700_000_000)))
    #expect(try record(["When": "2023-11-14T22:13:20Z"])["When"] == .timestamp(Instant(seconds: 1_700_000_000)))
    #expect(try record(["count": "7", "Ratio": "0.5", "FunctionName": 12])["count"] == .integer(7))
    #expect(try record(["FunctionName": 12])["FunctionName"] == .string("12"))
  }

  @Test(arguments: [
    (["Nope": 1], "The field \"Nope\" is not known to Input."),
    (["Inner": ["Nope": 1]], "The field \"Inner.Nope\" is not known to Inner."),
    (["count": "x"], "The value of \"count\" must be a whole number."),
    (["Names": ["a", ["b"]]], "The value of \"Names[1]\" must be a string."),
    (["Inner": []], "The value of \"Inner\" must be an object."),
    ("text", "The value of the input must be an object."),
  ] as [(JSON, String)])
  func `what the model does not know or cannot hold is refused`(_ json: JSON, _ message: String) {
    #expect { try record(json) } throws: { ($0 as? AWSError)?.code == "ValidationException" && ($0 as? AWSError)?.message == message }
  }

  @Test func `base64 that is none is refused`() {
    #expect(throws: AWSError.self) { try record(["Payload": "%"], .base64) }
  }
}
