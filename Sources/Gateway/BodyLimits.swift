import Base
import HTTPServer

/// How large a body may be, judged by the head, so that a larger one is refused before it is read.
struct BodyLimits {
  var maximum: Int
  /// The operation that AWS names in its answer to a larger body.
  var operation: String?

  /// The largest body of another operation is SQS's batch of 1 MiB, which Query's percent-encoding can triple.
  static let standard = 8 << 20
  /// What a batch of DynamoDB may write (Developer Guide, "BatchWriteItem").
  private static let table = 16 << 20
  /// The largest object that comes in one piece, and the largest part (S3 User Guide, "Uploading objects"); and framing around it.
  static let object = 5 << 30
  static let framedObject = object + (64 << 20)
  /// Over this a body that an operation takes as it comes is streamed.
  static let collectedObject = 64 << 10
  /// Stated in Lambda's own answer to a larger request.
  private static let package = 70_167_211
  /// 6 MB and 100 bytes: Lambda quotas, synchronous invocation payload, and what Lambda's own answer states.
  private static let invoke = 6_291_556

  init(_ head: HTTPRequestHead) {
    let parts = head.target.utf8.prefix { $0 != UInt8(ascii: "?") }.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    (maximum, operation) = (Self.standard, nil)
    switch (parts.first, parts.count > 1 ? parts[1] : nil) {
    case ("2015-03-31", "functions"):
      if parts.count == 2 { (maximum, operation) = (Self.package, "CreateFunction") }
      if parts.count == 4, parts[3] == "code" { (maximum, operation) = (Self.package, "UpdateFunctionCode") }
      if parts.count == 4, parts[3] == "invocations" { (maximum, operation) = (Self.invoke, "InvokeFunction") }
    case ("2021-11-15", "functions"):
      if parts.count == 4, parts[3] == "response-streaming-invocations" { (maximum, operation) = (Self.invoke, "InvokeFunction") }
    case ("2018-10-31", "layers"):
      if parts.count == 4, parts[3] == "versions" { (maximum, operation) = (Self.package, "PublishLayerVersion") }
    default: break
    }
    if parts.isEmpty, head.headers["x-amz-target"]?.hasPrefix("DynamoDB_") == true { maximum = Self.table }
  }

  var error: AWSError { Self.error(maximum: maximum, operation: operation) }

  /// S3's answer to a body that is too large.
  static func objectTooLarge(proposed: Int?) -> AWSError {
    AWSError(
      "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", status: 400,
      members: (proposed.map { [("ProposedSize", .string("\($0)"))] } ?? []) + [("MaxSizeAllowed", .string("\(object)"))])
  }

  static func error(maximum: Int, operation: String?) -> AWSError {
    let text = "Request must be smaller than \(maximum) bytes" + (operation.map { " for the \($0) operation" } ?? "")
    return AWSError(
      operation == "InvokeFunction" ? "RequestTooLargeException" : "RequestEntityTooLargeException", text, status: 413)
  }
}
