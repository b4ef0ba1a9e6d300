import Base

/// The errors of EventBridge Scheduler. Texts that AWS does not document are ours.
enum SchedulerError {
  static func validation(_ message: String) -> AWSError { AWSError("ValidationException", message, status: 400) }

  static func noGroup(_ name: String) -> AWSError { notFound("Schedule group \(name) does not exist.") }
  static func noSchedule(_ name: String) -> AWSError { notFound("Schedule \(name) does not exist.") }
  private static func notFound(_ message: String) -> AWSError { AWSError("ResourceNotFoundException", message, status: 404) }

  static func groupExists(_ name: String) -> AWSError { conflict("Schedule group \(name) already exists.") }
  static func scheduleExists(_ name: String) -> AWSError { conflict("Schedule \(name) already exists.") }
  static func groupIsDeleting(_ name: String) -> AWSError { conflict("Schedule group \(name) is being deleted.") }
  private static func conflict(_ message: String) -> AWSError { AWSError("ConflictException", message, status: 409) }

  static let tooManyGroups = AWSError(
    "ServiceQuotaExceededException", "The number of schedule groups exceeds the limit of \(SchedulerLimits.groups).", status: 402)
  static let tooManyTags = validation("The number of tags exceeds the limit of \(SchedulerLimits.tags).")
  static let badToken = validation("The provided NextToken is not valid.")
  static let badARN = validation("Provided Arn is not in correct format.")
  static let badRole = validation("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
  static let defaultGroup = validation("The default schedule group cannot be deleted.")
  static func unsupported(_ what: String) -> AWSError { validation("\(what) is not supported by Dewpoint.") }
}
