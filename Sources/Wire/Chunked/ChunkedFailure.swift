import Base

/// Why an `aws-chunked` body is refused.
public enum ChunkedFailure: Error, Sendable, Equatable {
  case unsupported(String)
  case missingDecodedLength
  case malformedDecodedLength(String)
  /// The framing is broken or the body ends early; the text is for people.
  case malformed(String)
  /// The sum of the chunks is not `x-amz-decoded-content-length`.
  case length(declared: Int, received: Int)
  case chunkSignature(SignatureFailure.Mismatch)
  case trailerSignature(SignatureFailure.Mismatch)
  case malformedTrailer(String)
  /// A checksum that AWS does not know is announced.
  case unknownTrailer(String)
  case severalChecksums
  /// The value of a checksum is not one.
  case malformedChecksum(String)
  case checksumMismatch(ChecksumAlgorithm)
}

/// The answer to a body that is refused. S3's codes, which the other protocol families put into their own form; a wrong
/// signature has the code of the family.
public func awsError(for failure: ChunkedFailure, protocol: WireProtocol, service: String) -> AWSError {
  switch failure {
  case .unsupported(let text): return awsError(for: SignatureFailure.unsupported(text), protocol: `protocol`, service: service)
  case .chunkSignature(let mismatch), .trailerSignature(let mismatch):
    return awsError(for: SignatureFailure.mismatch(mismatch), protocol: `protocol`, service: service)
  case .missingDecodedLength:
    return AWSError("MissingContentLength", "You must provide the Content-Length HTTP header.", status: 411)
  case .malformedDecodedLength(let text):
    return AWSError(
      "InvalidArgument", "The value of x-amz-decoded-content-length is not a length.", status: 400,
      members: [("ArgumentName", "x-amz-decoded-content-length"), ("ArgumentValue", .string(text))])
  case .malformed(let why):
    return AWSError("IncompleteBody", "The request body terminated unexpectedly: \(why).", status: 400)
  case .length(let declared, let received):
    return AWSError(
      "IncompleteBody", "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header.",
      status: 400, members: [("NumberBytesExpected", .string("\(declared)")), ("NumberBytesProvided", .string("\(received)"))])
  case .malformedTrailer(let why):
    return AWSError(
      "MalformedTrailerError",
      "The request contained trailing data that was not well-formed or did not conform to our published schema: \(why).", status: 400)
  case .unknownTrailer:
    return AWSError("InvalidRequest", "The value specified in the x-amz-trailer header is not supported", status: 400)
  case .severalChecksums:
    return AWSError(
      "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.", status: 400)
  case .malformedChecksum(let name):
    return AWSError("InvalidRequest", "Value for \(name) trailing header is invalid.", status: 400)
  case .checksumMismatch(let algorithm):
    return AWSError(
      "BadDigest", "The \(algorithm.rawValue.uppercased()) you specified did not match the calculated checksum.", status: 400)
  }
}
