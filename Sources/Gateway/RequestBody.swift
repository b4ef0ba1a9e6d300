import Base
import Wire

/// Takes off what lies around the bytes that an operation reads: the framing of `aws-chunked` and request compression.
enum RequestBody {
  /// The request as the operation sees it. Trailers stand among the fields, and `Content-Encoding` and `Content-Length` are
  /// those of the body inside.
  ///
  /// - Parameter verification: what signed chunks are checked with; nil for a key without a secret.
  static func opened(
    _ request: WireRequest, _ proto: WireProtocol, service: String, _ verification: Verification?
  ) throws(AWSError) -> WireRequest {
    var request = request
    do {
      if let head = try ChunkedHead(headers: request.headers) { try unframe(&request, head, verification) }
    } catch {
      throw awsError(for: error, protocol: proto, service: service)
    }
    if proto.mayBeCompressed, request.headers["content-encoding"]?.trimmed.lowercased() == "gzip" { try decompress(&request) }
    return request
  }

  private static func unframe(
    _ request: inout WireRequest, _ head: ChunkedHead, _ verification: Verification?
  ) throws(ChunkedFailure) {
    var decoder = ChunkedDecoder(head, verification: verification)
    var body: [UInt8] = []
    body.reserveCapacity(min(head.decodedLength, request.body.count))
    try decoder.feed(request.body, into: &body)
    let trailer = try decoder.finish()
    request.body = body
    request.headers["content-length"] = "\(body.count)"
    request.headers["content-encoding"] = request.headers["content-encoding"].flatMap(ChunkedHead.contentEncoding)
    for field in trailer.fields { request.headers.add(lowercased: field.name, field.value) }
  }

  /// As large as a body may be that comes as it is: a small file may stand for gigabytes.
  private static func decompress(_ request: inout WireRequest) throws(AWSError) {
    do {
      request.body = try Gzip.inflate(request.body, upTo: BodyLimits.standard)
    } catch InflateFailure.tooLarge {
      throw BodyLimits.error(maximum: BodyLimits.standard, operation: nil)
    } catch {
      throw .serialization("The request body is not valid gzip data.", cause: error)
    }
    request.headers["content-encoding"] = nil
    request.headers["content-length"] = "\(request.body.count)"
  }
}

extension WireProtocol {
  /// In REST a payload may be compressed as its owner likes, and stays so.
  fileprivate var mayBeCompressed: Bool {
    switch self {
    case .awsJson10, .awsJson11, .awsCbor11, .awsQuery, .rpcv2Cbor: true
    case .restJson, .restXml: false
    }
  }
}
