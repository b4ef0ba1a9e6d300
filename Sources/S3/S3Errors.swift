import Base
import Fabric

/// The errors of S3 in AWS's words. Further members are elements of the error's XML body.
enum S3Error {
  static func noSuchBucket(_ name: String) -> AWSError {
    AWSError("NoSuchBucket", "The specified bucket does not exist", status: 404, members: [("BucketName", .string(name))])
  }
  static func invalidBucketName(_ name: String) -> AWSError {
    AWSError("InvalidBucketName", "The specified bucket is not valid.", status: 400, members: [("BucketName", .string(name))])
  }
  static func bucketAlreadyExists(_ name: String) -> AWSError {
    AWSError(
      "BucketAlreadyExists",
      "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a "
        + "different name and try again.", status: 409, members: [("BucketName", .string(name))])
  }
  static func bucketAlreadyOwnedByYou(_ name: String) -> AWSError {
    AWSError(
      "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", status: 409,
      members: [("BucketName", .string(name))])
  }
  static func bucketNotEmpty(_ name: String, isVersioned: Bool) -> AWSError {
    AWSError(
      "BucketNotEmpty",
      isVersioned
        ? "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        : "The bucket you tried to delete is not empty", status: 409, members: [("BucketName", .string(name))])
  }
  static let tooManyBuckets = AWSError(
    "TooManyBuckets", "You have attempted to create more buckets than allowed", status: 400)

  static func invalidLocation(_ constraint: String) -> AWSError {
    AWSError(
      "InvalidLocationConstraint", "The specified location-constraint is not valid", status: 400,
      members: [("LocationConstraint", .string(constraint))])
  }
  /// - Parameter constraint: nil: the request has none.
  static func illegalLocation(_ constraint: String?) -> AWSError {
    AWSError(
      "IllegalLocationConstraintException",
      "The \(constraint ?? "unspecified") location constraint is incompatible for the region specific endpoint this request was sent to.",
      status: 400)
  }

  static func invalidArgument(_ text: String, _ name: String? = nil, _ value: String? = nil) -> AWSError {
    var members: [(name: String, value: JSON)] = []
    if let name { members.append(("ArgumentName", .string(name))) }
    if let value { members.append(("ArgumentValue", .string(value))) }
    return AWSError("InvalidArgument", text, status: 400, members: members)
  }
  static func invalidRequest(_ text: String) -> AWSError { AWSError("InvalidRequest", text, status: 400) }
  static let malformedXML = AWSError(
    "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", status: 400)
  static let accessDenied = AWSError("AccessDenied", "Access Denied", status: 403)
  /// What AWS has and this server does not: refused with the header or element that asks for it.
  static func notImplemented(_ what: String) -> AWSError {
    AWSError("NotImplemented", "Dewpoint does not implement \(what).", status: 501, fault: .server)
  }

  // Settings that are not there

  private static func missing(_ code: String, _ text: String, _ bucket: String) -> AWSError {
    AWSError(code, text, status: 404, members: [("BucketName", .string(bucket))])
  }
  static func noPolicy(_ bucket: String) -> AWSError { missing("NoSuchBucketPolicy", "The bucket policy does not exist", bucket) }
  static func noTags(_ bucket: String) -> AWSError { missing("NoSuchTagSet", "The TagSet does not exist", bucket) }
  static func noCORS(_ bucket: String) -> AWSError {
    missing("NoSuchCORSConfiguration", "The CORS configuration does not exist", bucket)
  }
  static func noWebsite(_ bucket: String) -> AWSError {
    missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", bucket)
  }
  static func noLifecycle(_ bucket: String) -> AWSError {
    missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket)
  }
  static func noReplication(_ bucket: String) -> AWSError {
    missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found", bucket)
  }
  static func noObjectLock(_ bucket: String) -> AWSError {
    missing("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", bucket)
  }
  static func noPublicAccessBlock(_ bucket: String) -> AWSError {
    missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", bucket)
  }
  static func noOwnershipControls(_ bucket: String) -> AWSError {
    missing("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", bucket)
  }
  /// Of the configurations of which a bucket may have many.
  static func noConfiguration(_ bucket: String) -> AWSError {
    missing("NoSuchConfiguration", "The specified configuration does not exist.", bucket)
  }

  // Settings that are refused

  static let methodNotAllowed = AWSError(
    "MethodNotAllowed", "The specified method is not allowed against this resource.", status: 405)
  static let noVersioning = AWSError(
    "IllegalVersioningConfigurationException", "The Versioning element must be specified", status: 400)
  static let versioningIsLocked = AWSError(
    "InvalidBucketState",
    "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.", status: 409)
  static let lockNeedsVersioning = AWSError(
    "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration", status: 409)
  static func malformedPolicy(_ text: String) -> AWSError { AWSError("MalformedPolicy", text, status: 400) }
  static func publicPolicyBlocked(_ caller: Principal, _ bucket: Bucket) -> AWSError {
    AWSError(
      "AccessDenied",
      "User: \(caller.arn) is not authorized to perform: s3:PutBucketPolicy on resource: \"\(bucket.arn)\" because public policies are "
        + "blocked by the BlockPublicPolicy block public access setting.", status: 403)
  }
  static func publicACLBlocked(_ caller: Principal, action: String, resource: String) -> AWSError {
    AWSError(
      "AccessDenied",
      "User: \(caller.arn) is not authorized to perform: \(action) on resource: \"\(resource)\" because public ACLs are blocked by the "
        + "BlockPublicAcls block public access setting.", status: 403)
  }
  static let publicACLAtCreation = AWSError(
    "InvalidBucketAclWithBlockPublicAccessError",
    "Bucket cannot have public ACLs set with BlockPublicAccess enabled", status: 400)
  static let aclsAreOff = AWSError("AccessControlListNotSupported", "The bucket does not allow ACLs", status: 400)
  static let aclWithOwnership = AWSError(
    "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", status: 400)
  static let missingACL = AWSError(
    "MissingSecurityHeader", "Your request was missing a required header", status: 400,
    members: [("MissingHeaderName", "x-amz-acl")])
  static let malformedACL = AWSError(
    "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema", status: 400)
  static let tooManyGrants = AWSError(
    "MalformedACLError", "The number of grants in an ACL must not be more than \(S3Limits.grants).", status: 400)
  static let unresolvableGrant = AWSError(
    "UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.", status: 400)
  static let overlappingEvents = invalidArgument(
    "Configurations overlap. Configurations on the same bucket cannot share a common event type.")
  static let overlappingFilters = invalidArgument(
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
  static func invalidDestination(_ target: String, _ reason: String) -> AWSError {
    invalidArgument("Unable to validate the following destination configurations", target, reason)
  }
  static func formTooLarge(_ size: Int, _ allowed: ClosedRange<Int>) -> AWSError {
    AWSError(
      "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", status: 400,
      members: [("ProposedSize", .int(Int64(size))), ("MaxSizeAllowed", .int(Int64(allowed.upperBound)))])
  }
  static func formTooSmall(_ size: Int, _ allowed: ClosedRange<Int>) -> AWSError {
    AWSError(
      "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", status: 400,
      members: [("ProposedSize", .int(Int64(size))), ("MinSizeAllowed", .int(Int64(allowed.lowerBound)))])
  }
  static let corsIsOff = AWSError("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", status: 403)
  static let corsRefusal = AWSError(
    "AccessForbidden",
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
      + "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.", status: 403)
  static let unexpectedContent = AWSError("UnexpectedContent", "This request does not support content", status: 400)
}
