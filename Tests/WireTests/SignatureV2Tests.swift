import Base
import Testing
import Wire

/// URLs that boto3 1.43.11 presigned with Signature Version 2.
@Suite struct SignatureV2Tests {
  static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
  static let put =
    "/b/a%20b/%C3%BC.txt?AWSAccessKeyId=AKID&Signature=X9QxXA6dBfdAgxaFtsaIqzYR1e8%3D&content-type=text%2Fplain&x-amz-meta-colour=red"
    + "&Expires=1795274960"
  static let get =
    "/b/k?versionId=v1&response-content-type=text%2Fx&AWSAccessKeyId=AKID&Signature=9q%2FcpUTnX1YEzLsyXONLs%2F4ZRkc%3D&Expires=1795274960"

  private func verify(
    _ method: String, _ target: String, _ headers: HeaderFields = [:], bucket: String? = nil, secret: String = Self.secret,
    at seconds: Int64 = 1_795_274_000
  ) throws {
    let url = try #require(try SignatureV2URL.parse(target: target))
    #expect(url.accessKeyID == "AKID")
    try url.verify(
      method: method, target: target, hostBucket: bucket, headers: headers, secret: secret, wallNow: Instant(seconds: seconds))
  }

  @Test func `what boto3 presigns is accepted`() throws {
    try verify("PUT", Self.put)
    try verify("PUT", Self.put, ["content-type": "text/plain", "x-amz-meta-colour": "red"])
    try verify("GET", Self.get)
    // The same object with its bucket in the host.
    try verify("GET", String(Self.get.dropFirst(2)), bucket: "b")
  }

  @Test func `and nothing else`() {
    let cases: [(String, String, HeaderFields)] = [
      ("GET", Self.put, [:]), ("PUT", Self.put, ["content-type": "text/html"]), ("PUT", Self.put, ["x-amz-acl": "public-read"]),
      ("PUT", Self.put.replacing("/b/a", by: "/b/c"), [:]), ("PUT", Self.put.replacing("1795274960", by: "1795274961"), [:]),
      ("GET", Self.get.replacing("v1", by: "v2"), [:]), ("GET", Self.get + "&acl", [:]), ("GET", Self.get.replacing("9q", by: "9p"), [:]),
    ]
    for (method, target, headers) in cases {
      #expect { try verify(method, target, headers) } throws: { if case .mismatch? = $0 as? SignatureFailure { true } else { false } }
    }
    #expect(throws: SignatureFailure.self) { try verify("GET", Self.get, secret: "x") }
  }

  @Test func `a URL is good until its time`() throws {
    try verify("GET", Self.get, at: 1_795_274_959)
    #expect {
      try verify("GET", Self.get, at: 1_795_274_960)
    } throws: { failure in
      guard let failure = failure as? SignatureFailure else { return false }
      let error = awsError(for: failure, protocol: .restXml, service: "s3")
      return (error.code, error.message, error.status) == ("AccessDenied", "Request has expired", 403)
        && error.members.map(\.name) == ["Expires", "ServerTime"]
    }
  }

  @Test(arguments: ["/?AWSAccessKeyId=a&Signature=b", "/?Signature=b&Expires=1", "/?AWSAccessKeyId=a&Signature=b&Expires=soon"])
  func `a URL without all of it is denied`(target: String) {
    #expect {
      try SignatureV2URL.parse(target: target)
    } throws: { failure in
      (failure as? SignatureFailure).map { awsError(for: $0, protocol: .restXml, service: "s3") }?.code == "AccessDenied"
    }
  }

  @Test func `other requests are none of it`() throws {
    #expect(try SignatureV2URL.parse(target: "/b/k?versionId=1&Expires=2") == nil)
    #expect(try SignatureV2URL.parse(target: "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&Signature=x") == nil)
  }

  @Test func `services other than S3 refuse them`() {
    #expect(throws: SignatureFailure.unsupported("Signature Version 2 is not supported. Please use AWS4-HMAC-SHA256.")) {
      try SignatureClaim.parse(method: "GET", target: Self.get, headers: [:])
    }
  }
}
