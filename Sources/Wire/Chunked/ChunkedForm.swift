import Base

/// The forms of an `aws-chunked` body, as `x-amz-content-sha256` names them.
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html)
public enum ChunkedForm: String, Sendable, Hashable {
  case signed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
  case signedWithTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
  case unsignedWithTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

  public var isSigned: Bool { self != .unsignedWithTrailer }
  public var hasTrailer: Bool { self != .signed }
}

/// What the head of a request says of its `aws-chunked` body.
public struct ChunkedHead: Sendable, Equatable {
  public var form: ChunkedForm
  /// The length of the decoded body.
  public var decodedLength: Int
  /// The names that the trailer will have, in lower case: none, or that of one checksum.
  public var trailerNames: [String]
  public var checksum: ChecksumAlgorithm?

  public init(form: ChunkedForm, decodedLength: Int, trailerNames: [String] = []) {
    (self.form, self.decodedLength, self.trailerNames) = (form, decodedLength, trailerNames)
    checksum = trailerNames.lazy.compactMap { ChecksumAlgorithm(fieldName: $0) }.first
  }

  /// Nil when the body is not `aws-chunked`: only the hash decides that, since some clients send no content encoding for it.
  public init?(headers: HeaderFields) throws(ChunkedFailure) {
    guard let text = headers["x-amz-content-sha256"], text.hasPrefix("STREAMING-") else { return nil }
    guard let form = ChunkedForm(rawValue: text) else { throw .unsupported("The payload form \(text) is not supported.") }
    guard let length = headers["x-amz-decoded-content-length"] else { throw .missingDecodedLength }
    guard let decodedLength = Int(length), decodedLength >= 0 else { throw .malformedDecodedLength(length) }
    let names = headers.all("x-amz-trailer").flatMap { $0.split(separator: ",") }.map { $0.trimmed.lowercased() }.filter { !$0.isEmpty }
    guard names.isEmpty || form.hasTrailer else { throw .malformedTrailer("\(text) has none") }
    // Nothing else: a trailer takes its place among the fields, where it must not say more than a checksum.
    for name in names where ChecksumAlgorithm(fieldName: name) == nil {
      guard name.hasPrefix(ChecksumAlgorithm.fieldPrefix),
        ChecksumAlgorithm.unsupported.contains(String(name.dropFirst(ChecksumAlgorithm.fieldPrefix.count)))
      else { throw .unknownTrailer(name) }
      throw .unsupported("The checksum \(name) is not supported.")
    }
    guard names.count <= 1 else { throw .severalChecksums }
    self.init(form: form, decodedLength: decodedLength, trailerNames: names)
  }

  /// The value of `Content-Encoding` without `aws-chunked`, which is no property of the object; nil when nothing is left.
  public static func contentEncoding(_ value: String) -> String? {
    let rest = value.split(separator: ",").map(\.trimmed).filter { $0.lowercased() != "aws-chunked" && !$0.isEmpty }
    return rest.isEmpty ? nil : rest.joined(separator: ",")
  }
}

/// What came after the last chunk, all of it verified.
public struct ChunkedTrailer: Sendable, Equatable {
  public var fields: HeaderFields
  public var checksum: DeclaredChecksum?
}
