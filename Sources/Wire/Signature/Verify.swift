import Base
import Crypto

/// What is known of a request's body when its signature is checked.
public enum SignedBody: Sendable {
  case bytes([UInt8])
  /// Lower-case hexadecimal SHA-256 of the body.
  case sha256(String)
  /// The body is still to be read; whoever reads it compares its hash with the claim's, or checks its chunks.
  case unread
}

/// A signature that matched, and what the chunks of an `aws-chunked` body are checked with.
public struct Verification: Sendable {
  /// The first "previous signature" of signed chunks.
  public var seedSignature: String { claim.signature }
  let claim: SignatureClaim
  let key: SigningKey
}

/// Checks a claim against the secret of its key. `wallNow` is real time: clients sign with theirs.
@discardableResult
public func verify(
  _ claim: SignatureClaim, method: String, target: String, headers: HeaderFields, body: SignedBody, secret: String,
  keyCache: SigningKeyCache, wallNow: Instant
) throws(SignatureFailure) -> Verification {
  try checkSignedHeaders(claim, headers)
  try checkTime(claim, wallNow)
  let payload = try payloadText(claim, body)
  let key = keyCache.key(secret: secret, date: claim.date, region: claim.region, service: claim.service)

  let isPresigned = claim.form != .header
  let reading = CanonicalRequest.first(target, isS3: claim.isS3, isPresigned: isPresigned)
  let canonical = CanonicalRequest.write(method, reading, headers, signed: claim.signedHeaders, payload: payload)
  if matches(claim, canonical, key) { return Verification(claim: claim, key: key) }

  for other in CanonicalRequest.readings(target, isS3: claim.isS3, isPresigned: isPresigned) where other != reading {
    let canonical = CanonicalRequest.write(method, other, headers, signed: claim.signedHeaders, payload: payload)
    if matches(claim, canonical, key) { return Verification(claim: claim, key: key) }
  }
  throw .mismatch(
    .init(
      accessKeyID: claim.accessKeyID, stringToSign: stringToSign(claim.time, claim.scope, canonical).utf8Text,
      canonicalRequest: canonical.utf8Text, provided: claim.signature))
}

extension SignatureClaim {
  /// Whether the scope is that of the service and Region that serve the request. A nil Region: the service has none.
  public func check(service: String, region: Region?) throws(SignatureFailure) {
    guard self.service == service else {
      throw .wrongScope("Credential should be scoped to correct service: '\(service)'.")
    }
    if let region, self.region != region.text { throw .wrongRegion(self.region, expected: region.text) }
  }
}

func stringToSign(_ time: String, _ scope: String, _ canonical: [UInt8]) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(192)
  out += "AWS4-HMAC-SHA256\n".utf8
  out += time.utf8
  out.append(UInt8(ascii: "\n"))
  out += scope.utf8
  out.append(UInt8(ascii: "\n"))
  appendHex(SHA256.hash(bytes: canonical), to: &out)
  return out
}

private func appendHex(_ digest: SHA256.Digest, to out: inout [UInt8]) {
  for byte in digest {
    let high = byte >> 4, low = byte & 15
    out.append(high < 10 ? 48 + high : 87 + high)
    out.append(low < 10 ? 48 + low : 87 + low)
  }
}

private func matches(_ claim: SignatureClaim, _ canonical: [UInt8], _ key: SigningKey) -> Bool {
  var expected: [UInt8] = []
  expected.reserveCapacity(64)
  appendHex(key.hash.code(stringToSign(claim.time, claim.scope, canonical)), to: &expected)
  return isEqualInConstantTime(expected, claim.signature.utf8)
}

/// What a signature carries of itself.
private let signatureFields: Set<String> = ["x-amz-date", "x-amz-security-token", "x-amz-target", "x-amz-content-sha256"]

/// Fields that decide what a request does must not be changed on the way.
private func checkSignedHeaders(_ claim: SignatureClaim, _ headers: HeaderFields) throws(SignatureFailure) {
  var missing: [String] = []
  if headers["host"] == nil || !claim.signedHeaders.contains("host") { missing.append("host") }
  for name in ["x-amz-date", "x-amz-security-token", "x-amz-target", "x-amz-content-sha256"]
  where headers[name] != nil && !claim.signedHeaders.contains(name) {
    // What a presigned URL does not take from the field, nobody needs to sign.
    if claim.form != .header, name != "x-amz-target" { continue }
    missing.append(name)
  }
  if claim.isS3 {
    // To S3 each of these may say something of its own: what to copy, who may read, what to pass by.
    for field in headers
    where field.name.hasPrefix("x-amz-") && !signatureFields.contains(field.name) && !claim.signedHeaders.contains(field.name) {
      missing.append(field.name)
    }
  }
  if claim.form == .header, headers["x-amz-date"] == nil, !claim.signedHeaders.contains("date") { missing.append("date") }
  if !missing.isEmpty { throw .notSigned(missing) }
}

private let skewMinutes = maximumSkew.inMilliseconds / 60_000

private func checkTime(_ claim: SignatureClaim, _ now: Instant) throws(SignatureFailure) {
  guard claim.time.hasPrefix(claim.date) else {
    throw .wrongScope(
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        + "'\(claim.date)' != '\(claim.time.prefix(8))', from '\(claim.time)'.")
  }
  if claim.signedAt > now + maximumSkew {
    throw .notYetCurrent(
      "Signature not yet current: \(claim.time) is still later than \((now + maximumSkew).basicISO8601) (\(now.basicISO8601) + \(skewMinutes) min.)",
      requestTime: claim.signedAt, serverTime: now)
  }
  switch claim.form {
  case .header:
    if claim.signedAt < now - maximumSkew {
      throw .expired(
        "Signature expired: \(claim.time) is now earlier than \((now - maximumSkew).basicISO8601) (\(now.basicISO8601) - \(skewMinutes) min.)",
        requestTime: claim.signedAt, serverTime: now)
    }
  case .presigned(let validity):
    if claim.signedAt + validity < now {
      throw .presignedExpired(
        expires: claim.signedAt + validity, seconds: Int(validity.inMilliseconds / 1000), serverTime: now)
    }
  }
}

/// The last line of the canonical request.
private func payloadText(_ claim: SignatureClaim, _ body: SignedBody) throws(SignatureFailure) -> String {
  switch claim.payload {
  case .unsigned: return "UNSIGNED-PAYLOAD"
  case .chunked(let form):
    if form.contains("ECDSA") { throw .unsupported("Signature Version 4A (\(form)) is not supported.") }
    return form
  case .sha256(let declared):
    guard let computed = hash(body) else { return declared }
    guard computed == declared || computed == declared.lowercased() else {
      throw .payloadMismatch(declared: declared, computed: computed)
    }
    return declared
  case .body:
    if claim.isS3 { throw .missingPayloadHash }
    guard let computed = hash(body) else { throw .missingPayloadHash }
    return computed
  }
}
private func hash(_ body: SignedBody) -> String? {
  switch body {
  case .bytes(let bytes): bytes.isEmpty ? emptyHash : SHA256.hash(bytes: bytes).hexText
  case .sha256(let text): text
  case .unread: nil
  }
}
let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

extension SHA256.Digest {
  var hexText: String {
    var out: [UInt8] = []
    out.reserveCapacity(64)
    appendHex(self, to: &out)
    return out.utf8Text
  }
}
