import Base
import HTTPServer
import Testing

@testable import Gateway
@testable import Wire

/// Bodies in signed chunks, with trailers, compressed and in CBOR, on their way to an operation.
struct BodyFormTests {
  let bench = Bench(models: Models.all + [Models.bucket, Models.metric])

  private static let time = Instant(seconds: 1_795_234_920)

  /// A request with its body in chunks of `size` bytes, signed as its form says.
  private func chunked(
    _ form: ChunkedForm, _ body: String, size: Int = 6, scope: String = "s3", _ method: String = "PUT", _ target: String = "/b/k",
    headers: HeaderFields = [:], trailer: String? = nil, secret: String = "secret", key: String = "AKIAANN",
    change: (String) -> String = { $0 }
  ) -> HTTPRequest {
    var headers = headers
    headers["host"] = "localhost:4566"
    headers["x-amz-decoded-content-length"] = "\(body.utf8.count)"
    if let trailer { headers["x-amz-trailer"] = trailer.prefix { $0 != ":" }.lowercased() }
    Signer(accessKeyID: key, secret: secret, region: "us-east-1", service: scope)
      .sign(method: method, target: target, headers: &headers, body: [], at: Self.time, payload: form.rawValue)
    let signing = SigningKey(secret: secret, date: "20261121", region: "us-east-1", service: scope)
    var previous = String((headers["authorization"] ?? "").suffix(64))
    let head = "\n\(headers["x-amz-date"] ?? "")\n20261121/us-east-1/\(scope)/aws4_request\n"
    var text = ""
    var rest = body[...]
    while true {
      let data = rest.prefix(size)
      rest = rest.dropFirst(size)
      let hash = SHA256Text.of(String(data))
      previous = signing.hash.code(Array("AWS4-HMAC-SHA256-PAYLOAD\(head)\(previous)\n\(emptyHash)\n\(hash)".utf8)).hexText
      text += String(data.utf8.count, radix: 16) + (form.isSigned ? ";chunk-signature=\(previous)" : "") + "\r\n"
      if data.isEmpty { break }
      text += data + "\r\n"
    }
    if let trailer {
      text += trailer + "\r\n"
      let code = signing.hash.code(Array("AWS4-HMAC-SHA256-TRAILER\(head)\(previous)\n\(SHA256Text.of(trailer + "\n"))".utf8)).hexText
      if form.isSigned { text += "x-amz-trailer-signature:\(code)\r\n" }
    }
    let head1 = HTTPRequestHead(method: method, target: target, headers: headers, remoteAddress: "127.0.0.1", listener: "api")
    return HTTPRequest(head: head1, body: Array(change(text + "\r\n").utf8))
  }

  private enum SHA256Text {
    static func of(_ text: String) -> String { Checksum.bytes(.sha256, of: Array(text.utf8)).hex }
  }

  @Test func `an operation gets the body without its framing, and the trailer among the fields`() async {
    for form in [ChunkedForm.signed, .signedWithTrailer, .unsignedWithTrailer] {
      for key in ["AKIAANN", "test"] {
        let trailer = form.hasTrailer ? "x-amz-checksum-crc32:DUoRhQ==" : nil
        let answer = await bench.send(
          chunked(form, "hello world", headers: ["content-encoding": "gzip,aws-chunked", "content-length": "999"], trailer: trailer, key: key))
        #expect(answer.status == 200, "\(form) \(answer.text)")
        #expect(bench.input?["Body"] == .blob(Array("hello world".utf8)))
        #expect(bench.input?["Encoding"] == .string("gzip"))
        #expect(bench.input?["Length"] == .integer(11))
        #expect(bench.input?["CRC32"] == trailer.map { _ in .string("DUoRhQ==") })
        #expect(bench.input?["Key"] == .string("k"))
      }
    }
  }

  @Test func `a changed chunk is refused with S3's error`() async {
    let answer = await bench.send(chunked(.signed, "hello world") { $0.replacing("hello", by: "jello") })
    #expect((answer.status, answer.code ?? "") == (403, "SignatureDoesNotMatch"))
    #expect(answer.headers["content-type"] == "application/xml")
    #expect(answer.between("<StringToSign>", "\n") == "AWS4-HMAC-SHA256-PAYLOAD")
    #expect(answer.between("<Resource>", "</Resource>") == "/b/k")
    #expect(answer.between("<HostId>", "</HostId>") != nil)
    #expect(bench.call == nil)
  }

  @Test func `each fault of a body has its code`() async {
    let trailer = "x-amz-checksum-crc32:DUoRhQ=="
    let cases: [(HTTPRequest, Int, String)] = [
      (chunked(.signed, "hello world") { String($0.dropLast(20)) }, 400, "IncompleteBody"),
      (chunked(.signed, "hello world", secret: "guess"), 403, "SignatureDoesNotMatch"),
      (chunked(.unsignedWithTrailer, "hello world", trailer: trailer) { $0.replacing("hello", by: "jello") }, 400, "BadDigest"),
      (chunked(.unsignedWithTrailer, "hello world", trailer: trailer) { $0.replacing("crc32:", by: "sha1:") }, 400, "MalformedTrailerError"),
      (chunked(.signedWithTrailer, "hello world", trailer: trailer) { $0.replacing("DUoR", by: "DUoS") }, 403, "SignatureDoesNotMatch"),
      (chunked(.unsignedWithTrailer, "hello world", trailer: "x-amz-checksum-xxhash3:AAAA"), 501, "NotImplemented"),
      (.to("s3", "PUT", "/b/k", headers: ["x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"], body: "0\r\n\r\n"), 411, "MissingContentLength"),
      (
        .to(
          "s3", "PUT", "/b/k", headers: ["x-amz-content-sha256": emptyHash], body: "other", key: "AKIAANN",
          secret: "secret"), 400, "XAmzContentSHA256Mismatch"
      ),
      (.to("s3", "PUT", "/b/k", body: "b", key: "AKIAANN", secret: "secret", at: Instant(seconds: 1_795_234_920 - 1000)), 403, "RequestTimeTooSkewed"),
    ]
    for (request, status, code) in cases {
      let answer = await bench.send(request)
      #expect((answer.status, answer.code ?? "") == (status, code), "\(answer.text)")
    }
    #expect(bench.call == nil)
  }

  @Test func `other services take chunks too, and refuse in their own form`() async {
    let headers: HeaderFields = ["x-amz-target": "AmazonSQS.SendMessage"]
    let body = #"{"QueueUrl":"u","MessageBody":"b"}"#
    let good = await bench.send(chunked(.signed, body, scope: "sqs", "POST", "/", headers: headers))
    #expect(good.status == 200, "\(good.text)")
    #expect(bench.input?["MessageBody"] == .string("b"))
    let bad = await bench.send(chunked(.signed, body, scope: "sqs", "POST", "/", headers: headers) { $0.replacing("chunk-signature=", by: "chunk-signature=0") })
    #expect((bad.status, bad.code ?? "") == (400, "IncompleteBody"))
    let wrong = await bench.send(chunked(.signed, body, size: 100, scope: "sqs", "POST", "/", headers: headers) { $0.replacing("Queue", by: "Quene") })
    #expect((wrong.status, wrong.code ?? "") == (400, "InvalidSignatureException"))
    #expect(wrong.json?["__type"] == "com.amazon.coral.service#InvalidSignatureException")
  }

  // MARK: - Compression

  private static let compressed = "H4sIAAAAAAACA6tWCixNLU0NLcpRslIqVdJR8k0tLk5MT3XKT6kEimSk5uTkK4ySxJBKtQBlumgJTQEAAA=="

  private func gzip(_ body: [UInt8]) -> HTTPRequest {
    let head: HeaderFields = ["x-amz-target": "AmazonSQS.SendMessage", "content-encoding": "gzip"]
    var request = HTTPRequest.to(nil, headers: head)
    var headers = request.head.headers
    Signer(accessKeyID: "AKIAANN", secret: "secret", region: "us-east-1", service: "sqs")
      .sign(method: "POST", target: "/", headers: &headers, body: body, at: Self.time)
    request.head.headers = headers
    request.body = body
    return request
  }

  @Test func `a compressed body is verified as it came and read as it was`() async {
    let answer = await bench.send(gzip(decodeBase64(Self.compressed) ?? []))
    #expect(answer.status == 200, "\(answer.text)")
    #expect(bench.input?["MessageBody"] == .string(String(repeating: "hello ", count: 50)))
  }

  @Test func `a body that is no gzip, or would be too large, is refused`() async {
    let bad = await bench.send(gzip(Array("{}".utf8)))
    #expect((bad.status, bad.code ?? "") == (400, "SerializationException"))
    var bomb = decodeBase64(Self.compressed) ?? []
    bomb.replaceSubrange((bomb.count - 4)..., with: [0, 0, 0, 0x7f])
    let large = await bench.send(gzip(bomb))
    #expect((large.status, large.code ?? "") == (413, "RequestEntityTooLargeException"))
  }

  // MARK: - CBOR

  private func cbor(_ operation: String, _ body: [UInt8], headers: HeaderFields = ["smithy-protocol": "rpc-v2-cbor"], key: String = "test") -> HTTPRequest {
    var request = HTTPRequest.to(nil, "POST", "/service/GraniteServiceVersion20100801/operation/\(operation)", headers: headers)
    Signer(accessKeyID: key, secret: "x", region: "us-east-1", service: "monitoring")
      .sign(method: "POST", target: request.head.target, headers: &request.head.headers, body: body, at: Self.time)
    request.body = body
    return request
  }

  @Test func `a call in CBOR runs and is answered in CBOR`() async throws {
    let answer = await bench.send(cbor("PutMetricData", CBOR.map([.init("Namespace", .text("n"))]).encoded))
    #expect(answer.status == 200)
    #expect(answer.headers["smithy-protocol"] == "rpc-v2-cbor")
    #expect(bench.input?["Namespace"] == .string("n"))
    #expect(try CBOR.parse(answer.bytes)["Namespace"] == .text("arn:aws:iam::000000000000:root"))
    let old = await bench.send(
      cbor(
        "x", CBOR.map([.init("Namespace", .text("m"))]).encoded,
        headers: ["x-amz-target": "GraniteServiceVersion20100801.PutMetricData", "content-type": "application/x-amz-cbor-1.1"]))
    #expect(old.status == 200)
    #expect(old.headers["content-type"] == "application/x-amz-cbor-1.1")
    #expect(bench.input?["Namespace"] == .string("m"))
  }

  @Test func `and so are its errors`() async throws {
    let cases: [(HTTPRequest, Int, String)] = [
      (cbor("PutMetricData", [0xa1]), 400, "SerializationException"), (cbor("PutMetricData", [0xa0]), 400, "ValidationException"),
      (cbor("GetMetricData", [0xa0]), 501, "NotImplemented"), (cbor("NoSuch", [0xa0]), 404, "UnknownOperationException"),
      (cbor("PutMetricData", [0xa0], key: "AKIANOBODY"), 403, "UnrecognizedClientException"),
    ]
    for (request, status, code) in cases {
      let answer = await bench.send(request)
      #expect(answer.status == status)
      #expect(answer.headers["content-type"] == "application/cbor")
      #expect(answer.headers["smithy-protocol"] == "rpc-v2-cbor")
      guard case .text(let type)? = try CBOR.parse(answer.bytes)["__type"] else { Issue.record("no type"); continue }
      #expect(type.hasSuffix("#\(code)"))
    }
    let kinesis = await bench.send(
      .to("kinesis", headers: ["x-amz-target": "Kinesis_20131202.PutRecord", "content-type": "application/x-amz-cbor-1.1"]))
    #expect((kinesis.status, kinesis.headers["content-type"]) == (501, "application/x-amz-cbor-1.1"))
    #expect(try CBOR.parse(kinesis.bytes)["__type"] == .text("NotImplemented"))
  }

  // MARK: - S3's names

  @Test(arguments: [
    ("b.s3.amazonaws.com", "b", true), ("my.b.s3.eu-west-1.amazonaws.com", "my.b", true), ("b.s3-eu-west-1.amazonaws.com:443", "b", true),
    ("B.S3.localhost", "b", true), ("b.s3.dualstack.us-west-2.amazonaws.com", "b", true), ("b.s3.us-east-1.localhost.localstack.cloud:4566", "b", true),
    ("s3.amazonaws.com", nil, true), ("s3.localhost:4566", nil, true), ("s3.us-east-1.amazonaws.com", nil, true), ("s3-us-west-2.amazonaws.com", nil, true),
    ("b.localhost:4566", "b", false), ("my.b.localhost", "my.b", false), ("localhost:4566", nil, false), ("127.0.0.1", nil, false),
    ("sqs.us-east-1.amazonaws.com", nil, false), ("lambda.us-east-1.localhost.localstack.cloud", nil, false), ("", nil, false), ("s3.example.com", nil, false),
    (".s3.localhost", nil, true), ("localhost", nil, false), (".localhost", nil, false),
  ] as [(String, String?, Bool)])
  func `a host names a bucket, or S3, or neither`(host: String, bucket: String?, isExplicit: Bool) {
    let found = S3Host(host)
    #expect(found.bucket == bucket)
    #expect(found.isExplicit == isExplicit)
  }

  @Test func `a bucket in the host is part of the path`() async {
    let answer = await bench.send(.to("s3", "PUT", "/a/k", headers: ["host": "b.s3.localhost"], body: "x"))
    #expect(answer.status == 200, "\(answer.text)")
    #expect(bench.input?["Bucket"] == .string("b"))
    #expect(bench.input?["Key"] == .string("a/k"))
  }

  @Test func `what nobody else claims is S3's, and anonymous`() async {
    for request in [HTTPRequest.to(nil, "GET", "/"), .to(nil, "PUT", "/bucket/key"), .to(nil, "PUT", "/k", headers: ["host": "b.s3.localhost"])] {
      let answer = await bench.send(request)
      #expect((answer.status, answer.code ?? "") == (403, "AccessDenied"), "\(answer.text)")
      #expect(answer.headers["content-type"] == "application/xml")
    }
    // Paths of other services stay theirs.
    #expect(await bench.send(.to(nil, "GET", "/2015-03-31/functions/f")).code == "MissingAuthenticationTokenException")
  }

  @Test func `without S3, its hosts and its older URLs are refused in its form`() async {
    let bench = Bench()
    for request in [
      HTTPRequest.to(nil, "GET", "/k", headers: ["host": "b.s3.localhost"]),
      .to(nil, "GET", "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1"),
    ] {
      let answer = await bench.send(request)
      #expect(answer.headers["content-type"] == "application/xml")
      #expect(answer.text.contains("<Error><Code>"))
    }
    let old = await bench.send(.to(nil, "GET", "/b/k?AWSAccessKeyId=a&Signature=b&Expires=1"))
    #expect((old.status, old.code ?? "") == (501, "NotImplemented"))
    let head = await bench.send(.to("s3", "PUT", "/b/k"))
    #expect((head.status, head.between("<Resource>", "</Resource>") ?? "") == (501, "/b/k"))
  }
}
