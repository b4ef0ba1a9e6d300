import Base
import Testing
import Wire

@Suite struct RESTProtocolTests {
  let functions = Fixture.functions

  @Test func `a JSON body fills the members that are bound nowhere else`() throws {
    let record = try functions.decode(
      "Create", body: #"{"FunctionName": "f", "Code": {"ZipFile": "UEs="}, "Timeout": 3, "DryRun": true, "X-Dry-Run": true}"#)
    #expect(record["Code"]?.record?["ZipFile"] == .blob(Array("PK".utf8)))
    #expect(record["DryRun"] == nil)
    let dry = try functions.decode("Create", body: #"{"FunctionName":"f","Code":{}}"#, headers: ["x-dry-run": "true"])
    #expect(dry["DryRun"] == .bool(true))
  }

  @Test func `labels, headers, header lists, prefix headers and a raw payload`() throws {
    let record = try functions.decode(
      "Invoke", body: "not json",
      headers: [
        "X-Amz-Invocation-Type": "Event", "X-Context": #"a, "b,\"c""#, "X-Context": "d",
        "X-When": "Tue, 14 Nov 2023 22:13:20 GMT",
        "X-Meta-Colour": "red",
      ],
      labels: ["FunctionName": "f"])
    #expect(record["FunctionName"] == .string("f"))
    #expect(record["InvocationType"] == .string("Event"))
    #expect(record["Context"] == .list([.string("a"), .string(#"b,"c"#), .string("d")]))
    #expect(record["When"] == .timestamp(Instant(milliseconds: 1_700_000_000_000)))
    #expect(record["Payload"] == .blob(Array("not json".utf8)))
    #expect(record["Meta"] == .map([MapEntry("colour", .string("red"))]))
    #expect(try functions.decode("Invoke", labels: ["FunctionName": "f"])["Payload"] == nil)
  }

  @Test func `query scalars, lists and the rest`() throws {
    let list = try functions.decode("List", query: "MaxItems=3&Marker=x%2B%2F%3D&since=2023-11-14T22%3A13%3A20Z")
    #expect(list["MaxItems"] == .integer(3))
    #expect(list["Marker"] == .string("x+/="))
    #expect(list["Since"] == .timestamp(Instant(milliseconds: 1_700_000_000_000)))
    #expect(try functions.decode("List", query: "MaxItems=&Marker=")["MaxItems"] == nil)
    let untag = try functions.decode("Untag", query: "tagKeys=a&tagKeys=b%20c", labels: ["Resource": "arn"])
    #expect(untag["TagKeys"] == .list([.string("a"), .string("b c")]))
    let search = try functions.decode("Search", query: "term=t&x=1&y=2")
    #expect(search["Rest"] == .map([MapEntry("x", .string("1")), MapEntry("y", .string("2"))]))
  }

  @Test func `a structure payload is the whole body`() throws {
    let record = try functions.decode("Alias", body: #"{"S3Key":"k"}"#, labels: ["Name": "n"])
    #expect(record["Body"]?.record?["S3Key"] == .string("k"))
  }

  @Test(arguments: [("Create", "{", ""), ("Create", "[]", ""), ("List", "", "MaxItems=many"), ("Alias", "{\"S3Key\":1}", "")])
  func `malformed input is a SerializationException`(operation: String, body: String, query: String) {
    let error = #expect(throws: AWSError.self) {
      try functions.decode(operation, body: body, query: query, labels: ["Name": "n"])
    }
    #expect(error?.code == "SerializationException")
  }

  @Test(arguments: [
    "Tue, 14 Nov 2023 22:13:inf GMT", "Tue, 14 Nov 2023 22:13:1e300 GMT", "Tue, 14 Nov 99999999999999 22:13:20 GMT", "1e999", "nan",
    "Tue, 31 Feb 2023 22:13:20 GMT", "", "9999-99-99T99:99:99Z", "2023-11-14T22:13:20+99:99", "Tue, 99999999999999999999 Nov 2023 22:13:20 GMT",
  ])
  func `a time that is none is refused`(text: String) {
    #expect(throws: AWSError.self) { try functions.decode("Invoke", headers: ["X-When": text + "."], labels: ["FunctionName": "f"]) }
    _ = try? functions.decode("Invoke", headers: ["X-When": text], labels: ["FunctionName": "f"])
  }

  @Test func `a missing query parameter is named in AWS's words`() {
    let error = #expect(throws: AWSError.self) { try functions.decode("Untag", labels: ["Resource": "arn"]) }
    #expect(
      error?.message
        == "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null")
  }

  @Test func `status, headers and payload of a response come from their members`() {
    let output = Fixture.record(
      functions, "InvokeResponse",
      [
        "StatusCode": .integer(202), "Error": .string("Unhandled"), "Payload": .blob(Array("{}".utf8)),
        "Labels": .list([.string("a"), .string("b,c")]),
      ])
    let response = functions.encode("Invoke", output)
    #expect(response.status == 202)
    #expect(response.headers["x-amz-function-error"] == "Unhandled")
    #expect(response.headers["x-labels"] == #"a, "b,c""#)
    #expect(response.body.utf8Text == "{}")
    #expect(functions.encode("Invoke", nil).body == [])
  }

  @Test func `a response body uses wire names and the status of the model`() {
    let output = Fixture.record(functions, "Configuration", ["FunctionName": .string("f"), "Version": .string("1")])
    let response = functions.encode("Create", output)
    #expect(response.status == 201)
    #expect(response.body.utf8Text == #"{"FunctionName":"f","$Version":"1"}"#)
    #expect(response.headers["content-type"] == "application/json")
    #expect(functions.encode("List", nil).body.utf8Text == "{}")
    let untag = functions.encode("Untag", nil)
    #expect(untag.status == 204)
    #expect(untag.body == [])
    #expect(untag.headers["content-type"] == nil)
  }

  @Test func `errors have a type, the model's message name and members in headers`() {
    let throttled = functions.encode(
      AWSError("TooManyRequestsException", "Rate Exceeded.", members: [("Reason", "R"), ("retryAfterSeconds", "2")]))
    #expect(throttled.status == 429)
    #expect(throttled.headers["x-amzn-errortype"] == "TooManyRequestsException")
    #expect(throttled.headers["retry-after"] == "2")
    #expect(throttled.body.utf8Text == #"{"Type":"User","Reason":"R","message":"Rate Exceeded."}"#)
    #expect(functions.encode(AWSError("ServiceException", "m")).body.utf8Text == #"{"Type":"Service","Message":"m"}"#)
    #expect(functions.encode(AWSError("ValidationException", "m")).body.utf8Text == #"{"message":"m"}"#)
  }

  @Test(
    arguments: [
      ("GET", "/2015-03-31/functions", "", "List", [:]),
      ("GET", "/2015-03-31/functions/", "", "List", [:]),
      ("POST", "/2015-03-31/functions", "", "Create", [:]),
      ("POST", "/2015-03-31/functions/a%2Fb%20c/invocations", "Qualifier=1", "Invoke", ["FunctionName": "a/b c"]),
      (
        "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations", "", "Invoke",
        ["FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f"]
      ),
      ("GET", "/layers", "", "ListLayers", [:]),
      ("GET", "/layers", "find=LayerVersion&Arn=x", "LayerByArn", [:]),
      ("GET", "/layers", "find=Other", "ListLayers", [:]),
      ("GET", "/files/a/b%2Fc", "", "Fetch", ["Path": "a/b/c"]),
      ("GET", "/files/a//b/../raw", "", "FetchRaw", ["Path": "a//b/.."]),
    ] as [(String, String, String, String, [String: String])])
  func `a path finds its operation`(method: String, path: String, query: String, name: String, labels: [String: String]) throws {
    let match = try #require(RESTRouter(functions).match(method: method, path: path, query: query))
    #expect(match.operation.name == name)
    #expect(match.labels == labels)
  }

  @Test(arguments: [
    ("GET", ""), ("GET", "/"), ("PATCH", "/2015-03-31/functions"), ("GET", "/2015-03-31"),
    ("POST", "/2015-03-31/functions//invocations"),
    ("GET", "/2015-03-31/functions//"), ("GET", "/files"), ("GET", "2015-03-31%2Ffunctions"),
  ])
  func `a path of no operation finds none`(method: String, path: String) {
    #expect(RESTRouter(functions).match(method: method, path: path, query: "") == nil)
  }
}
