import Base

/// Input that does not have the form of its protocol, in the words of AWS's own front ends.
extension AWSError {
  public static func serialization(_ message: String, cause: (any Error)? = nil) -> AWSError {
    AWSError("SerializationException", message, status: 400, cause: cause)
  }
  /// The same fault in awsQuery, where a value is always text.
  static func malformedInput(_ message: String) -> AWSError { AWSError("MalformedInput", message, status: 400) }

  /// S3's one answer to every body that is not what its schema says; why it is not goes to the log.
  static func malformedXML(_ why: String, cause: (any Error)? = nil) -> AWSError {
    AWSError(
      "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", status: 400,
      cause: cause ?? BodyDefect(description: why))
  }
  static let missingXMLBody = AWSError("MissingRequestBodyError", "Request Body is empty", status: 400)

  /// Whatever a decoder threw as what the client hears.
  static func decoding(_ error: any Error, _ proto: WireProtocol) -> AWSError {
    if let known = error as? AWSError {
      // A field or parameter, since S3's bodies have an error of their own.
      let isS3 = proto == .restXml && known.code == "SerializationException"
      return isS3 ? AWSError("InvalidArgument", known.message, status: 400, cause: known.cause) : known
    }
    if let cbor = error as? CBORFailure { return .serialization("The request body is not valid CBOR: \(cbor).", cause: error) }
    if let json = error as? JSONError { return .serialization("The request body is not valid JSON: \(json).", cause: error) }
    return .internalFailure(error)
  }
}

/// What a body lacks, for the log.
private struct BodyDefect: Error, CustomStringConvertible { let description: String }

extension ShapeType {
  /// As AWS's conversion errors name it, with its article.
  var converted: String {
    switch self {
    case .boolean: "a Boolean"
    case .integer: "an Integer"
    case .double: "a Double"
    case .string: "a String"
    case .blob: "a Blob"
    case .timestamp: "a Timestamp"
    case .document: "a Document"
    case .rawJSON: "a Structure"
    case .structure: "a Structure"
    case .list: "a List"
    case .map: "a Map"
    }
  }
}
