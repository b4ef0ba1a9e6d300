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
  /// AWS: SnapStartNotReadyException.
  static func snapshotNotReady() -> AWSError {
    AWSError(
      "SnapStartNotReadyException",
      "Lambda is initializing your function. You can invoke the function when the function state becomes Active.", status: 409,
      members: [("Type", "User")])
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
  // Code signing

  static func noSuchSigning(_ arn: String) -> AWSError {
    notFound("The code signing configuration cannot be found. Check that the provided configuration is not deleted: \(arn).")
  }
  /// Where a function is to have it.
  static func signingNotFound(_ arn: String) -> AWSError {
    make(
      "CodeSigningConfigNotFoundException",
      "The code signing configuration cannot be found. Check that the provided configuration is not deleted: \(arn).", status: 404)
  }
  static func signingInUse() -> AWSError {
    conflict("Cannot delete the code signing configuration while it is attached to a function.")
  }
  static func signedImage() -> AWSError {
    invalidParameter("Code signing is not supported for functions created with container images.")
  }
  /// AWS: "Using code signing", CodeVerificationFailedException.
  static func unsignedCode(_ function: FunctionID) -> AWSError {
    make(
      "CodeVerificationFailedException",
      "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured "
        + "to accept. Check the provided signature for \(function.name).", status: 400)
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
  static func reservationTooLarge(_ limits: AccountLimits) -> AWSError {
    invalidParameter(
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
        + "value of [\(limits.unreservedConcurrency)].")
  }

  static func reservationBelowProvisioned(_ reserved: Int, _ provisioned: Int) -> AWSError {
    // The blanks are AWS's own.
    invalidParameter(
      " ReservedConcurrentExecutions  \(reserved) should not be lower than function's total provisioned concurrency "
        + "[\(provisioned)].")
  }

  // Provisioned concurrency

  static func provisionedOnLatest() -> AWSError {
    invalidParameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
  }
  static func notPublished() -> AWSError {
    invalidParameter("The function resource provided must be an alias or a published version.")
  }
  static func notProvisioned() -> AWSError {
    make(
      "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", status: 404)
  }
  static func provisionedAboveReservation() -> AWSError {
    invalidParameter(
      "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
  }
  static func provisionedAboveAccount(_ unreserved: Int) -> AWSError {
    invalidParameter(
      "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [\(unreserved)].")
  }
  static func provisionedTooLarge(_ limits: AccountLimits) -> AWSError {
    invalidParameter(
      "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of "
        + "[\(limits.unreservedConcurrency)].")
  }
  static func versionProvisioned() -> AWSError {
    conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
  }
  static func versionProvisionedByAlias() -> AWSError { conflict("Version is pointed by a Provisioned Concurrency alias") }
  static func provisionedWithWeights() -> AWSError {
    invalidParameter("Alias with weights can not be used with Provisioned Concurrency")
  }
  static func badProvisionedAlias() -> AWSError { invalidParameter("Invalid alias configuration for Provisioned Concurrency") }
  static func provisionedWithSnapStart() -> AWSError {
    invalidParameter("Provisioned Concurrency is not supported for SnapStart enabled functions.")
  }

  // Packages

  static func codeStorageFull() -> AWSError { make("CodeStorageExceededException", "Code storage limit exceeded.", status: 400) }
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

  // Images

  static func badImage(_ uri: String, _ error: ImageError) -> AWSError {
    switch error {
    case .invalidReference: invalidParameter("Source image \(uri) is not valid. Provide a valid source image.", cause: error)
    case .notFound: invalidParameter("Source image \(uri) does not exist. Provide a valid source image.", cause: error)
    case .accessDenied:
      make(
        "AccessDeniedException", "Lambda does not have permission to access the ECR image. Check the ECR permissions.", status: 403,
        cause: error)
    case .unsupportedMediaType:
      invalidParameter(
        "The image manifest, config or layer media type for the source image \(uri) is not supported.", cause: error)
    case .defect(let reason):
      invalidParameter("Source image \(uri) is not valid. Provide a valid source image. (\(reason))", cause: error)
    }
  }
  static func noImageURI(_ doing: String) -> AWSError {
    invalidParameter("Please provide ImageUri when \(doing) a function with packageType Image.")
  }
  static func imageURIOfZip() -> AWSError {
    invalidParameter("Please don't provide ImageUri when updating a function with packageType Zip.")
  }
  static func severalSources() -> AWSError {
    invalidParameter("Please do not provide other FunctionCode parameters when providing a ZipFile.")
  }
  /// Code could not be fetched: S3's own words inside Lambda's.
  static func noCodeInS3(_ error: AWSError, bucket: String, key: String) -> AWSError {
    let cause = "S3 Error Code: \(error.code). S3 Error Message: \(error.message)"
    if error.status == 403 || error.code.hasPrefix("AccessDenied") {
      return AWSError(
        "AccessDeniedException",
        "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
          + "\(bucket)/\(key). S3 Error Code: AccessDenied. S3 Error Message: \(error.message)", status: 403)
    }
    return invalidParameter("Error occurred while GetObject. \(cause)")
  }
  static func handlerOfImage() -> AWSError {
    invalidParameter("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
  }
  static func imageConfigOfZip() -> AWSError {
    invalidParameter("Please don't provide ImageConfig when the intended function PackageType is Zip.")
  }
  static func imageSettingsTooLarge(_ size: Int) -> AWSError {
    invalidParameter(
      "The settings of the container image exceed the limit of \(LambdaLimits.imageSettingsBytes) bytes. The actual size is \(size) bytes.")
  }

  // Layers

  static func tooManyLayers() -> AWSError { invalidParameter("Cannot reference more than \(LambdaLimits.layers) layers.") }
  static func noLayerVersion(_ arn: String) -> AWSError { invalidParameter("Layer version \(arn) does not exist.") }
  static func badLayers(_ arns: [String]) -> AWSError {
    constraint(
      "[\(arns.joined(separator: ", "))]", at: "layers",
      "satisfy constraint: [Member must have length less than or equal to 140, Member must have length greater than or equal to 1, "
        + #"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+"#
        + #"-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), "#
        + "Member must not be null]")
  }
  static func sameLayerTwice(_ one: String, _ other: String) -> AWSError {
    invalidParameter(
      "Two different versions of the same layer are not allowed to be referenced in the same function. "
        + "\(one) and \(other) are versions of the same layer.")
  }
  static func otherLayerRegion(_ here: Region) -> AWSError {
    invalidParameter(
      "Layers are not in the same region as the function. Layers are expected to be in region \(here).")
  }
  static func layersTooLarge(_ size: Int) -> AWSError {
    invalidParameter(
      "Function code combined with layers exceeds the maximum allowed size of \(LambdaLimits.unzippedBytes) bytes. "
        + "The actual size is \(size) bytes.")
  }
  static func badLayerName(_ value: String) -> AWSError {
    constraint(
      value, at: "layerName",
      #"satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"#)
  }
  static func badLayerNumber() -> AWSError { invalidParameter("Layer Version Cannot be less than 1.") }
  static func badCompatibleRuntimes(_ values: [String]) -> AWSError {
    constraint(
      "[\(values.joined(separator: ", "))]", at: "compatibleRuntimes",
      "satisfy constraint: [Member must satisfy enum value set: [\(RuntimeNames.supported.joined(separator: ", "))]]")
  }
  static func badCompatibleRuntime(_ value: String) -> AWSError {
    constraint(
      value, at: "compatibleRuntime", "satisfy enum value set: [\(RuntimeNames.supported.joined(separator: ", "))]")
  }
  static func noSnapStart(_ runtime: String) -> AWSError {
    invalidParameter("\(runtime) is not supported for SnapStart enabled functions.")
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

  // Function URLs

  static func noFunctionForURL() -> AWSError { notFound("Function does not exist") }
  static func urlExists(_ arn: String) -> AWSError {
    conflict(
      "Failed to create function url config for [functionArn = \(arn)]. Error message:  FunctionUrlConfig exists for this Lambda "
        + "function")
  }

  // Versions, aliases and asynchronous settings

  static func noAlias(_ arn: String) -> AWSError { notFound("Cannot find alias arn: \(arn)") }
  static func aliasExists(_ arn: String) -> AWSError { conflict("Alias already exists: \(arn)") }
  static func tooManyRoutes() -> AWSError {
    invalidParameter("Number of items in AdditionalVersionWeights cannot be greater than 1")
  }
  static func versionAlreadyRouted(_ version: String) -> AWSError {
    invalidParameter(
      "Invalid function version \(version). Function version \(version) is already included in routing configuration.")
  }
  static func latestRouted() -> AWSError {
    invalidParameter("$LATEST is not supported for an alias pointing to more than 1 version")
  }
  static func unequalRouting() -> AWSError {
    invalidParameter("An alias can only point to two versions that have the same execution role and the same dead-letter queue.")
  }
  static func noEventInvokeConfig(_ arn: String) -> AWSError {
    notFound("The function \(arn) doesn't have an EventInvokeConfig")
  }

  static func badDestination(_ arn: String) -> AWSError { invalidParameter("The destination ARN \(arn) is invalid.") }
  static func ownDestination() -> AWSError {
    invalidParameter("You can't specify the function as a destination for itself.")
  }
  static func roleCannotReach(_ action: String, _ target: ARN, cause: any Error) -> AWSError {
    let verb = action.split(separator: ":").last ?? ""
    return invalidParameter(
      "The function's execution role does not have permissions to call \(verb) on \(target)", cause: cause)
  }

  // Event source mappings

  static func memberUnsupported(_ member: String) -> AWSError {
    invalidParameter("Unsupported \(member) parameter for given event source mapping type.")
  }
  static func noStartingPosition() -> AWSError {
    invalidParameter(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
  }
  static func startUnsupported(_ source: ARN) -> AWSError {
    invalidParameter("Unsupported starting position for arn type: \(source)")
  }
  static func streamNotFound(_ source: ARN, cause: (any Error)? = nil) -> AWSError {
    invalidParameter("Stream not found: \(source)", cause: cause)
  }
  static func roleCannotRead(_ source: ARN, _ actions: [String], cause: any Error) -> AWSError {
    invalidParameter(
      "Cannot access stream \(source). Please ensure the role can perform the \(actions.joined(separator: ", ")) Actions on "
        + "your stream in IAM.", cause: cause)
  }
  static func badFilter(cause: any Error) -> AWSError {
    invalidParameter("Invalid filter pattern definition.", cause: cause)
  }
  static func queueDoesNotExist(cause: (any Error)? = nil) -> AWSError {
    invalidParameter(
      "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        + "SQS Error Message: The specified queue does not exist.", cause: cause)
  }
  static func roleLacks(_ action: String, on service: String = "SQS", cause: (any Error)? = nil) -> AWSError {
    invalidParameter("The provided execution role does not have permissions to call \(action) on \(service)", cause: cause)
  }
  static func roleLacksNetworkInterfaces(cause: (any Error)? = nil) -> AWSError {
    invalidParameter("The provided execution role does not have permissions to call CreateNetworkInterface on EC2", cause: cause)
  }
  static func mappingExists(source: ARN, function: String, uuid: String) -> AWSError {
    guard source.service == "sqs" else {
      return conflict(
        "The event source arn (\" \(source) \") and function (\" \(function) \") provided mapping already exists. "
          + "Please update or delete the existing mapping with UUID \(uuid)")
    }
    return conflict(
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
