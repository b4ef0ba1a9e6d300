import Base
import Crypto

/// A URL presigned with Signature Version 2, which boto3 and the AWS CLI still make for S3 in the older Regions.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html)
///
/// Only S3 takes these: `SignatureClaim.parse` refuses them for everybody.
public struct SignatureV2URL: Sendable, Equatable {
  public var accessKeyID: String
  /// Base64, as sent.
  public var signature: String
  /// Seconds since 1970, as sent.
  public var expires: String
  public var expiresAt: Instant
  public var sessionToken: String?

  /// Nil when the URL has none of the parameters. Fails when it has some of them.
  public static func parse(target: String) throws(SignatureFailure) -> SignatureV2URL? {
    let query = QueryPairs(target)
    guard query["X-Amz-Algorithm"] == nil else { return nil }
    let (key, signature, expires) = (query["AWSAccessKeyId"], query["Signature"], query["Expires"])
    if key == nil, signature == nil { return nil }
    guard let key, let signature, let expires else {
      throw .deniedQuery("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
    }
    guard let seconds = Int64(expires), seconds >= 0 else {
      throw .deniedQuery("Invalid date (should be seconds since epoch): \(expires)")
    }
    return SignatureV2URL(
      accessKeyID: key, signature: signature, expires: expires, expiresAt: Instant(seconds: seconds),
      sessionToken: query["x-amz-security-token"])
  }

  /// - Parameters:
  ///   - target: as it was sent.
  ///   - hostBucket: the bucket, where the host names it and the path does not.
  ///   - wallNow: real time: clients sign with theirs.
  public func verify(
    method: String, target: String, hostBucket: String?, headers: HeaderFields, secret: String, wallNow: Instant
  ) throws(SignatureFailure) {
    guard wallNow < expiresAt else { throw .presignedExpired(expires: expiresAt, seconds: nil, serverTime: wallNow) }
    let query = QueryPairs(target), path = Target(target).path
    let bucket = hostBucket.map { "/\($0)" } ?? ""
    var shown = ""
    // Clients differ on `=,!*'()`: as sent, then decoded and encoded strictly.
    for path in [String(path), percentEncoded(percentDecoded(path.utf8), keepSlash: true)] {
      let text = stringToSign(method, bucket + path, query, headers)
      if isEqualInConstantTime(Self.code(text, secret).utf8, signature.utf8) { return }
      if shown.isEmpty { shown = text }
    }
    throw .mismatch(.init(accessKeyID: accessKeyID, stringToSign: shown, canonicalRequest: "", provided: signature))
  }

  static func code(_ text: String, _ secret: String) -> String {
    var code = HMAC<Insecure.SHA1>(key: SymmetricKey(data: Array(secret.utf8)))
    code.update(data: Array(text.utf8))
    return Array(code.finalize()).base64
  }

  /// What is not in the header may be in the query: presigning moves it there.
  private func stringToSign(_ method: String, _ path: String, _ query: QueryPairs, _ headers: HeaderFields) -> String {
    let type = headers["content-type"] ?? query["content-type"] ?? "", md5 = headers["content-md5"] ?? query["content-md5"] ?? ""
    return "\(method)\n\(md5)\n\(type)\n\(expires)\n\(Self.amazonLines(query, headers))\(Self.resource(path, query))"
  }

  private static func amazonLines(_ query: QueryPairs, _ headers: HeaderFields) -> String {
    var values: [String: [String]] = [:]
    for field in headers where field.name.hasPrefix("x-amz-") { values[field.name, default: []].append(field.value.trimmed) }
    let present = Set(values.keys)
    for pair in query.pairs {
      let name = pair.name.lowercased()
      if name.hasPrefix("x-amz-"), !present.contains(name) { values[name, default: []].append(pair.value.trimmed) }
    }
    return values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
  }

  private static func resource(_ path: String, _ query: QueryPairs) -> String {
    let signed = query.pairs.filter { subresources.contains($0.name) || $0.name.hasPrefix("response-") }.sorted { $0.name < $1.name }
    if signed.isEmpty { return path }
    return path + "?" + signed.map { $0.isBare ? $0.name : "\($0.name)=\($0.value)" }.joined(separator: "&")
  }

  private static let subresources: Set<String> = [
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
    "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "restore", "select", "select-type",
    "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
  ]
}

/// The parameters of a target, decoded.
private struct QueryPairs {
  var pairs: [(name: String, value: String, isBare: Bool)] = []

  init(_ target: String) {
    for pair in Target(target).query.utf8.split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "="))
      let name = percentDecoded(pair[..<(equals ?? pair.endIndex)]).utf8Text
      pairs.append((name, equals.map { percentDecoded(pair[pair.index(after: $0)...]).utf8Text } ?? "", equals == nil))
    }
  }

  subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }
}
