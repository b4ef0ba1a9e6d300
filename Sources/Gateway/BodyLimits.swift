import Base
import HTTPServer

/// How large a body may be, judged by the head, so that a larger one is refused before it is read.
enum BodyLimits {
  private static let standard = 8 << 20
  /// Stated in Lambda's own answer to a larger request.
  private static let createFunction = 70_167_211
  private static let updateFunctionCode = 70_167_211
  /// 6 MB: Lambda quotas, synchronous invocation payload.
  private static let invoke = 6 << 20

  static func limit(_ head: HTTPRequestHead) -> Int {
    let path = head.target.prefix { $0 != "?" }
    if path.hasPrefix("/2015-03-31/functions") {
      if path.hasSuffix("/invocations") { return invoke }
      if path.hasSuffix("/functions") || path.hasSuffix("/functions/") { return createFunction }
      if path.hasSuffix("/code") { return updateFunctionCode }
    }
    return standard
  }

  static func error(_ head: HTTPRequestHead, maximum: Int) -> AWSError {
    let path = head.target.prefix { $0 != "?" }
    if path.hasSuffix("/invocations") {
      return AWSError(
        "RequestTooLargeException", "Request must be smaller than \(maximum) bytes for the InvokeFunction operation", status: 413)
    }
    let operation = path.hasSuffix("/code") ? "UpdateFunctionCode" : "CreateFunction"
    return AWSError(
      "RequestEntityTooLargeException",
      maximum == standard ? "Request must be smaller than \(maximum) bytes" : "Request must be smaller than \(maximum) bytes for the \(operation) operation",
      status: 413)
  }
}
