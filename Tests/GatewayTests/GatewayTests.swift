import Base
import Fabric
import HTTPServer
import TestCloud
import Testing
import Wire

@testable import Gateway

struct GatewayTests {
  let bench = Bench()

  // MARK: - From request to operation

  @Test func `a signed request runs its operation as who signed it`() async {
    let answer = await bench.send(
      .json("sqs", "AmazonSQS.SendMessage", #"{"QueueUrl":"u","MessageBody":"b"}"#, key: "AKIAANN", secret: "secret"))
    #expect(answer.status == 200)
    #expect(answer.json?["MessageId"] == "arn:aws:iam::111111111111:user/ann")
    #expect(answer.headers["x-amzn-requestid"]?.count == 36)
    #expect(bench.call?.account == .test(1))
    #expect(bench.call?.region == .usEast1)
    #expect(bench.call?.accessKeyID == "AKIAANN")
    #expect(bench.call?.sourceIP == "127.0.0.1")
    #expect(bench.call?.endpoint == "http://localhost:4566")
    #expect(bench.authoriser.asked.map(\.action) == ["sqs:SendMessage"])
    #expect(bench.metrics.all == [.init(service: "sqs", operation: "SendMessage", status: 200, origin: .client): 1])
  }

  @Test func `the Region is that of the signature, and global services have none`() async {
    var request = HTTPRequest.to("lambda", "GET", "/2015-03-31/functions/f", region: "eu-west-1")
    #expect(await bench.send(request).status == 200)
    #expect(bench.call?.region.text == "eu-west-1")
    request = .to("sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", region: "ap-south-1")
    #expect(await bench.send(request).status == 200)
    #expect(bench.call?.region == .global)
  }

  @Test func `the trace of the request goes on, and one is made when there is none`() async {
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    _ = await bench.send(.to("lambda", "GET", "/2015-03-31/functions/f", headers: ["x-amzn-trace-id": header]))
    #expect(bench.call?.trace.header == header)
    _ = await bench.send(.to("lambda", "GET", "/2015-03-31/functions/f", headers: ["x-amzn-trace-id": "nonsense"]))
    #expect(bench.call?.trace.root.hasPrefix("1-6b01") == true)
  }

  @Test func `Query answers in XML and posts to the path of the queue`() async {
    let answer = await bench.send(.form("sqs", "Action=SendMessage&MessageBody=b&Version=2012-11-05", target: "/000000000000/q"))
    #expect(answer.status == 200)
    #expect(answer.headers["content-type"] == "text/xml")
    #expect(answer.between("<MessageId>", "</MessageId>") == "arn:aws:iam::000000000000:root")
  }

  @Test func `only an operation that is unsigned by design may be called by nobody`() async {
    let open = await bench.send(.form(nil, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"))
    #expect(open.status == 200)
    #expect(bench.call?.principal == .anonymous)
    let closed = await bench.send(.form(nil, "Action=GetCallerIdentity&Version=2011-06-15"))
    #expect((closed.status, closed.code ?? "") == (403, "MissingAuthenticationToken"))
  }

  // MARK: - Refusals

  /// One request for each protocol, made by the given key.
  private static func requests(
    scope: (String) -> String? = { $0 }, key: String = "AKIAANN", secret: String = "secret", region: String = "us-east-1",
    at time: Instant = Instant(seconds: 1_795_234_920)
  ) -> [HTTPRequest] {
    [
      .to(scope("sqs"), headers: ["x-amz-target": "AmazonSQS.SendMessage"], body: "{}", key: key, secret: secret, region: region, at: time),
      .to(scope("lambda"), "GET", "/2015-03-31/functions/f", key: key, secret: secret, region: region, at: time),
      .to(scope("sts"), "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", key: key, secret: secret, region: region, at: time),
    ]
  }

  private func expect(
    _ requests: [HTTPRequest], json: String, query: String, queryStatus: Int = 403, jsonStatus: Int = 400, restStatus: Int = 403,
    message: String? = nil, _ location: SourceLocation = #_sourceLocation
  ) async {
    let expected = [(jsonStatus, json), (restStatus, json), (queryStatus, query)]
    for (request, (status, code)) in zip(requests, expected) {
      let answer = await bench.send(request)
      #expect(answer.status == status, "\(request.target): \(answer.text)", sourceLocation: location)
      #expect(answer.code == code, "\(request.target): \(answer.text)", sourceLocation: location)
      if let message { #expect(answer.text.contains(message), "\(answer.text)", sourceLocation: location) }
    }
    #expect(bench.call == nil, "nothing may have run", sourceLocation: location)
  }

  @Test func `no credentials`() async {
    await expect(Self.requests(scope: { _ in nil }), json: "MissingAuthenticationTokenException", query: "MissingAuthenticationToken")
  }
  @Test func `an unknown key`() async {
    await expect(
      Self.requests(key: "AKIANOBODY"), json: "UnrecognizedClientException", query: "InvalidClientTokenId",
      message: "The security token included in the request is invalid.")
  }
  @Test func `an expired session`() async {
    bench.keys.fail("ASIAOLD", KeyFailure.expired)
    await expect(Self.requests(key: "ASIAOLD"), json: "ExpiredTokenException", query: "ExpiredToken")
  }
  @Test func `a wrong signature`() async {
    await expect(
      Self.requests(secret: "guess"), json: "InvalidSignatureException", query: "SignatureDoesNotMatch",
      message: "The request signature we calculated does not match the signature you provided.")
  }
  @Test func `a clock that is wrong`() async {
    await expect(
      Self.requests(at: Instant(seconds: 1_795_234_920 - 1000)), json: "InvalidSignatureException", query: "SignatureDoesNotMatch",
      message: "Signature expired: ")
    await expect(
      Self.requests(at: Instant(seconds: 1_795_234_920 + 1000)), json: "InvalidSignatureException", query: "SignatureDoesNotMatch",
      message: "Signature not yet current: ")
  }
  @Test func `a signature for another service`() async {
    // REST and Query are found by the scope, so only a target can contradict it.
    let requests = Self.requests(scope: { $0 == "sqs" ? "logs" : $0 })
    await expect([requests[0]], json: "InvalidSignatureException", query: "", message: "Credential should be scoped to correct service: 'sqs'.")
    await expect(
      [.json("logs", "AmazonSQS.SendMessage", key: "test")], json: "InvalidSignatureException", query: "",
      message: "Credential should be scoped to correct service")
  }
  @Test(arguments: ["US-EAST-1", "", "global", "us east"]) func `a Region that is none`(_ region: String) async {
    await expect(
      Array(Self.requests(region: region).prefix(2)), json: "InvalidSignatureException", query: "",
      message: "Credential should be scoped to a valid region, not '\(region)'.")
  }
  @Test(arguments: [
    "AWS4-HMAC-SHA256 nonsense", "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/sqs/aws4_request",
    "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=00", "AWS4-HMAC-SHA1 Credential=x",
  ])
  func `a header that cannot be read, also in the local mode`(_ authorization: String) async {
    let requests = Self.requests(scope: { _ in nil }, key: "test").map { request in
      var request = request
      request.head.headers["authorization"] = authorization
      request.head.headers["x-amz-date"] = "20261121T042200Z"
      return request
    }
    await expect(requests, json: "IncompleteSignatureException", query: "IncompleteSignature", queryStatus: 400)
  }
  @Test func `another scheme than AWS's is no signature`() async {
    var request = Self.requests(scope: { _ in nil })[1]
    request.head.headers["authorization"] = "Bearer abc"
    #expect(await bench.send(request).code == "MissingAuthenticationTokenException")
  }

  @Test func `a key without a secret is believed whatever it signed with`() async {
    for request in Self.requests(key: "test", secret: "whatever").dropFirst() { #expect(await bench.send(request).status == 200) }
  }

  @Test func `function code cannot leave its role behind with a key that nobody issued`() async {
    for var request in Self.requests(key: "test", secret: "whatever").dropFirst() {
      request.head.listener = "an environment"
      let answer = await bench.send(request)
      #expect(answer.status == 403 || answer.status == 400, "\(answer.text)")
      #expect(answer.text.contains("security token included in the request is invalid"))
    }
    for var request in Self.requests(key: "AKIAANN", secret: "secret").dropFirst() {
      request.head.listener = "an environment"
      #expect(await bench.send(request).status == 200)
    }
  }

  @Test func `what the server sends itself for a user is believed no key that nobody issued`() async {
    for var request in Self.requests(key: "test", secret: "whatever").dropFirst() {
      request.head.headers["x-dewpoint-outgoing"] = "1"
      #expect(await bench.send(request).text.contains("security token included in the request is invalid"))
    }
  }

  @Test func `a failure of the store is not told as an unknown key`() async {
    struct Broken: Error {}
    bench.keys.fail("AKIAANN", Broken())
    for request in Self.requests() {
      let answer = await bench.send(request)
      #expect((answer.status, answer.code ?? "") == (500, "InternalFailure"))
      #expect(!answer.text.contains("Broken"))
    }
  }

  @Test func `a denial has the code and status of its protocol`() async {
    bench.authoriser.deny("sqs:SendMessage", "lambda:GetFunction", "logs:CreateLogGroup")
    let table: [(HTTPRequest, Int, String)] = [
      (.json("sqs", "AmazonSQS.SendMessage", #"{"QueueUrl":"u","MessageBody":"b"}"#), 403, "AccessDenied"),
      (.form("sqs", "Action=SendMessage&MessageBody=b", target: "/000000000000/q"), 403, "AccessDenied"),
      (.json("logs", "Logs_20140328.CreateLogGroup", #"{"logGroupName":"g"}"#), 400, "AccessDeniedException"),
      (.to("lambda", "GET", "/2015-03-31/functions/f"), 403, "AccessDeniedException"),
    ]
    for (request, status, code) in table {
      let answer = await bench.send(request)
      #expect(answer.status == status)
      #expect(answer.code == code)
      #expect(answer.text.contains("is not authorized to perform"))
    }
    #expect(bench.call == nil)
  }

  // MARK: - What is not there

  @Test func `a known operation that is not implemented answers 501 and names itself, whatever its input`() async {
    let table: [(HTTPRequest, String)] = [
      (.json("sqs", "AmazonSQS.PurgeQueue"), "PurgeQueue"), (.form("sqs", "Action=PurgeQueue", target: "/000000000000/q"), "PurgeQueue"),
      (.to("lambda", "DELETE", "/2015-03-31/functions/f"), "DeleteFunction"), (.json("logs", "Logs_20140328.PutLogEvents", "["), "PutLogEvents"),
    ]
    for (request, name) in table {
      let answer = await bench.send(request)
      #expect((answer.status, answer.code ?? "") == (501, "NotImplemented"))
      #expect(answer.text.contains("the operation \(name) of"))
    }
  }

  @Test func `a service that is not there answers 501 in its own form`() async {
    let dynamo = await bench.send(.json("dynamodb", "DynamoDB_20120810.GetItem"))
    #expect(dynamo.status == 501)
    #expect(dynamo.json?["__type"] == "com.amazon.coral.service#NotImplemented")
    let bucket = await bench.send(.to("s3", "GET", "/bucket"))
    #expect(bucket.status == 501)
    #expect(bucket.headers["content-type"] == "application/xml")
    #expect(bucket.text.contains("<Error><Code>NotImplemented</Code><Message>"))
    let topic = await bench.send(.form("sns", "Action=Publish&Version=2010-03-31"))
    #expect((topic.status, topic.between("<Code>", "</Code>") ?? "") == (501, "NotImplemented"))
    let metric = await bench.send(
      .to("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", headers: ["smithy-protocol": "rpc-v2-cbor"]))
    #expect(metric.status == 501)
    #expect(metric.headers["smithy-protocol"] == "rpc-v2-cbor")
    #expect(metric.headers["content-type"] == "application/cbor")
    #expect(metric.text.contains("NotImplemented"))
    let other = await bench.send(.form("ec2", "Action=DescribeInstances&Version=2016-11-15"))
    #expect((other.status, other.code ?? "") == (501, "NotImplemented"))
    #expect(Set(bench.metrics.all.keys.map(\.service)) == ["dynamodb", "s3", "sns", "cloudwatch", "other"])
  }

  @Test func `what is nobody's is not found`() async {
    let answer = await bench.send(.to(nil, "GET", "/"))
    #expect((answer.status, answer.code ?? "") == (404, "UnknownOperationException"))
  }

  // MARK: - Bodies

  @Test(arguments: [
    ("/", 8 << 20, nil), ("/2015-03-31/functions", 70_167_211, "CreateFunction"), ("/2015-03-31/functions/", 70_167_211, "CreateFunction"),
    ("/2015-03-31/functions/f/code?x=/invocations", 70_167_211, "UpdateFunctionCode"),
    ("/2015-03-31/functions/f/invocations?Qualifier=1", 6_291_556, "InvokeFunction"), ("/2015-03-31/functions/code", 8 << 20, nil),
    ("/2018-10-31/layers/l/versions", 70_167_211, "PublishLayerVersion"), ("/bucket/2015-03-31/functions", 8 << 20, nil),
  ] as [(String, Int, String?)])
  func `each operation has its limit`(_ target: String, _ maximum: Int, _ operation: String?) {
    let limits = BodyLimits(HTTPRequestHead(method: "POST", target: target))
    #expect(limits.maximum == maximum)
    #expect(limits.operation == operation)
    guard case .collect(let upTo) = bench.gateway.admit(HTTPRequestHead(method: "POST", target: target)) else { Issue.record("must collect"); return }
    #expect(upTo == maximum)
  }

  @Test func `a body over the limit is refused in the form of its protocol`() {
    func refuse(_ request: HTTPRequest) -> Answer { Answer(bench.gateway.tooLarge(request.head, maximum: 1)) }
    let invoke = refuse(.to("lambda", "POST", "/2015-03-31/functions/f/invocations"))
    #expect((invoke.status, invoke.code ?? "") == (413, "RequestTooLargeException"))
    #expect(invoke.text.contains("Request must be smaller than 6291556 bytes for the InvokeFunction operation"))
    let create = refuse(.to("lambda", "POST", "/2015-03-31/functions"))
    #expect((create.status, create.code ?? "") == (413, "RequestEntityTooLargeException"))
    #expect(create.text.contains("Request must be smaller than 70167211 bytes for the CreateFunction operation"))
    let send = refuse(.json("sqs", "AmazonSQS.SendMessage"))
    #expect(send.status == 413)
    #expect(send.json?["__type"] == "com.amazon.coral.service#RequestEntityTooLargeException")
  }

  // MARK: - Coverage

  @Test func `the coverage page names what is implemented and what is not`() {
    let operation = Fabric.Operation("SendMessage", access: { (_: AnyView, _) in [] }, run: { (view: AnyView, _) -> AnyView in view })
    let text = Coverage.markdown([ServiceAPI(Models.stream, operations: []), ServiceAPI(Models.queue, operations: [operation])])
    #expect(text.contains("| [logs](#logs) | 2014-03-28 | 0 | 2 |\n| [sqs](#sqs) | 2012-11-05 | 1 | 2 |"))
    #expect(text.contains("## sqs\n\nImplemented: `SendMessage`.\n\n<details><summary>Not implemented: 1</summary>\n\n`PurgeQueue`\n"))
    #expect(text.contains("## logs\n\nNothing is implemented.\n"))
  }
}
