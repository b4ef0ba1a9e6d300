import Base

/// The errors of CloudWatch metrics in AWS's words. All are HTTP 400.
enum MetricsError {
  static func value(_ message: String) -> AWSError { AWSError("InvalidParameterValueException", message, status: 400) }
  static func combination(_ message: String) -> AWSError { AWSError("InvalidParameterCombinationException", message, status: 400) }
  static func missing(_ message: String) -> AWSError { AWSError("MissingRequiredParameterException", message, status: 400) }
  static func validation(_ message: String) -> AWSError { AWSError("ValidationError", message, status: 400) }
  static func expression(_ id: String, _ reason: String) -> AWSError { validation("Error in expression '\(id)': \(reason)") }
  static var badToken: AWSError { AWSError("InvalidNextToken", "The next token is invalid.", status: 400) }
  static func unsupported(_ what: String) -> AWSError { value("\(what) is not supported by Dewpoint yet.") }
}
