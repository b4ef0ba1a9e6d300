import Base

/// The errors of EventBridge Pipes. Texts that AWS does not document are ours.
enum PipesError {
  static func validation(_ message: String) -> AWSError { AWSError("ValidationException", message, status: 400) }
  static func unsupported(_ what: String) -> AWSError { validation("\(what) is not supported by Dewpoint.") }
  static func noPipe(_ name: String) -> AWSError { AWSError("NotFoundException", "Pipe \(name) does not exist.", status: 404) }
  static func exists(_ name: String) -> AWSError { conflict("Pipe \(name) already exists.", name) }
  static func isChanging(_ name: String, _ state: PipeState) -> AWSError {
    conflict("Pipe \(name) cannot be changed in the state \(state.rawValue).", name)
  }
  private static func conflict(_ message: String, _ name: String) -> AWSError {
    AWSError(
      "ConflictException", message, status: 409, members: [("resourceId", .string(name)), ("resourceType", "Pipe")])
  }
  static let tooManyPipes = AWSError(
    "ServiceQuotaExceededException", "The number of pipes exceeds the limit of \(PipesLimits.pipes).", status: 402,
    members: [("resourceId", ""), ("resourceType", "Pipe"), ("serviceCode", "pipes"), ("quotaCode", "L-PIPES")])
  static let tooManyTags = validation("The number of tags exceeds the limit of \(PipesLimits.tags).")
  static let badToken = validation("The provided NextToken is not valid.")
  static let badRole = validation("The role of the pipe must allow pipes.amazonaws.com to assume it.")
}
