import Base
import Testing

@testable import S3

@Suite struct FormTests {
  private static let body = Array(
    "--b\r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\nin/${filename}\r\n--b\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\nprivate\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\n--\r\n-b two\r\n--b\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n--b--\r\n".utf8)

  private func parse(_ body: [UInt8], step: Int, limit: Int = 1000) throws -> (fields: [String: String], file: String, bytes: String) {
    var parser = try #require(FormParser(contentType: "multipart/form-data; boundary=b", limit: limit))
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: body.count, by: step) {
      bytes += try parser.feed(Array(body[start..<min(start + step, body.count)]))
    }
    try parser.finish()
    let fields = Dictionary(parser.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    return (fields, parser.file?.name ?? "", bytes.utf8Text)
  }

  @Test(arguments: [1, 2, 3, 7, 50, 10_000])
  func `a form reads the same however it is cut`(_ step: Int) throws {
    let form = try parse(Self.body, step: step)
    #expect(form.fields == ["key": "in/${filename}", "acl": "private"])
    #expect(form.file == "a.txt" && form.bytes == "one\r\n--\r\n-b two")
  }

  @Test func `what is no form or too large is refused`() throws {
    #expect(throws: FormParser.Failure.fieldsTooLarge) { _ = try parse(Self.body, step: 10, limit: 60) }
    #expect(throws: FormParser.Failure.malformed) { _ = try parse(Array("nonsense".utf8), step: 10) }
    #expect(throws: FormParser.Failure.malformed) { _ = try parse(Array(Self.body.prefix(200)), step: 10) }
    #expect(throws: FormParser.Failure.noFile) { _ = try parse(Array("--b--\r\n".utf8), step: 10) }
    #expect(FormParser(contentType: "application/json", limit: 10) == nil)
    #expect(FormParser(contentType: "multipart/form-data", limit: 10) == nil)
  }

  @Test func `the limit of the fields does not depend on how a form is cut`() throws {
    let head = "--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n"
    let form = Array((head + "0123456789\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--").utf8)
    let fields = head.utf8.count - 5 + 10 + "Content-Disposition: form-data; name=\"file\"\r\n\r\n".utf8.count
    for step in [1, 5, 1000] {
      #expect(try parse(form, step: step, limit: fields).fields == ["k": "0123456789"])
      #expect(throws: FormParser.Failure.fieldsTooLarge) { _ = try parse(form, step: step, limit: fields - 1) }
    }
  }

  private func policy(_ conditions: String, expiration: String = "2100-01-01T00:00:00Z") throws -> PostPolicy {
    try PostPolicy(Array(#"{"expiration": "\#(expiration)", "conditions": [\#(conditions)]}"#.utf8).base64)
  }
  private func refusal(_ conditions: String, _ fields: [String: String], at now: Instant = .epoch) throws -> String? {
    let policy = try policy(conditions)
    do throws(AWSError) {
      try policy.check(fields, at: now)
      return nil
    } catch { return error.message }
  }

  @Test(arguments: [
    (#"{"bucket": "b"}, ["eq", "$key", "k"]"#, ["bucket": "b", "key": "k", "policy": "x", "x-amz-signature": "y"], nil),
    (#"["starts-with", "$key", "in/"]"#, ["key": "in/a"], nil), (#"["starts-with", "$key", ""]"#, ["key": "a"], nil),
    (#"["starts-with", "$key", "e"]"#, ["key": "e\u{301}"], nil),
    (#"["eq", "$key", "\u00e9"]"#, ["key": "e\u{301}"], "Policy Condition failed: [\"eq\", \"$key\", \"\u{e9}\"]"),
    (#"["starts-with", "$key", "in/"]"#, ["key": "out"], #"Policy Condition failed: ["starts-with", "$key", "in/"]"#),
    (#"{"Key": "k"}"#, ["key": "other"], #"Policy Condition failed: ["eq", "$key", "k"]"#),
    (#"{"key": "k"}"#, ["key": "k", "acl": "private"], "Extra input fields: acl"),
    (#"{"key": "k"}"#, ["key": "k", "x-ignore-me": "private"], nil),
    (#"["starts-with", "$Content-Type", "image/"], {"key": "k"}"#, ["key": "k", "content-type": "image/png,image/gif"], nil),
    (#"["starts-with", "$Content-Type", "image/"], {"key": "k"}"#, ["key": "k", "content-type": "image/png,text/html"],
      #"Policy Condition failed: ["starts-with", "$content-type", "image/"]"#),
  ] as [(String, [String: String], String?)])
  func `every condition holds and every field has one`(_ conditions: String, _ fields: [String: String], _ message: String?) throws {
    #expect(try refusal(conditions, fields) == message.map { "Invalid according to Policy: " + $0 })
  }

  @Test func `a policy ends`() throws {
    let now = try #require(Instant(iso8601: "2100-01-01T00:00:00Z"))
    #expect(try refusal("", [:], at: now) == "Invalid according to Policy: Policy expired.")
    #expect(try policy(#"["content-length-range", 5, "10"]"#).length == 5...10)
    for bad in [#"["content-length-range", 5, 1]"#, #"["like", "$key", "x"]"#, #"["eq", "key", "x"]"#, #""x""#] {
      #expect(throws: AWSError.self) { _ = try policy(bad) }
    }
    #expect(throws: AWSError.self) { _ = try PostPolicy("no base64!") }
  }
}
