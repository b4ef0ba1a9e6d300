import Base
import Testing
import Wire

@Suite struct QueryProtocolTests {
  @Test func `a form body as botocore sends it fills the record`() throws {
    let record = try Fixture.identity.decode(
      "CreateRole",
      body: "Action=CreateRole&Version=2010-05-08&RoleName=r%2B1&Tags.member.1.Key=k&Tags.member.1.Value=v+w&Tags.member.2.Key=k2"
        + "&Tags.member.2.Value=%C3%BC%26")
    #expect(record["RoleName"] == .string("r+1"))
    let tags = try #require(record["Tags"]?.list)
    #expect(tags.map { $0.record?["Value"] } == [.string("v w"), .string("ü&")])
  }

  @Test func `a GET carries the same in its query string`() throws {
    let record = try Fixture.identity.decode("CreateRole", query: "Action=CreateRole&RoleName=r1&Duration=900&X-Amz-Date=now")
    #expect(record["Duration"] == .integer(900))
  }

  @Test func `lists keep the order of their numbers, gaps allowed, and may be empty`() throws {
    let record = try Fixture.identity.decode(
      "Simulate",
      body:
        "Actions=&Contexts.member.10.ContextKeyName=b&Contexts.member.2.ContextKeyName=a&Contexts.member.2.ContextKeyValues.member.1=1"
        + "&Contexts.member.x.ContextKeyName=c&Settings.entry.1.key=a&Settings.entry.1.value=1&Since=2023-11-14T22%3A13%3A20Z&Blob=AAE%3D"
    )
    #expect(record["Actions"] == .list([]))
    #expect(record["Contexts"]?.list?.map { $0.record?["ContextKeyName"] } == [.string("a"), .string("b")])
    #expect(record["Settings"] == .map([MapEntry("a", .integer(1))]))
    #expect(record["Since"] == .timestamp(Instant(milliseconds: 1_700_000_000_000)))
    #expect(record["Blob"] == .blob([0, 1]))
  }

  @Test func `the older names of a service that moved to JSON are read, flattened`() throws {
    let record = try Fixture.queue.decode(
      "Send", .awsQuery,
      body:
        "QueueUrl=u&MessageBody=b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=s"
    )
    #expect(record["Attributes"]?.map?.map(\.key) == ["n"])
    let names = try Fixture.queue.decode("Receive", .awsQuery, body: "QueueUrl=u&AttributeName.1=All&AttributeName.2=Sent")
    #expect(names["AttributeNames"] == .list([.string("All"), .string("Sent")]))
  }

  @Test func `a queue may be named by the path alone`() throws {
    let record = try Fixture.queue.decode(
      "Receive", .awsQuery, body: "Action=Receive", path: "/000000000000/orders", headers: ["Host": "localhost:4566"])
    #expect(record["QueueUrl"] == .string("http://localhost:4566/000000000000/orders"))
  }

  @Test(arguments: [
    ("RoleName=r&Duration=soon", "STRING_VALUE can not be converted to an Integer at Duration"),
    (
      "RoleName=r&" + String(repeating: "a.", count: 40) + "a=1",
      "The parameter name \(String(repeating: "a.", count: 40))a is nested too deeply."
    ),
  ])
  func `values of the wrong form are refused`(body: String, message: String) {
    let error = #expect(throws: AWSError.self) { try Fixture.identity.decode("CreateRole", body: body) }
    #expect(error?.code == "MalformedInput")
    #expect(error?.message == message)
  }

  @Test(arguments: ["Settings.entry.1.value=1", "Settings.entry.1.key=a", "Settings.entry.1.key=a&Settings.entry.1.value=x"])
  func `half an entry of a map is refused`(body: String) {
    let error = #expect(throws: AWSError.self) { try Fixture.identity.decode("Simulate", body: body) }
    #expect(error?.code == "MalformedInput")
  }

  @Test func `too many parameters are refused`() {
    let body = String(repeating: "a=1&", count: FormFields.maximumCount + 1)
    let error = #expect(throws: AWSError.self) { try Fixture.identity.decode("Simulate", body: body) }
    #expect(error?.code == "MalformedQueryString")
  }

  @Test(arguments: [
    "&&&", "=", "=x", "%", "%zz=1", "..=1", ".=", "Actions.member.=1", "Actions.member.-1=x",
    "Actions.member.99999999999999999999=x", "\u{0}=1",
  ])
  func `odd forms are read without harm`(body: String) throws {
    _ = try Fixture.identity.decode("Simulate", body: body)
  }

  @Test func `a response wraps its result`() throws {
    let tag = Fixture.record(Fixture.identity, "Tag", ["Key": .string("k"), "Value": .string("<&\r>")])
    let role = Fixture.record(
      Fixture.identity, "Role",
      [
        "RoleName": .string("r"), "CreateDate": .timestamp(Instant(milliseconds: 1_700_000_000_000)),
        "Tags": .list([.record(tag)]),
        "Limits": .map([MapEntry("a", .integer(1))]), "Ratio": .double(0.5), "Active": .bool(true),
      ])
    let response = Fixture.identity.encode(
      "CreateRole", Fixture.record(Fixture.identity, "CreateRoleResponse", ["Role": .record(role)]))
    #expect(
      response.body.utf8Text
        == "<CreateRoleResponse xmlns=\"https://identity.example/doc/2010-05-08/\"><CreateRoleResult><Role><RoleName>r</RoleName>"
        + "<CreateDate>2023-11-14T22:13:20Z</CreateDate><Tags><member><Key>k</Key><Value>&lt;&amp;&#xD;&gt;</Value></member></Tags>"
        + "<Limits><entry><key>a</key><value>1</value></entry></Limits><Ratio>0.5</Ratio><Active>true</Active></Role></CreateRoleResult>"
        + "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></CreateRoleResponse>")
    #expect(response.headers["content-type"] == "text/xml")
  }

  @Test func `flattened lists and maps repeat their element`() {
    let messages = ["a", "b"].map { body in
      Value.record(
        Fixture.record(Fixture.queue, "Message", ["Body": .string(body), "Attributes": .map([MapEntry("k", .string("v"))])]))
    }
    let output = Fixture.record(Fixture.queue, "ReceiveResult", ["Messages": .list(messages)])
    let text = Fixture.queue.encode("Receive", output, as: .awsQuery).body.utf8Text
    let message = { (body: String) in
      "<Message><Body>\(body)</Body><Attribute><Name>k</Name><Value>v</Value></Attribute></Message>"
    }
    #expect(text.contains("<ReceiveResult>\(message("a"))\(message("b"))</ReceiveResult>"))
  }

  @Test func `an empty result is written, no result is not`() {
    #expect(Fixture.queue.encode("Receive", nil, as: .awsQuery).body.utf8Text.contains("<ReceiveResult/>"))
    #expect(
      Fixture.identity.encode("DeleteRole", nil).body.utf8Text
        == "<DeleteRoleResponse xmlns=\"https://identity.example/doc/2010-05-08/\"><ResponseMetadata><RequestId>id-1</RequestId>"
        + "</ResponseMetadata></DeleteRoleResponse>")
  }

  @Test func `an error carries the code of the model, found by either name`() {
    for code in ["NoSuchEntityException", "NoSuchEntity"] {
      let response = Fixture.identity.encode(AWSError(code, "The role <r> cannot be found."))
      #expect(response.status == 404)
      #expect(
        response.body.utf8Text
          == "<ErrorResponse xmlns=\"https://identity.example/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
          + "<Message>The role &lt;r&gt; cannot be found.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>")
    }
    let failure = Fixture.identity.encode(AWSError("ServiceFailure", "m"))
    #expect(failure.status == 500)
    #expect(failure.body.utf8Text.contains("<Type>Receiver</Type>"))
  }
}
