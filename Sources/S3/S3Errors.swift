import Base

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
}
