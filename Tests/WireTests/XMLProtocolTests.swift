import Base
import Testing
import Wire

@Suite struct XMLProtocolTests {
  let s3 = Fixture.objects

  @Test func `a body in XML fills the payload member, with or without the namespace`() throws {
    for namespace in ["", " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""] {
      let record = try s3.decode(
        "DeleteObjects",
        body: "<Delete\(namespace)><Object><Key>a&#xD;&#xA;b</Key><Size> 3 </Size></Object><Object><Key/></Object><Quiet>true</Quiet></Delete>",
        labels: ["Bucket": "b"])
      let body = try #require(record["Delete"]?.record)
      let objects = body["Objects"]?.list?.compactMap(\.record) ?? []
      #expect(objects.map { $0["Key"] } == [.string("a\r\nb"), .string("")])
      #expect(objects[0]["Size"] == .integer(3))
      #expect(body["Quiet"] == .bool(true))
      #expect(record["Bucket"] == .string("b"))
    }
  }

  @Test func `attributes, nested lists and times in XML`() throws {
    let record = try s3.decode(
      "PutBucketAcl",
      body: """
        <?xml version="1.0" encoding="UTF-8"?><AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><AccessControlList>
        <Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID></Grantee>
        <Permission>READ</Permission></Grant></AccessControlList><Owner/></AccessControlPolicy>
        """, labels: ["Bucket": "b"])
    let policy = try #require(record["Policy"]?.record)
    let grant = try #require(policy["Grants"]?.list?.first?.record)
    #expect(grant["Grantee"]?.record?["Type"] == .string("CanonicalUser"))
    #expect(grant["Grantee"]?.record?["ID"] == .string("1"))
    #expect(grant["Permission"] == .string("READ"))
    #expect(policy["Owner"]?.record != nil)
    let delete = try s3.decode(
      "DeleteObjects", body: "<Delete><Object><Key>k</Key><LastModifiedTime>Tue, 14 Nov 2023 22:13:20 GMT</LastModifiedTime></Object></Delete>",
      labels: ["Bucket": "b"])
    #expect(delete["Delete"]?.record?["Objects"]?.list?[0].record?["LastModifiedTime"] == .timestamp(Instant(seconds: 1_700_000_000)))
  }

  @Test func `an object's bytes are the payload, and its metadata comes from the fields with the prefix`() throws {
    let record = try s3.decode(
      "PutObject", bytes: [0, 255, 60],
      headers: ["X-Amz-Meta-Colour": "red", "x-amz-meta-": "none", "Content-Type": "text/x", "x-amz-until": "2023-11-14T22:13:20Z"],
      labels: ["Bucket": "b", "Key": "k"])
    #expect(record["Body"] == .blob([0, 255, 60]))
    #expect(record["Metadata"] == .map([MapEntry("colour", .string("red")), MapEntry("", .string("none"))]))
    #expect(record["Type"] == .string("text/x"))
    #expect(record["Until"] == .timestamp(Instant(seconds: 1_700_000_000)))
    #expect(try s3.decode("CreateBucket", labels: ["Bucket": "b"])["Configuration"] == nil)
  }

  @Test(arguments: [
    "<Delete><Object></Object></Delete>", "<Delete><Quiet>true</Quiet></Delete>", "<Delete/>", "<Delete><Object><Key>k</Key></Object>",
    "<Other><Object><Key>k</Key></Object></Other>", "<Delete><Object><Key>k</Key><Colour>red</Colour></Object></Delete>",
    "<Delete><Object><Key>k</Key><Size>many</Size></Object></Delete>", "<Delete><Object><Key><a/></Key></Object></Delete>",
    "<Delete><Object><Key>k</Key><Key>l</Key></Object></Delete>", "<!DOCTYPE Delete><Delete><Object><Key>k</Key></Object></Delete>", "{}",
  ])
  func `a body that the schema does not allow is MalformedXML`(body: String) {
    let error = #expect(throws: AWSError.self) { try s3.decode("DeleteObjects", body: body, labels: ["Bucket": "b"]) }
    #expect(error?.code == "MalformedXML")
    #expect(error?.message == "The XML you provided was not well-formed or did not validate against our published schema")
    #expect(error?.cause != nil)
  }

  @Test func `a parameter of a wrong type is S3's InvalidArgument`() {
    let error = #expect(throws: AWSError.self) {
      try s3.decode("UploadPart", query: "partNumber=many&uploadId=u", labels: ["Bucket": "b", "Key": "k"])
    }
    #expect(error?.code == "InvalidArgument")
  }

  @Test func `a body that must be there and is not has a code of its own`() {
    let error = #expect(throws: AWSError.self) { try s3.decode("DeleteObjects", labels: ["Bucket": "b"]) }
    #expect(error?.code == "MissingRequestBodyError")
  }

  @Test func `an answer is a document with the namespace and the name that AWS gives it`() {
    let bucket = Fixture.record(
      s3, "Bucket", ["Name": .string("a<b\r"), "CreationDate": .timestamp(Instant(milliseconds: 1_700_000_000_123))])
    let list = s3.encode("ListBuckets", Fixture.record(s3, "ListBucketsOutput", ["Buckets": .list([.record(bucket)])]))
    #expect(
      list.body.utf8Text
        == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketsOutput xmlns=\"http://s3.example/doc/\"><Buckets><Bucket><Name>a&lt;b&#xD;</Name>"
        + "<CreationDate>2023-11-14T22:13:20.123Z</CreationDate></Bucket></Buckets></ListBucketsOutput>")
    #expect(list.headers["content-type"] == "application/xml")
    #expect(list.headers["x-amz-request-id"] == "id-1")
    #expect(list.headers["x-amz-id-2"] != nil)
    #expect(list.headers["x-amzn-requestid"] == nil)
    let content = Value.record(Fixture.record(s3, "Content", ["Key": .string("k"), "Size": .integer(1)]))
    let objects = s3.encode("ListObjects", Fixture.record(s3, "ListObjectsOutput", ["Contents": .list([content, content])]))
    let item = "<Contents><Key>k</Key><Size>1</Size></Contents>"
    #expect(objects.body.utf8Text.hasSuffix("<ListBucketResult xmlns=\"http://s3.example/doc/\">\(item)\(item)</ListBucketResult>"))
  }

  @Test func `an answer may be one element, a payload, bytes, or nothing`() {
    let here = Fixture.record(s3, "LocationOutput", ["LocationConstraint": .string("eu-west-1")])
    #expect(
      s3.encode("GetBucketLocation", here).body.utf8Text.hasSuffix(
        "\n<LocationConstraint xmlns=\"http://s3.example/doc/\">eu-west-1</LocationConstraint>"))
    #expect(s3.encode("GetBucketLocation", nil).body.utf8Text.hasSuffix("\n<LocationConstraint xmlns=\"http://s3.example/doc/\"></LocationConstraint>"))
    let result = Value.record(Fixture.record(s3, "CopyResult", ["ETag": .string("\"e\"")]))
    #expect(
      s3.encode("CopyObject", Fixture.record(s3, "CopyOutput", ["Result": result])).body.utf8Text.hasSuffix(
        "\n<CopyObjectResult xmlns=\"http://s3.example/doc/\"><ETag>&quot;e&quot;</ETag></CopyObjectResult>"))
    let object = s3.encode(
      "GetObject",
      Fixture.record(
        s3, "GetObjectOutput",
        [
          "Body": .blob([1, 2]), "Modified": .timestamp(Instant(seconds: 1_700_000_000)),
          "Metadata": .map([MapEntry("a", .string("b"))]), "Type": .string("text/x"),
        ]))
    #expect(object.body == [1, 2])
    #expect(object.headers["content-type"] == "text/x")
    #expect(object.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT")
    #expect(object.headers["x-amz-meta-a"] == "b")
    let gone = s3.encode("DeleteObject", nil)
    #expect((gone.status, gone.body) == (204, []))
    let put = s3.encode("PutObject", Fixture.record(s3, "PutObjectOutput", ["ETag": .string("\"e\"")]))
    #expect((put.headers["etag"], put.body) == ("\"e\"", []))
  }

  @Test func `an attribute declares its prefix`() {
    let grantee = Value.record(Fixture.record(s3, "Grantee", ["Type": .string("Group"), "ID": .string("1")]))
    let grant = Value.record(Fixture.record(s3, "Grant", ["Grantee": grantee]))
    let text = s3.encode("GetBucketAcl", Fixture.record(s3, "Policy", ["Grants": .list([grant])])).body.utf8Text
    #expect(text.contains("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><ID>1</ID></Grantee>"))
  }

  @Test func `an error of S3 has no namespace, and its resource and host`() {
    let response = s3.encode(AWSError("NoSuchBucket", "gone & away", members: [("BucketName", "b")]), resource: "/b/k%20")
    #expect(response.status == 404)
    #expect(
      response.body.utf8Text
        == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>gone &amp; away</Message><BucketName>b</BucketName>"
        + "<Resource>/b/k%20</Resource><RequestId>id-1</RequestId><HostId>aWQtMQ==</HostId></Error>")
  }

  @Test(
    arguments: [
      ("GET", "/", "", "ListBuckets", [:]), ("PUT", "/b", "", "CreateBucket", ["Bucket": "b"]), ("PUT", "/b/", "acl=", "PutBucketAcl", ["Bucket": "b"]),
      ("GET", "/b", "", "ListObjects", ["Bucket": "b"]), ("GET", "/b", "list-type=2&prefix=x", "ListObjectsV2", ["Bucket": "b"]),
      ("GET", "/b", "list-type=1", "ListObjects", ["Bucket": "b"]), ("GET", "/b", "metrics&id=1", "GetMetrics", ["Bucket": "b"]),
      ("GET", "/b", "metrics", "ListMetrics", ["Bucket": "b"]), ("GET", "/b", "location", "GetBucketLocation", ["Bucket": "b"]),
      ("PUT", "/b/k", "x-id=PutObject", "PutObject", ["Bucket": "b", "Key": "k"]), ("PUT", "/b/k", "partNumber=1&uploadId=u", "UploadPart", ["Bucket": "b", "Key": "k"]),
      ("PUT", "/b/k", "copy", "CopyObject", ["Bucket": "b", "Key": "k"]), ("PUT", "/b/k", "copy&partNumber=1&uploadId=u", "UploadPartCopy", ["Bucket": "b", "Key": "k"]),
      ("GET", "/b/k", "uploadId=u", "ListParts", ["Bucket": "b", "Key": "k"]), ("DELETE", "/b/k", "uploadId=u", "AbortUpload", ["Bucket": "b", "Key": "k"]),
      ("POST", "/b/k", "uploads", "CreateUpload", ["Bucket": "b", "Key": "k"]), ("POST", "/b/k", "uploadId=u", "CompleteUpload", ["Bucket": "b", "Key": "k"]),
      ("GET", "/b/folder/", "", "GetObject", ["Bucket": "b", "Key": "folder/"]), ("GET", "/b//", "", "GetObject", ["Bucket": "b", "Key": "/"]),
      ("GET", "/b//a/../c%2Fd%20e", "", "GetObject", ["Bucket": "b", "Key": "/a/../c/d e"]),
    ] as [(String, String, String, String, [String: String])])
  func `many operations share a path`(method: String, path: String, query: String, name: String, labels: [String: String]) throws {
    let headers: HeaderFields = query.hasPrefix("copy") ? ["x-amz-copy-source": "/b/other"] : [:]
    let match = try #require(RESTRouter(s3).match(method: method, path: path, query: query, headers: headers))
    #expect(match.operation.name == name)
    #expect(match.labels == labels)
  }
}
