import Base

/// The errors of CloudWatch Logs in AWS's words. All are HTTP 400.
extension AWSError {
  private static func logs(_ code: String, _ message: String) -> AWSError { AWSError(code, message, status: 400) }

  static func invalidParameter(_ message: String) -> AWSError { logs("InvalidParameterException", message) }

  static var groupNotFound: AWSError { logs("ResourceNotFoundException", "The specified log group does not exist.") }
  static var streamNotFound: AWSError { logs("ResourceNotFoundException", "The specified log stream does not exist.") }
  static var resourceNotFound: AWSError { logs("ResourceNotFoundException", "The specified resource does not exist.") }
  static var groupExists: AWSError { logs("ResourceAlreadyExistsException", "The specified log group already exists") }
  static var streamExists: AWSError { logs("ResourceAlreadyExistsException", "The specified log stream already exists") }
  static var badToken: AWSError { invalidParameter("The specified nextToken is invalid.") }
  static func notSupported(_ member: String) -> AWSError { invalidParameter("\(member) is not supported by Dewpoint.") }

  static func tooManyTags(_ resource: String) -> AWSError {
    AWSError(
      "TooManyTagsException", "The number of tags exceeds the limit of \(LogsLimits.tags).", status: 400,
      members: [("resourceName", .string(resource))])
  }
}
