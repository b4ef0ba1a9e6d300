import Base
import Testing
import Wire

@Suite struct ValidationTests {
  static let long = String(repeating: "a", count: 9)

  @Test(arguments: [
    (#"{}"#, "Value null at 'name' failed to satisfy constraint: Member must not be null"),
    (
      #"{"name":"\#(long)"}"#,
      "Value '\(long)' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8"
    ),
    (
      #"{"name":"A"}"#,
      "Value 'A' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z0-9]+"
    ),
    (
      #"{"name":"a","kind":"THREE"}"#,
      "Value 'THREE' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [ONE, TWO HALVES]"
    ),
    (
      #"{"name":"a","count":0}"#,
      "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1"
    ),
    (
      #"{"name":"a","count":11}"#,
      "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10"
    ),
    (
      #"{"name":"a","data":"AAAAAAA="}"#,
      "Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 4"
    ),
    (
      #"{"name":"a","secret":"abc"}"#,
      "Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 2"
    ),
    (
      #"{"name":"a","keys":["a","b","c","d"]}"#,
      "Value '[a, b, c, d]' at 'keys' failed to satisfy constraint: Member must have length less than or equal to 3"
    ),
    (
      #"{"name":"a","keys":["a","B"]}"#,
      "Value '[a, B]' at 'keys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 4, "
        + "Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]"
    ),
    (
      #"{"name":"a","tags":{"a":"123456"}}"#,
      "Value '{a=123456}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 5, "
        + "Member must have length greater than or equal to 0]"
    ),
    (
      #"{"name":"a","tags":{"A":""}}"#,
      "Value '{A=}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 4, "
        + "Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]"
    ),
    (
      #"{"name":"a","hidden":{"A":"hush"}}"#,
      "Value at 'hidden' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or "
        + "equal to 4, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]"
    ),
    (
      #"{"name":"a","inner":{"id":"b","child":[{"id":"c"},{}]}}"#,
      "Value null at 'inner.child.2.member.id' failed to satisfy constraint: Member must not be null"
    ),
  ])
  func `one failure is one sentence`(body: String, sentence: String) {
    let error = #expect(throws: AWSError.self) { try Fixture.records.decode("Put", body: body) }
    #expect(error?.code == "ValidationException")
    #expect(error?.status == 400)
    #expect(error?.message == "1 validation error detected: " + sentence)
  }

  @Test func `several failures are counted and joined`() {
    let error = #expect(throws: AWSError.self) { try Fixture.records.decode("Put", body: #"{"name":"","count":0}"#) }
    #expect(
      error?.message
        == "3 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        + "[a-z0-9]+; Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; "
        + "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1")
  }

  @Test func `failures are reported up to a limit`() {
    let children = Array(repeating: "{}", count: 100).joined(separator: ",")
    let error = #expect(throws: AWSError.self) {
      try Fixture.records.decode("Put", body: #"{"name":"a","inner":{"id":"a","child":[\#(children)]}}"#)
    }
    #expect(error?.message.hasPrefix("\(Validation.maximumFailures) validation errors detected: ") == true)
  }

  @Test func `Query services say ValidationError`() {
    let error = #expect(throws: AWSError.self) { try Fixture.identity.decode("CreateRole", body: "RoleName=r&Duration=1") }
    #expect(error?.code == "ValidationError")
    #expect(
      error?.message
        == "1 validation error detected: Value '1' at 'duration' failed to satisfy constraint: Member must have value greater than or equal to 900"
    )
  }

  @Test func `a service with its own words hears of missing members only`() {
    let error = #expect(throws: AWSError.self) {
      try Fixture.queue.decode("Delete", body: #"{"QueueUrl":"u","Entries":[{"Id":"1","ReceiptHandle":"r"},{"Id":"2"}]}"#)
    }
    #expect(error?.code == "MissingParameter")
    #expect(error?.message == "The request must contain the parameter Entries.2.ReceiptHandle.")
  }

  @Test func `lengths are counted in UTF-16 units, as Java does`() throws {
    _ = try Fixture.records.decode("Put", body: #"{"name":"a","tags":{"a":"éééé5"}}"#)
    #expect(throws: AWSError.self) { try Fixture.records.decode("Put", body: #"{"name":"a","tags":{"a":"😀😀😀"}}"#) }
  }

  @Test func `logs show neither secrets nor bytes`() {
    let record = Fixture.record(
      Fixture.records, "PutRequest",
      [
        "name": .string("a"), "secret": .string("hush"), "data": .blob([1, 2, 3]),
        "keys": .list(Array(repeating: .string("k"), count: 12)),
        "tags": .map([MapEntry("a", .string("b"))]),
      ])
    #expect(
      record.redactedDescription
        == #"PutRequest(name: "a", data: <3 bytes>, tags: {a: "b"}, keys: ["k", "k", "k", "k", "k", "k", "k", "k", "k", "k", … 12 in all], secret: ***)"#
    )
  }
}
