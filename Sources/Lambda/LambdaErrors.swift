import Base

/// Lambda's errors with the texts of the real service.
enum LambdaError {
  private static func make(_ code: String, _ message: String, status: Int, cause: (any Error)? = nil) -> AWSError {
    AWSError(code, message, status: status, members: [("Type", "User")], cause: cause)
  }

  static func invalidParameter(_ message: String, cause: (any Error)? = nil) -> AWSError {
    make("InvalidParameterValueException", message, status: 400, cause: cause)
  }
  static func notFound(_ message: String) -> AWSError { make("ResourceNotFoundException", message, status: 404) }
  static func conflict(_ message: String) -> AWSError { make("ResourceConflictException", message, status: 409) }
  /// A broken constraint of the model, in the words that the model's own validation uses; it carries no `Type`.
  static func constraint(_ value: String, at path: String, _ rule: String) -> AWSError {
    AWSError("ValidationException", Self.constraintText(value, at: path, rule), status: 400)
  }
  static func constraintText(_ value: String, at path: String, _ rule: String) -> String {
    "1 validation error detected: Value '\(value)' at '\(path)' failed to satisfy constraint: Member must \(rule)"
  }
  /// A field that AWS knows and we do not serve yet: refused rather than ignored.
  static func unsupported(_ field: String) -> AWSError {
    invalidParameter("\(field) is not supported by Dewpoint yet.")
  }

  // Names

  static func badFunctionName(_ value: String) -> AWSError {
    constraint(
      value, at: "functionName",
      #"satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"#
        + #"(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#)
  }
  static func functionNameTooLong(_ value: String) -> AWSError {
    invalidParameter(constraintText(value, at: "functionName", "have length less than or equal to \(LambdaLimits.nameLength)"))
  }
  static func badQualifier(_ value: String) -> AWSError {
    constraint(value, at: "qualifier", "satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)")
  }
  static func otherRegion(_ region: String, here: Region) -> AWSError {
    notFound("Functions from '\(region)' are not reachable in this region ('\(here)')")
  }
  static func qualifierMismatch() -> AWSError {
    invalidParameter("The derived qualifier from the function name does not match the specified qualifier.")
  }

  // Functions

  /// - Parameter arn: with the qualifier that was asked for, when one was.
  static func functionNotFound(_ arn: String) -> AWSError { notFound("Function not found: \(arn)") }
  static func functionExists(_ id: FunctionID) -> AWSError { conflict("Function already exist: \(id.name)") }
  static func pending(_ id: FunctionID) -> AWSError {
    conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
  }
  static func failedFunction(_ id: FunctionID) -> AWSError {
    conflict("The operation cannot be performed at this time. The function is currently in the following state: Failed")
  }
  static func updateInProgress(_ id: FunctionID) -> AWSError {
    conflict("The operation cannot be performed at this time. An update is in progress for resource: \(id.arn)")
  }
  static func wrongRevision(api: String = "GetFunction/GetAlias") -> AWSError {
    make(
      "PreconditionFailedException",
      "The Revision Id provided does not match the latest Revision Id. Call the \(api) API to retrieve the latest Revision Id",
      status: 412)
  }
  static func foreignRole() -> AWSError {
    make("AccessDeniedException", "Cross-account pass role is not allowed.", status: 403)
  }
  static func roleCannotBeAssumed() -> AWSError {
    invalidParameter("The role defined for the function cannot be assumed by Lambda.")
  }
  static func unknownRuntime(_ value: String) -> AWSError {
    let names = RuntimeNames.supported.joined(separator: ", ")
    return invalidParameter(
      "Value \(value) at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [\(names)] "
        + "or be a valid ARN")
  }
  static func retiredRuntime(_ value: String) -> AWSError {
    invalidParameter(
      "The runtime parameter of \(value) is no longer supported for creating or updating AWS Lambda functions. "
        + "We recommend you use a supported runtime while creating or updating functions.")
  }
  static func missingRuntime(_ value: String, reason: String) -> AWSError {
    invalidParameter("The runtime \(value) cannot run on this host: \(reason)")
  }
  static func environmentTooLarge(_ json: String) -> AWSError {
    invalidParameter(
      "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded "
        + "the 4KB limit. String measured: \(json)")
  }
  static func reservedEnvironmentKeys(_ keys: [String]) -> AWSError {
    invalidParameter(
      "Lambda was unable to configure your environment variables because the environment variables you have provided contains "
        + "reserved keys that are currently not supported for modification. Reserved keys used in this request: "
        + keys.joined(separator: ", "))
  }
  static func reservationTooLarge() -> AWSError {
    invalidParameter(
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
        + "value of [\(LambdaLimits.unreservedConcurrency)].")
  }

  // Packages

  static func badPackage(_ error: any Error) -> AWSError {
    switch error {
    case PackageError.tooLarge:
      invalidParameter("Unzipped size must be smaller than \(LambdaLimits.unzippedBytes) bytes", cause: error)
    case is PackageError:
      invalidParameter("Could not unzip uploaded file. Please check your file, then try to upload again.", cause: error)
    default: .internalFailure(error)
    }
  }
  static func zipTooLarge() -> AWSError {
    make("RequestEntityTooLargeException", "Zipped size must be smaller than \(LambdaLimits.zippedBytes) bytes", status: 413)
  }

  // Policies

  static func statementExists(_ sid: String) -> AWSError {
    conflict(
      "The statement id (\(sid)) provided already exists. Please provide a new statement id, or remove the existing statement.")
  }
  static func badPrincipal() -> AWSError {
    invalidParameter("The provided principal was invalid. Please check the principal and try again.")
  }
  static func policyOnLatest() -> AWSError { invalidParameter("We currently do not support adding policies for $LATEST.") }
  static func policyTooLong() -> AWSError {
    make(
      "PolicyLengthExceededException", "The final policy size is bigger than the limit (\(LambdaLimits.policyBytes)).",
      status: 400)
  }
  static func noSuchResource() -> AWSError { notFound("The resource you requested does not exist.") }
  static func noPolicy() -> AWSError { notFound("No policy is associated with the given resource.") }
  static func noStatement(_ sid: String) -> AWSError { notFound("Statement \(sid) is not found in resource policy.") }

  // Versions, aliases and asynchronous settings

  static func noAlias(_ arn: String) -> AWSError { notFound("Cannot find alias arn: \(arn)") }
  static func aliasExists(_ arn: String) -> AWSError { conflict("Alias already exists: \(arn)") }
  static func noEventInvokeConfig(_ arn: String) -> AWSError {
    notFound("The function \(arn) doesn't have an EventInvokeConfig")
  }

  // Event source mappings

  static func queueDoesNotExist(cause: (any Error)? = nil) -> AWSError {
    invalidParameter(
      "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        + "SQS Error Message: The specified queue does not exist.", cause: cause)
  }
  static func roleLacks(_ action: String, cause: (any Error)? = nil) -> AWSError {
    invalidParameter("The provided execution role does not have permissions to call \(action) on SQS", cause: cause)
  }
  static func mappingExists(source: ARN, function: String, uuid: String) -> AWSError {
    conflict(
      "An event source mapping with SQS arn (\" \(source) \") and function (\" \(function) \") already exists. "
        + "Please update or delete the existing mapping with UUID \(uuid)")
  }
  static func mappingInUse(_ state: EventSourceMapping.State) -> AWSError {
    make(
      "ResourceInUseException",
      "Cannot update the event source mapping because it is in use.", status: 400,
      cause: MappingBusy(state: state))
  }
  static func mappingNotFound(_ arn: String) -> AWSError { notFound("Event source mapping not found: \(arn)") }
  struct MappingBusy: Error { var state: EventSourceMapping.State }
}
