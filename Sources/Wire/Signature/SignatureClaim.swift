import Base

// # Signatures
//
// Signature Version 4 as clients send it: in the `Authorization` field or in the query of a presigned URL.
//
//   SignatureClaim.parse   what the request says of itself; nil when it is not signed
//   verify                 whether that is true, given the secret of the key
//   awsError               the answer when not, which differs by protocol and service
//   Signer                 the other side, for tests and for what we send ourselves
//
// Canonicalisation (`CanonicalRequest`) differs between S3, which signs the path as it is sent, and all others, which
// normalise the path and encode it once more. Clients do not quite agree on the encoding of odd characters, so a request that
// does not match is tried in the few other ways that clients are known to take: each of them still binds path and query.
// The reader of a body in chunks (`aws-chunked`) has to check them with the `Verification` (`ChunkedDecoder`). SigV4A is refused, and
// Signature Version 2 by everybody but S3 (`SignatureV2URL`).

/// What a signed request says of itself.
public struct SignatureClaim: Sendable, Equatable {
  public enum Form: Sendable, Equatable {
    case header
    /// Valid for so long from its time on.
    case presigned(expires: Duration)
  }
  /// What stands for the body in the signature.
  public enum Payload: Sendable, Equatable {
    /// No `x-amz-content-sha256`: the hash of the body.
    case body
    /// Lower or upper case hexadecimal, as sent.
    case sha256(String)
    case unsigned
    /// A `STREAMING-` form: the body is `aws-chunked`.
    case chunked(String)
  }

  public var accessKeyID: String
  /// `YYYYMMDD` of the credential scope.
  public var date: String
  public var region: String
  public var service: String
  /// In lower case, as listed.
  public var signedHeaders: [String]
  /// Hexadecimal, as sent.
  public var signature: String
  /// In the form of `X-Amz-Date`.
  public var time: String
  public var signedAt: Instant
  public var sessionToken: String?
  public var payload: Payload
  public var form: Form

  public var scope: String { "\(date)/\(region)/\(service)/aws4_request" }
  /// S3 and its kin sign the path as it is sent.
  public var isS3: Bool { isS3Scope(service) }

  /// Nil when the request is not signed at all, or carries another scheme (`Bearer`) that is none of ours.
  public static func parse(
    method: String, target: String, headers: HeaderFields
  ) throws(SignatureFailure) -> SignatureClaim? {
    if let authorization = headers["authorization"] {
      if authorization.utf8.starts(with: "AWS4-HMAC-SHA256 ".utf8) { return try parse(authorization: authorization, headers) }
      let scheme = authorization.prefix { $0 != " " }
      switch scheme {
      case "AWS4-HMAC-SHA256": return try parse(authorization: authorization, headers)
      case "AWS4-ECDSA-P256-SHA256": throw .unsupported("Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not supported.")
      case "AWS": throw .unsupported("Signature Version 2 is not supported. Please use AWS4-HMAC-SHA256.")
      case _ where scheme.hasPrefix("AWS"):
        throw .malformed("Unsupported AWS 'algorithm': '\(scheme)' (only AWS4-HMAC-SHA256 for now).")
      default: return nil
      }
    }
    guard target.utf8.contains(UInt8(ascii: "?")) else { return nil }
    let query = Target(target).query
    guard query.contains("X-Amz-") || query.contains("Signature=") else { return nil }
    return try parse(query: String(query), headers)
  }

  private static func parse(
    authorization: String, _ headers: HeaderFields
  ) throws(SignatureFailure) -> SignatureClaim {
    var credential: ArraySlice<UInt8>?, signedHeaders: ArraySlice<UInt8>?, signature: ArraySlice<UInt8>?
    // Bytes, not characters: this runs for each request.
    for part in pieces(Array(authorization.utf8).dropFirst("AWS4-HMAC-SHA256".utf8.count), at: UInt8(ascii: ",")) {
      let part = withoutBlanks(part)
      if part.isEmpty { continue }
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else {
        throw .malformed(
          "'\(part.utf8Text)' not a valid key=value pair (missing equal-sign) in Authorization header: '\(authorization)'.")
      }
      let name = part[..<equals], value = part[part.index(after: equals)...]
      if name.elementsEqual("Credential".utf8) {
        credential = value
      } else if name.elementsEqual("SignedHeaders".utf8) {
        signedHeaders = value
      } else if name.elementsEqual("Signature".utf8) {
        signature = value
      }
    }
    let time = headers["x-amz-date"] ?? headers["date"]
    guard let credential, let signedHeaders, let signature, let time else {
      let missing = [
        credential == nil ? "Authorization header requires 'Credential' parameter." : nil,
        signature == nil ? "Authorization header requires 'Signature' parameter." : nil,
        signedHeaders == nil ? "Authorization header requires 'SignedHeaders' parameter." : nil,
        time == nil ? "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header." : nil,
      ].compactMap(\.self)
      throw .malformed("\(missing.joined(separator: " ")) Authorization=AWS4-HMAC-SHA256")
    }
    let scope = try Scope(credential) { .malformed($0) }
    let (signedAt, timeText) = try signingTime(time) { .malformed($0) }
    return SignatureClaim(
      accessKeyID: scope.key, date: scope.date, region: scope.region, service: scope.service,
      signedHeaders: try names(signedHeaders) { .malformed($0) }, signature: signature.utf8Text, time: timeText, signedAt: signedAt,
      sessionToken: headers["x-amz-security-token"] ?? headers["x-amz-s3session-token"],
      payload: try payload(headers["x-amz-content-sha256"]), form: .header)
  }

  private static func parse(query: String, _ headers: HeaderFields) throws(SignatureFailure) -> SignatureClaim? {
    var values: [String: String] = [:]
    for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      let name = percentDecoded(pair[..<equals]).utf8Text
      guard name.hasPrefix("X-Amz-") || name == "AWSAccessKeyId" || name == "Signature", values[name] == nil else { continue }
      values[name] = percentDecoded(pair[equals...].dropFirst(), plusIsSpace: true).utf8Text
    }
    if values["AWSAccessKeyId"] != nil, values["Signature"] != nil {
      // Of a Query call this is version 2, too, and as little supported.
      throw .unsupported("Signature Version 2 is not supported. Please use AWS4-HMAC-SHA256.")
    }
    guard let algorithm = values["X-Amz-Algorithm"] else {
      if values["X-Amz-Credential"] == nil, values["X-Amz-Signature"] == nil { return nil }
      throw .malformedQuery(incompleteQuery)
    }
    guard algorithm == "AWS4-HMAC-SHA256" else {
      if algorithm == "AWS4-ECDSA-P256-SHA256" {
        throw .unsupported("Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not supported.")
      }
      throw .malformedQuery("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
    }
    guard let credential = values["X-Amz-Credential"], let time = values["X-Amz-Date"],
      let signedHeaders = values["X-Amz-SignedHeaders"], let signature = values["X-Amz-Signature"]
    else { throw .malformedQuery(incompleteQuery) }
    let scope = try Scope(Array(credential.utf8)[...]) { .malformedQuery($0) }
    let (signedAt, timeText) = try signingTime(time) { .malformedQuery($0) }
    let isS3 = isS3Scope(scope.service)
    return SignatureClaim(
      accessKeyID: scope.key, date: scope.date, region: scope.region, service: scope.service,
      signedHeaders: try names(Array(signedHeaders.utf8)[...]) { .malformedQuery($0) }, signature: signature, time: timeText,
      signedAt: signedAt,
      sessionToken: values["X-Amz-Security-Token"], payload: isS3 ? .unsigned : try payload(headers["x-amz-content-sha256"]),
      form: .presigned(expires: try validity(values["X-Amz-Expires"], isS3: isS3)))
  }

  private static let incompleteQuery =
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
    + "X-Amz-SignedHeaders, and X-Amz-Expires parameters."

  /// Only S3 insists on `X-Amz-Expires`; elsewhere a URL without it lives as long as a signed request.
  private static func validity(_ text: String?, isS3: Bool) throws(SignatureFailure) -> Duration {
    guard let text else {
      if isS3 { throw .malformedQuery(incompleteQuery) }
      return maximumSkew
    }
    guard let seconds = Int(text) else { throw .malformedQuery("X-Amz-Expires should be a number") }
    guard seconds >= 1 else { throw .malformedQuery("X-Amz-Expires must be non-negative") }
    guard seconds <= 604_800 else {
      throw .malformedQuery(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
    }
    return .seconds(seconds)
  }

  /// Field names that one signature may cover; as many as a request may have.
  static let maximumSignedHeaders = 1024

  /// A name that came twice would be written twice into the canonical request, with its whole value: a head of a megabyte
  /// could ask for many gigabytes.
  private static func names(
    _ list: ArraySlice<UInt8>, _ failure: (String) -> SignatureFailure
  ) throws(SignatureFailure) -> [String] {
    let names = pieces(list, at: UInt8(ascii: ";")).filter { !$0.isEmpty }.map { name in
      name.contains { $0 >= 65 && $0 <= 90 } ? name.utf8Text.lowercased() : name.utf8Text
    }
    // Clients sort them, as they must; then no hashing is needed.
    let isOrdered = zip(names, names.dropFirst()).allSatisfy { $0 < $1 }
    guard names.count <= maximumSignedHeaders, isOrdered || Set(names).count == names.count else {
      throw failure("'SignedHeaders' must name each header once, and at most \(maximumSignedHeaders) of them.")
    }
    return names
  }
  private static func withoutBlanks(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let first = text.first, first == 32 || first == 9 { text.removeFirst() }
    while let last = text.last, last == 32 || last == 9 { text.removeLast() }
    return text
  }

  private static func signingTime(
    _ text: String, _ failure: (String) -> SignatureFailure
  ) throws(SignatureFailure) -> (Instant, text: String) {
    if let time = Instant(basicISO8601: text) { return (time, text) }
    if let time = Instant(httpDate: text) { return (time, time.basicISO8601) }
    // Botocore writes the zone of its `Date` so.
    if text.hasSuffix(" -0000"), let time = Instant(httpDate: text.dropLast(5) + "GMT") { return (time, time.basicISO8601) }
    throw failure("Date must be in ISO-8601 'basic format'. Got '\(text)'. See http://en.wikipedia.org/wiki/ISO_8601")
  }

  private static func payload(_ text: String?) throws(SignatureFailure) -> Payload {
    guard let text else { return .body }
    if text == "UNSIGNED-PAYLOAD" { return .unsigned }
    if text.hasPrefix("STREAMING-") { return .chunked(text) }
    guard text.utf8.count == 64, text.utf8.allSatisfy({ hexValue($0) != nil }) else { throw .malformedPayloadHash }
    return .sha256(text)
  }

  private struct Scope {
    var key: String, date: String, region: String, service: String

    /// `KEY/YYYYMMDD/region/service/aws4_request`; some tools have slashes in their keys.
    init(_ credential: ArraySlice<UInt8>, _ failure: (String) -> SignatureFailure) throws(SignatureFailure) {
      let parts = pieces(credential, at: UInt8(ascii: "/")).map { $0.utf8Text }  // a key path costs ten times as much
      guard parts.count >= 5, !parts[0].isEmpty else {
        throw failure(
          "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '\(credential.utf8Text)'")
      }
      let end = parts.count
      guard parts[end - 1] == "aws4_request" else {
        throw .wrongScope("Credential should be scoped with a valid terminator: 'aws4_request', not '\(parts[end - 1])'.")
      }
      key = end == 5 ? parts[0] : parts[..<(end - 4)].joined(separator: "/")
      (date, region, service) = (parts[end - 4], parts[end - 3], parts[end - 2])
    }
  }
}

/// How far the client's clock may be from ours, either way. Services of AWS allow 5 or 15 minutes; 15 harms nobody here.
let maximumSkew = Duration.minutes(15)

/// Like `split`, empty pieces included, at a fraction of its cost.
private func pieces(_ text: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>] {
  var out: [ArraySlice<UInt8>] = []
  out.reserveCapacity(8)
  var start = text.startIndex
  text.withUnsafeBufferPointer { bytes in
    for i in bytes.indices where bytes[i] == separator {
      out.append(text[start..<(text.startIndex + i)])
      start = text.startIndex + i + 1
    }
  }
  out.append(text[start...])
  return out
}

func isS3Scope(_ service: String) -> Bool {
  switch service {
  case "s3", "s3-outposts", "s3-object-lambda", "s3express": true
  default: false
  }
}
