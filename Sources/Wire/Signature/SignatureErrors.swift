import Base

/// The answer to a request whose signature is not accepted: codes and statuses differ between the JSON and REST protocols,
/// the Query services, and S3.
///
/// - Parameter service: the service name of the scope, `s3` for S3.
public func awsError(for failure: SignatureFailure, protocol: WireProtocol, service: String) -> AWSError {
  if isS3Scope(service) { return s3Error(failure) }
  switch `protocol` {
  case .awsQuery, .restXml: return queryError(failure)
  // awsJson answers these with 400, the protocols that mind HTTP with 403.
  case .awsJson10, .awsJson11, .awsCbor11: return jsonError(failure, status: 400)
  case .restJson, .rpcv2Cbor: return jsonError(failure, status: 403)
  }
}

private let mismatchText =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
  + "method. Consult the service documentation for details."
private let unknownKeyText = "The security token included in the request is invalid."
private let expiredTokenText = "The security token included in the request is expired"

private func jsonError(_ failure: SignatureFailure, status: Int) -> AWSError {
  switch failure {
  case .missingAuthentication: AWSError("MissingAuthenticationTokenException", "Missing Authentication Token", status: status)
  case .malformed, .malformedQuery, .deniedQuery, .notSigned, .malformedPayloadHash, .missingPayloadHash:
    AWSError("IncompleteSignatureException", message(failure), status: status)
  case .unsupported(let text): AWSError("NotImplementedException", text, status: 501)
  case .unknownKey, .invalidToken: AWSError("UnrecognizedClientException", unknownKeyText, status: status)
  case .expiredToken: AWSError("ExpiredTokenException", expiredTokenText, status: status)
  case .mismatch, .expired, .notYetCurrent, .presignedExpired, .wrongScope, .wrongRegion, .payloadMismatch:
    AWSError("InvalidSignatureException", message(failure), status: status)
  }
}

private func queryError(_ failure: SignatureFailure) -> AWSError {
  switch failure {
  case .missingAuthentication: AWSError("MissingAuthenticationToken", "Request is missing Authentication Token", status: 403)
  case .malformed, .malformedQuery, .deniedQuery, .notSigned, .malformedPayloadHash, .missingPayloadHash:
    AWSError("IncompleteSignature", message(failure), status: 400)
  case .unsupported(let text): AWSError("NotImplemented", text, status: 501)
  case .unknownKey, .invalidToken: AWSError("InvalidClientTokenId", unknownKeyText, status: 403)
  case .expiredToken: AWSError("ExpiredToken", expiredTokenText, status: 403)
  case .mismatch, .expired, .notYetCurrent, .presignedExpired, .wrongScope, .wrongRegion, .payloadMismatch:
    AWSError("SignatureDoesNotMatch", message(failure), status: 403)
  }
}

/// The text, where JSON and Query agree.
private func message(_ failure: SignatureFailure) -> String {
  switch failure {
  case .malformed(let text), .malformedQuery(let text), .deniedQuery(let text), .wrongScope(let text), .unsupported(let text): text
  case .expired(let text, _, _), .notYetCurrent(let text, _, _): text
  case .presignedExpired(let expires, _, let now):
    "Signature expired: \(expires.basicISO8601) is now earlier than \(now.basicISO8601)"
  case .wrongRegion(let region, _): "Credential should be scoped to a valid region, not '\(region)'."
  case .notSigned(let names):
    names.map { name in
      name == "host"
        ? "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        : "'\(name)' must be a 'SignedHeader' in the AWS Authorization."
    }.joined(separator: " ")
  case .malformedPayloadHash: "The 'x-amz-content-sha256' header must be UNSIGNED-PAYLOAD or a valid sha256 value."
  case .missingPayloadHash: "The hash of the payload is missing: 'x-amz-content-sha256'."
  case .unknownKey, .invalidToken: unknownKeyText
  case .expiredToken: expiredTokenText
  case .missingAuthentication: "Missing Authentication Token"
  case .mismatch, .payloadMismatch: mismatchText
  }
}

private func s3Error(_ failure: SignatureFailure) -> AWSError {
  switch failure {
  case .missingAuthentication: AWSError("AccessDenied", "Access Denied", status: 403)
  case .malformed(let text), .wrongScope(let text):
    AWSError("AuthorizationHeaderMalformed", "The authorization header is malformed; \(text)", status: 400)
  case .malformedQuery(let text): AWSError("AuthorizationQueryParametersError", text, status: 400)
  case .deniedQuery(let text): AWSError("AccessDenied", text, status: 403)
  case .unsupported(let text): AWSError("NotImplemented", text, status: 501)
  case .unknownKey:
    AWSError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", status: 403)
  case .invalidToken: AWSError("InvalidToken", "The provided token is malformed or otherwise invalid.", status: 400)
  case .expiredToken: AWSError("ExpiredToken", "The provided token has expired.", status: 400)
  case .mismatch(let mismatch): s3Mismatch(mismatch)
  case .expired(_, let requestTime, let now), .notYetCurrent(_, let requestTime, let now):
    AWSError(
      "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", status: 403,
      members: [
        ("RequestTime", .string(requestTime.basicISO8601)), ("ServerTime", .string(now.iso8601)),
        ("MaxAllowedSkewMilliseconds", .string("\(maximumSkew.inMilliseconds)")),
      ])
  case .presignedExpired(let expires, let seconds, let now):
    AWSError(
      "AccessDenied", "Request has expired", status: 403,
      members: (seconds.map { [("X-Amz-Expires", .string("\($0)"))] } ?? [])
        + [("Expires", .string(expires.iso8601)), ("ServerTime", .string(now.iso8601))])
  case .wrongRegion(let region, let expected):
    AWSError(
      "AuthorizationHeaderMalformed",
      "The authorization header is malformed; the region '\(region)' is wrong; expecting '\(expected)'", status: 400,
      members: [("Region", .string(expected))])
  case .notSigned(let names):
    AWSError(
      "AccessDenied", "There were headers present in the request which were not signed", status: 403,
      members: [("HeadersNotSigned", .string(names.joined(separator: ", ")))])
  case .missingPayloadHash:
    AWSError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", status: 400)
  case .malformedPayloadHash:
    AWSError(
      "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- form or a valid sha256 value.", status: 400,
      members: [("ArgumentName", "x-amz-content-sha256")])
  case .payloadMismatch(let declared, let computed):
    AWSError(
      "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", status: 400,
      members: [("ClientComputedContentSHA256", .string(declared)), ("S3ComputedContentSHA256", .string(computed))])
  }
}

/// A chunk and version 2 have no canonical request.
private func s3Mismatch(_ mismatch: SignatureFailure.Mismatch) -> AWSError {
  func spaced(_ text: String) -> JSON { .string(text.utf8.map { [$0].hex }.joined(separator: " ")) }
  return AWSError(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.", status: 403,
    members: [
      ("AWSAccessKeyId", .string(mismatch.accessKeyID)), ("StringToSign", .string(mismatch.stringToSign)),
      ("SignatureProvided", .string(mismatch.provided)), ("StringToSignBytes", spaced(mismatch.stringToSign)),
    ] + (mismatch.canonicalRequest.isEmpty ? [] : [
      ("CanonicalRequest", .string(mismatch.canonicalRequest)), ("CanonicalRequestBytes", spaced(mismatch.canonicalRequest)),
    ]))
}
