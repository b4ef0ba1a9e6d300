import Base
import Crypto
import Testing

@testable import Wire

/// AWS's worked examples of chunked uploads, and what may be wrong with one.
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html)
@Suite struct ChunkedTests {
  static let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
  static let time = Instant(basicISO8601: "20130524T000000Z") ?? .epoch

  struct Example: Sendable {
    var headers: HeaderFields
    var seed: String
    var chunks: [String]
    var trailer: String

    func verification(secret: String = ChunkedTests.secret) throws -> Verification {
      var headers = headers
      let names = headers.fields.map(\.name).sorted().joined(separator: ";")
      headers["authorization"] =
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=\(names),Signature=\(seed)"
      let target = "/examplebucket/chunkObject.txt"
      let claim = try #require(try SignatureClaim.parse(method: "PUT", target: target, headers: headers))
      return try verify(
        claim, method: "PUT", target: target, headers: headers, body: .unread, secret: secret, keyCache: SigningKeyCache(),
        wallNow: ChunkedTests.time)
    }
    func head() throws -> ChunkedHead { try #require(try ChunkedHead(headers: headers)) }

    /// The body as AWS prints it: 65,536 and 1,024 times the letter a.
    func body(chunks: [String]? = nil, trailer: String? = nil) -> [UInt8] {
      let chunks = chunks ?? self.chunks
      var body = Array("10000;chunk-signature=\(chunks[0])\r\n".utf8) + [UInt8](repeating: 97, count: 65_536)
      body += "\r\n400;chunk-signature=\(chunks[1])\r\n".utf8
      body += [UInt8](repeating: 97, count: 1024)
      body += "\r\n0;chunk-signature=\(chunks[2])\r\n\(trailer ?? self.trailer)\r\n".utf8
      return body
    }
  }

  static let plain = Example(
    headers: [
      "host": "s3.amazonaws.com", "x-amz-date": "20130524T000000Z", "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560", "content-length": "66824",
    ],
    seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    chunks: [
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ], trailer: "")
  static let trailing = Example(
    headers: [
      "host": "s3.amazonaws.com", "x-amz-date": "20130524T000000Z", "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560", "x-amz-trailer": "x-amz-checksum-crc32c",
    ],
    seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    chunks: [
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
    trailer:
      "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n")

  private func decode(
    _ head: ChunkedHead, _ verification: Verification?, _ body: [UInt8], pieces: Int = .max
  ) throws -> (body: [UInt8], trailer: ChunkedTrailer) {
    var decoder = ChunkedDecoder(head, verification: verification)
    var out: [UInt8] = []
    var at = 0
    while at < body.count {
      let end = min(body.count, at + min(pieces, body.count - at))
      try decoder.feed(body[at..<end], into: &out)
      at = end
    }
    return (out, try decoder.finish())
  }

  @Test(arguments: [1 << 20, 65_537, 4096, 997]) func `AWS's example bodies come out whole, however they are cut`(pieces: Int) throws {
    let letters = [UInt8](repeating: 97, count: 66_560)
    let plain = try decode(try Self.plain.head(), try Self.plain.verification(), Self.plain.body(), pieces: pieces)
    #expect(plain.body == letters)
    #expect(plain.trailer == ChunkedTrailer(fields: [:], checksum: nil))
    let trailing = try decode(try Self.trailing.head(), try Self.trailing.verification(), Self.trailing.body(), pieces: pieces)
    #expect(trailing.body == letters)
    #expect(trailing.trailer.fields == ["x-amz-checksum-crc32c": "sOO8/Q=="])
    #expect(trailing.trailer.checksum == DeclaredChecksum(.crc32c, base64: "sOO8/Q=="))
  }

  @Test func `a line feed after the value of a trailer, as AWS's page prints it, does no harm`() throws {
    let text = Self.trailing.trailer.replacing("sOO8/Q==\r\n", by: "sOO8/Q==\n\r\n")
    #expect(try decode(try Self.trailing.head(), try Self.trailing.verification(), Self.trailing.body(trailer: text)).body.count == 66_560)
  }

  @Test(arguments: 0..<3) func `a chunk with another signature is refused`(place: Int) throws {
    var chunks = Self.plain.chunks
    chunks[place] = chunks[place].replacing("a", by: "b")
    #expect {
      try decode(try Self.plain.head(), try Self.plain.verification(), Self.plain.body(chunks: chunks))
    } throws: { if case .chunkSignature(let m) = $0 as? ChunkedFailure { m.provided == chunks[place] } else { false } }
  }

  @Test func `a changed byte, a changed trailer and an omitted chunk are refused`() throws {
    var body = Self.trailing.body()
    body[70_000 / 2] = 98
    #expect(throws: ChunkedFailure.self) { try decode(try Self.trailing.head(), try Self.trailing.verification(), body) }
    let changed = Self.trailing.trailer.replacing("sOO8", by: "tOO8")
    #expect {
      try decode(try Self.trailing.head(), try Self.trailing.verification(), Self.trailing.body(trailer: changed))
    } throws: { if case .trailerSignature = $0 as? ChunkedFailure { true } else { false } }
    let unsigned = "x-amz-checksum-crc32c:sOO8/Q==\r\n"
    #expect {
      try decode(try Self.trailing.head(), try Self.trailing.verification(), Self.trailing.body(trailer: unsigned))
    } throws: { if case .malformedTrailer = $0 as? ChunkedFailure { true } else { false } }
    var first = Self.plain.body()
    first.removeSubrange(0..<(first.count - 1024 - 87 - 88 - 2))
    #expect(throws: ChunkedFailure.self) { try decode(try Self.plain.head(), try Self.plain.verification(), first) }
  }

  // MARK: - Without signatures

  /// As botocore sends it over TLS.
  private static func unsigned(_ length: Int = 11, _ trailer: String? = "x-amz-checksum-crc32") -> ChunkedHead {
    ChunkedHead(form: .unsignedWithTrailer, decodedLength: length, trailerNames: trailer.map { [$0] } ?? [])
  }

  @Test(arguments: [
    "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", "B;x=y\r\nhello world\r\n000\r\nX-Amz-Checksum-CRC32: DUoRhQ== \r\n\r\n",
    "5\r\nhello\r\n6\n world\n0\nx-amz-checksum-crc32:DUoRhQ==", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\n\r\n\r\n\r\n",
  ])
  func `an unsigned body with a checksum, in any client's hand`(text: String) throws {
    for pieces in [1, 7, 1000] {
      let result = try decode(Self.unsigned(), nil, Array(text.utf8), pieces: pieces)
      #expect(result.body == Array("hello world".utf8))
      #expect(result.trailer.checksum?.algorithm == .crc32)
    }
  }

  @Test(arguments: [
    ("", "IncompleteBody"), ("b\r\nhello world\r\n", "IncompleteBody"), ("b\r\nhello worl", "IncompleteBody"),
    ("b\r\nhello world0\r\n\r\n", "IncompleteBody"), ("b\r\nhello world!!!\r\n0\r\n\r\n", "IncompleteBody"), ("xyz\r\n", "IncompleteBody"),
    ("\r\n", "IncompleteBody"), ("-5\r\nhello", "IncompleteBody"), ("ffffffffffffffff\r\nhello", "IncompleteBody"),
    ("11111111111111111\r\nhello", "IncompleteBody"), ("7fffffffffffffff\r\nhello", "IncompleteBody"),
    ("5\r\nhello\r\n7\r\n world!\r\n", "IncompleteBody"), ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", "IncompleteBody"),
    (String(repeating: "0", count: 2000), "IncompleteBody"), ("b\r\nhello world\r\n0\r\n\r\n", "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\nx-amz-meta-a:b\r\n\r\n", "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"), ("b\r\nhello world\r\n0\r\n:x\r\n\r\n", "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\nmore", "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\nx:" + String(repeating: "y", count: 9000), "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\n" + String(repeating: "a:b\r\n", count: 20), "MalformedTrailerError"),
    ("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
    ("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", "InvalidRequest"),
    ("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:!\r\n\r\n", "InvalidRequest"),
  ])
  func `a body that is not as it says is refused`(text: String, code: String) throws {
    for pieces in [1, 1000] {
      do {
        _ = try decode(Self.unsigned(), nil, Array(text.utf8), pieces: pieces)
        Issue.record("must be refused")
      } catch let failure as ChunkedFailure {
        #expect(awsError(for: failure, protocol: .restXml, service: "s3").code == code, "\(failure)")
      }
    }
  }

  @Test func `after a failure nothing more is taken`() {
    var decoder = ChunkedDecoder(Self.unsigned(), verification: nil)
    var out: [UInt8] = []
    let failure = ChunkedFailure.malformed("a chunk has no size")
    #expect(throws: failure) { try decoder.feed(Array("x\r\n".utf8), into: &out) }
    #expect(throws: failure) { try decoder.feed(Array("b\r\n".utf8), into: &out) }
    #expect(throws: failure) { try decoder.finish() }
  }

  @Test func `signed chunks need signatures even where nobody can check them`() throws {
    let head = ChunkedHead(form: .signed, decodedLength: 5)
    #expect(throws: ChunkedFailure.malformed("a chunk has no signature")) { try decode(head, nil, Array("5\r\nhello\r\n0\r\n\r\n".utf8)) }
    let signature = String(repeating: "0", count: 64)
    let body = "5;chunk-signature=\(signature)\r\nhello\r\n0;chunk-signature=\(signature)\r\n\r\n"
    #expect(try decode(head, nil, Array(body.utf8)).body == Array("hello".utf8))
  }

  // MARK: - The head

  @Test func `a head says how its body is chunked`() throws {
    #expect(try ChunkedHead(headers: ["x-amz-content-sha256": emptyHash]) == nil)
    #expect(try ChunkedHead(headers: ["content-encoding": "aws-chunked"]) == nil)
    let head = try ChunkedHead(headers: [
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "3",
      "x-amz-trailer": " X-Amz-Checksum-SHA256 ",
    ])
    #expect(head == ChunkedHead(form: .unsignedWithTrailer, decodedLength: 3, trailerNames: ["x-amz-checksum-sha256"]))
    #expect(head?.checksum == .sha256)
  }

  @Test(arguments: [
    (["x-amz-decoded-content-length": "3"], "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "NotImplemented", 501),
    ([:], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "MissingContentLength", 411),
    (["x-amz-decoded-content-length": "-1"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "InvalidArgument", 400),
    (["x-amz-decoded-content-length": "99999999999999999999"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "InvalidArgument", 400),
    (["x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-md4"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "InvalidRequest", 400),
    (["x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-acl"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "InvalidRequest", 400),
    (["x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-xxhash3"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "NotImplemented", 501),
    (
      ["x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-crc32,x-amz-checksum-sha1"], "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "InvalidRequest", 400
    ),
    (["x-amz-decoded-content-length": "1", "x-amz-trailer": "x-amz-checksum-crc32"], "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "MalformedTrailerError", 400),
  ] as [(HeaderFields, String, String, Int)])
  func `a head that cannot be is refused`(headers: HeaderFields, form: String, code: String, status: Int) {
    var headers = headers
    headers["x-amz-content-sha256"] = form
    do throws(ChunkedFailure) {
      _ = try ChunkedHead(headers: headers)
      Issue.record("must be refused")
    } catch {
      let answer = awsError(for: error, protocol: .restXml, service: "s3")
      #expect((answer.code, answer.status) == (code, status))
    }
  }

  @Test func `the framing is no content encoding of the object`() {
    #expect(ChunkedHead.contentEncoding("aws-chunked") == nil)
    #expect(ChunkedHead.contentEncoding("gzip,aws-chunked") == "gzip")
    #expect(ChunkedHead.contentEncoding("AWS-Chunked, gzip , br") == "gzip,br")
  }
}

@Suite struct ChecksumTests {
  @Test(arguments: [
    (ChecksumAlgorithm.crc32, "y/Q5Jg==", "AAAAAA=="), (.crc32c, "4waSgw==", "AAAAAA=="), (.crc64nvme, "rosUhgp5mIg=", "AAAAAAAAAAA="),
    (.md5, "JfnnlDI7RTiF9RgfG2JNCw==", "1B2M2Y8AsgTpgAmY7PhCfg=="), (.sha1, "98O8HYCOBHMq32eZZczDTKeuNEE=", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
    (.sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
  ])
  func `the check values of each algorithm`(algorithm: ChecksumAlgorithm, value: String, empty: String) throws {
    #expect(Checksum.bytes(algorithm, of: Array("123456789".utf8)).base64 == value)
    #expect(Checksum(algorithm).base64 == empty)
    #expect(DeclaredChecksum(algorithm, base64: value)?.bytes.count == algorithm.byteCount)
    #expect(DeclaredChecksum(algorithm, base64: String(value.dropLast(4))) == nil)
    #expect(ChecksumAlgorithm(fieldName: algorithm.fieldName) == algorithm)
    let text = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    var pieces = Checksum(algorithm)
    for start in stride(from: 0, to: text.count, by: 333) { pieces.update(text[start..<min(start + 333, text.count)]) }
    #expect(pieces.bytes == Checksum.bytes(algorithm, of: text))
  }

  @Test func `a head declares one checksum or none`() throws {
    #expect(try DeclaredChecksum(headers: ["x-amz-checksum-mode": "ENABLED", "x-amz-checksum-type": "FULL_OBJECT"]) == nil)
    #expect(try DeclaredChecksum(headers: ["x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-trailer": "x-amz-checksum-crc32"]) == nil)
    let declared = try DeclaredChecksum(headers: ["x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": "y/Q5Jg=="])
    #expect(declared?.bytes == Checksum.bytes(.crc32, of: Array("123456789".utf8)))
  }

  @Test(arguments: [
    (["x-amz-sdk-checksum-algorithm": "CRC32"], "InvalidRequest"), (["x-amz-checksum-crc32": "y/Q5"], "InvalidRequest"),
    (["x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-checksum-crc32c": "4waSgw=="], "InvalidRequest"),
    (["x-amz-checksum-md4": "AAAA"], "InvalidRequest"), (["x-amz-checksum-xxhash64": "AAAAAAAAAAA="], "NotImplemented"),
  ] as [(HeaderFields, String)])
  func `a checksum that cannot be is refused`(headers: HeaderFields, code: String) {
    #expect(#expect(throws: AWSError.self) { try DeclaredChecksum(headers: headers) }?.code == code)
  }
}
