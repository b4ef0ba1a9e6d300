import Base
import Testing
import Wire

/// A signed request whose signature is right.
struct SignatureVector: Sendable, CustomTestStringConvertible {
  let name: String, method: String, target: String
  let headers: HeaderFields
  let body: String
  init(_ name: String, _ method: String, _ target: String, _ headers: [(String, String)], body: String) {
    (self.name, self.method, self.target, self.body) = (name, method, target, body)
    self.headers = HeaderFields(headers)
  }
  var testDescription: String { name }
}

private let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

private func instant(_ text: String) -> Instant { Instant(basicISO8601: text) ?? .epoch }

@discardableResult
private func check(
  _ method: String, _ target: String, _ headers: HeaderFields, body: SignedBody = .bytes([]), secret: String = secret,
  at now: String
) throws -> Verification {
  let claim = try #require(try SignatureClaim.parse(method: method, target: target, headers: headers))
  return try verify(
    claim, method: method, target: target, headers: headers, body: body, secret: secret, keyCache: SigningKeyCache(), wallNow: instant(now))
}

@Suite struct SignatureTests {
  @Test(arguments: signatureVectors)
  func `what botocore signs is accepted, and nothing else`(vector: SignatureVector) throws {
    let body = Array(vector.body.utf8)
    try check(vector.method, vector.target, vector.headers, body: .bytes(body), at: "20260517T080940Z")
    #expect(throws: SignatureFailure.self) {
      try check(vector.method, vector.target, vector.headers, body: .bytes(body), secret: secret + "x", at: "20260517T080940Z")
    }
    #expect(throws: SignatureFailure.self) {
      try check("PATCH", vector.target, vector.headers, body: .bytes(body), at: "20260517T080940Z")
    }
    let elsewhere = vector.target.contains("?") ? vector.target + "&more" : vector.target + "x"
    #expect(throws: SignatureFailure.self) {
      try check(vector.method, elsewhere, vector.headers, body: .bytes(body), at: "20260517T080940Z")
    }
  }

  @Test func `the example of AWS's documentation is accepted`() throws {
    let headers: HeaderFields = [
      "host": "iam.amazonaws.com", "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "x-amz-date": "20150830T123600Z",
      "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        + "SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ]
    try check("GET", "/?Action=ListUsers&Version=2010-05-08", headers, at: "20150830T123600Z")
  }

  @Test(arguments: [
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", false, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"),
  ])
  func `the seed of a chunked upload is verified`(payload: String, hasTrailer: Bool, seed: String) throws {
    var headers: HeaderFields = [
      "host": "s3.amazonaws.com", "x-amz-date": "20130524T000000Z", "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": payload, "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "66560",
    ]
    if hasTrailer { headers["x-amz-trailer"] = "x-amz-checksum-crc32c" } else { headers["content-length"] = "66824" }
    let names = headers.fields.map(\.name).sorted().joined(separator: ";")
    headers["authorization"] =
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=\(names),Signature=\(seed)"
    let verified = try check(
      "PUT", "/examplebucket/chunkObject.txt", headers, body: .unread, secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      at: "20130524T000000Z")
    #expect(verified.seedSignature == seed)
  }

  private static let signer = Signer(accessKeyID: "AKID", secret: secret, sessionToken: "token", region: "us-east-1", service: "sqs")
  private func signed(
    _ signer: Signer = Self.signer, _ target: String = "/", _ more: HeaderFields = [:], payload: String? = nil
  ) -> HeaderFields {
    var headers: HeaderFields = ["host": "localhost:4566", "x-amz-target": "AmazonSQS.SendMessage"]
    for field in more { headers.add(field.name, field.value) }
    signer.sign(method: "POST", target: target, headers: &headers, body: [1, 2], at: instant("20260101T000000Z"), payload: payload)
    return headers
  }

  @Test func `a claim says who signed what`() throws {
    let claim = try #require(try SignatureClaim.parse(method: "POST", target: "/", headers: signed()))
    #expect(claim.accessKeyID == "AKID")
    #expect(claim.scope == "20260101/us-east-1/sqs/aws4_request")
    #expect(claim.signedHeaders == ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"])
    #expect(claim.sessionToken == "token")
    #expect(claim.form == .header)
    #expect(claim.payload == .body)
    #expect(throws: SignatureFailure.wrongRegion("us-east-1", expected: "eu-west-1")) {
      try claim.check(service: "sqs", region: Region("eu-west-1"))
    }
    #expect(throws: SignatureFailure.wrongScope("Credential should be scoped to correct service: 'sns'.")) {
      try claim.check(service: "sns", region: nil)
    }
  }

  @Test func `our own signature is accepted for any service and path`() throws {
    for service in ["s3", "lambda"] {
      var signer = Self.signer
      signer.service = service
      for target in ["/", "/a//b/../%2F?x=%2f&a+b&c", "/a b"] {
        try check("POST", target, signed(signer, target), body: .bytes([1, 2]), at: "20260101T000000Z")
        let unsigned = signed(signer, target, payload: "UNSIGNED-PAYLOAD")
        try check("POST", target, unsigned, body: .bytes([9]), at: "20260101T000000Z")
      }
    }
  }

  @Test func `a changed body or field is refused`() {
    #expect(throws: SignatureFailure.self) { try check("POST", "/", signed(), body: .bytes([1, 3]), at: "20260101T000000Z") }
    for name in ["host", "x-amz-target", "x-amz-security-token"] {
      var headers = signed()
      headers[name] = "other"
      #expect(throws: SignatureFailure.self, "\(name)") { try check("POST", "/", headers, body: .bytes([1, 2]), at: "20260101T000000Z") }
    }
    var signer = Self.signer
    signer.service = "s3"
    do {
      try check("POST", "/", signed(signer), body: .bytes([1, 3]), at: "20260101T000000Z")
      Issue.record("accepted")
    } catch SignatureFailure.payloadMismatch {
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func `fields that decide must be signed`() {
    for name in ["x-amz-target", "x-amz-content-sha256", "x-amz-security-token"] {
      var signer = Self.signer
      signer.sessionToken = nil
      var headers: HeaderFields = ["host": "h"]
      signer.sign(method: "POST", target: "/", headers: &headers, body: [], at: instant("20260101T000000Z"))
      headers[name] = name == "x-amz-content-sha256" ? "UNSIGNED-PAYLOAD" : "x"
      #expect(throws: SignatureFailure.notSigned([name])) { try check("POST", "/", headers, at: "20260101T000000Z") }
    }
  }

  @Test(arguments: ["x-amz-copy-source", "x-amz-acl", "x-amz-tagging", "x-amz-bypass-governance-retention"])
  func `to S3 all that the headers say must be signed, by a presigned URL as by a header`(name: String) throws {
    let vector = try #require(signatureVectors.first { $0.name == "presigned S3" })
    var headers = vector.headers
    // Not read when the query has its like.
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    headers["x-amzn-trace-id"] = "Root=1"
    try check(vector.method, vector.target, headers, at: "20260517T080940Z")
    headers[name] = "x"
    #expect(throws: SignatureFailure.notSigned([name])) { try check(vector.method, vector.target, headers, at: "20260517T080940Z") }

    var signer = Self.signer
    signer.service = "s3"
    var own = signed(signer)
    own[name] = "x"
    #expect(throws: SignatureFailure.notSigned([name])) { try check("POST", "/", own, body: .bytes([1, 2]), at: "20260101T000000Z") }
    let shown = awsError(for: .notSigned([name]), protocol: .restXml, service: "s3")
    #expect(shown.code == "AccessDenied" && shown.message == "There were headers present in the request which were not signed")
  }

  @Test(arguments: [
    ("20260101T001500Z", true), ("20251231T234500Z", true), ("20260101T001501Z", false), ("20251231T234459Z", false),
  ])
  func `clocks may differ by 15 minutes`(now: String, isAccepted: Bool) throws {
    let result = Result { try check("POST", "/", signed(), body: .bytes([1, 2]), at: now) }
    switch result {
    case .success: #expect(isAccepted)
    case .failure(SignatureFailure.expired(let text, _, _)):
      #expect(!isAccepted)
      #expect(text == "Signature expired: 20260101T000000Z is now earlier than 20260101T000001Z (20260101T001501Z - 15 min.)")
    case .failure(SignatureFailure.notYetCurrent(let text, _, _)):
      #expect(!isAccepted)
      #expect(text == "Signature not yet current: 20260101T000000Z is still later than 20251231T235959Z (20251231T234459Z + 15 min.)")
    case .failure(let error): Issue.record("\(error)")
    }
  }

  @Test func `a presigned URL ends when it says`() throws {
    let vector = try #require(signatureVectors.first { $0.name == "presigned S3" })
    try check("GET", vector.target, vector.headers, at: "20260517T090910Z")
    let expected = SignatureFailure.presignedExpired(
      expires: instant("20260517T090910Z"), seconds: 3600, serverTime: instant("20260517T090911Z"))
    #expect(throws: expected) { try check("GET", vector.target, vector.headers, at: "20260517T090911Z") }
  }

  @Test(arguments: [
    ("Bearer abc", "/", true), (nil, "/", true), (nil, "/?Signature=1", true), (nil, "/?a=X-Amz-Credential", true),
    ("AWS AKID:sig", "/", false), ("AWS4-ECDSA-P256-SHA256 Credential=a", "/", false), ("AWS5 x", "/", false),
    ("AWS4-HMAC-SHA256 Credential", "/", false), ("AWS4-HMAC-SHA256 Credential=a/b/c", "/", false), ("AWS4-HMAC-SHA256", "/", false),
    (nil, "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", false), (nil, "/?X-Amz-Credential=a", false),
    (nil, "/?AWSAccessKeyId=a&Signature=b&Expires=1", false),
  ])
  func `a request is unsigned, or its signature can be read, or it is refused`(
    authorization: String?, target: String, isUnsigned: Bool
  ) throws {
    var headers: HeaderFields = ["host": "h", "x-amz-date": "20260101T000000Z"]
    headers["authorization"] = authorization
    if isUnsigned {
      #expect(try SignatureClaim.parse(method: "GET", target: target, headers: headers) == nil)
    } else {
      #expect(throws: SignatureFailure.self) { try SignatureClaim.parse(method: "GET", target: target, headers: headers) }
    }
  }

  @Test func `a header without its parts says which`() {
    #expect(
      throws: SignatureFailure.malformed(
        "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
          + "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256")
    ) {
      try SignatureClaim.parse(
        method: "GET", target: "/", headers: ["authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request"])
    }
  }

  @Test(arguments: [
    "host;x-amz-date;host", "host;Host;x-amz-date", (0...1024).map { "x\($0)" }.joined(separator: ";"),
  ])
  func `a signature names each header once and no more than a request can have`(names: String) {
    let authorization =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request, SignedHeaders=\(names), Signature=00"
    let headers: HeaderFields = ["authorization": authorization, "host": "h", "x-amz-date": "20150830T123600Z"]
    #expect(throws: SignatureFailure.self) { try SignatureClaim.parse(method: "GET", target: "/", headers: headers) }
    let query =
      "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE/20150830/us-east-1/sqs/aws4_request"
      + "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-Signature=00&X-Amz-SignedHeaders=\(names)"
    #expect(throws: SignatureFailure.self) { try SignatureClaim.parse(method: "GET", target: query, headers: ["host": "h"]) }
  }

  @Test(arguments: ["s3", "sqs"])
  func `the form of a body in chunks is signed in place of its hash, but SigV4A is for nobody`(service: String) throws {
    var signer = Self.signer
    signer.service = service
    for form in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
      try check("POST", "/", signed(signer, payload: form), body: .unread, at: "20260101T000000Z")
      try check("POST", "/", signed(signer, payload: form), body: .bytes([9, 9]), at: "20260101T000000Z")
    }
    let asymmetric = signed(signer, payload: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
    #expect(throws: SignatureFailure.self) { try check("POST", "/", asymmetric, body: .unread, at: "20260101T000000Z") }
  }

  @Test func `the cache of keys is bounded and changes nothing`() throws {
    let cache = SigningKeyCache(capacity: 8)
    for i in 0..<100 {
      var signer = Self.signer
      signer.region = "r-\(i % 13)"
      let headers = signed(signer)
      let claim = try #require(try SignatureClaim.parse(method: "POST", target: "/", headers: headers))
      try verify(
        claim, method: "POST", target: "/", headers: headers, body: .bytes([1, 2]), secret: secret, keyCache: cache,
        wallNow: instant("20260101T000000Z"))
      #expect(cache.count <= 8)
    }
  }
}

@Suite struct SignatureErrorTests {
  private static let now = Instant(seconds: 1_767_225_600)

  @Test(arguments: [
    (SignatureFailure.missingAuthentication, "MissingAuthenticationTokenException", 400, "MissingAuthenticationToken", 403, "AccessDenied", 403),
    (.unknownKey, "UnrecognizedClientException", 400, "InvalidClientTokenId", 403, "InvalidAccessKeyId", 403),
    (.invalidToken, "UnrecognizedClientException", 400, "InvalidClientTokenId", 403, "InvalidToken", 400),
    (.mismatch(.init(accessKeyID: "", stringToSign: "", canonicalRequest: "", provided: "")),
     "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, "SignatureDoesNotMatch", 403),
    (.expired("", requestTime: now, serverTime: now), "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, "RequestTimeTooSkewed", 403),
    (.malformed(""), "IncompleteSignatureException", 400, "IncompleteSignature", 400, "AuthorizationHeaderMalformed", 400),
    (.malformedQuery(""), "IncompleteSignatureException", 400, "IncompleteSignature", 400, "AuthorizationQueryParametersError", 400),
    (.wrongRegion("", expected: ""), "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, "AuthorizationHeaderMalformed", 400),
    (.expiredToken, "ExpiredTokenException", 400, "ExpiredToken", 403, "ExpiredToken", 400),
    (.presignedExpired(expires: now, seconds: 1, serverTime: now), "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, "AccessDenied", 403),
    (.payloadMismatch(declared: "", computed: ""), "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, "XAmzContentSHA256Mismatch", 400),
  ] as [(SignatureFailure, String, Int, String, Int, String, Int)])
  func `each protocol has its code and status`(
    failure: SignatureFailure, json: String, jsonStatus: Int, query: String, queryStatus: Int, s3: String, s3Status: Int
  ) {
    let table: [(WireProtocol, String, String, Int)] = [
      (.awsJson10, "sqs", json, jsonStatus), (.awsJson11, "logs", json, jsonStatus), (.restJson, "lambda", json, 403),
      (.awsQuery, "iam", query, queryStatus), (.restXml, "s3", s3, s3Status),
    ]
    for (wire, service, code, status) in table {
      let error = awsError(for: failure, protocol: wire, service: service)
      #expect(error.code == code)
      #expect(error.status == status)
    }
  }

  @Test func `S3 shows what it signed`() {
    let error = awsError(
      for: .mismatch(.init(accessKeyID: "AKID", stringToSign: "AB", canonicalRequest: "C", provided: "ff")), protocol: .restXml, service: "s3")
    #expect(error.members.map { "\($0.name)=\($0.value.string ?? "")" } == [
      "AWSAccessKeyId=AKID", "StringToSign=AB", "SignatureProvided=ff", "StringToSignBytes=41 42", "CanonicalRequest=C",
      "CanonicalRequestBytes=43",
    ])
  }
}
