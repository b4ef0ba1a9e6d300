import Base

/// The errors of objects and uploads in AWS's words.
extension S3Error {
  static func noSuchKey(_ key: String) -> AWSError {
    AWSError("NoSuchKey", "The specified key does not exist.", status: 404, members: [("Key", .string(key))])
  }
  static func noSuchVersion(_ key: String, _ version: String) -> AWSError {
    AWSError(
      "NoSuchVersion", "The specified version does not exist.", status: 404,
      members: [("Key", .string(key)), ("VersionId", .string(version))])
  }
  static func noSuchUpload(_ id: String) -> AWSError {
    AWSError(
      "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      status: 404, members: [("UploadId", .string(id))])
  }
  static func keyTooLong(_ count: Int) -> AWSError {
    AWSError(
      "KeyTooLongError", "Your key is too long", status: 400,
      members: [("Size", .string("\(count)")), ("MaxSizeAllowed", .string("\(S3Limits.keyBytes)"))])
  }
  static func methodNotAllowed(_ method: String, _ resource: String) -> AWSError {
    AWSError(
      "MethodNotAllowed", "The specified method is not allowed against this resource.", status: 405,
      members: [("Method", .string(method)), ("ResourceType", .string(resource))])
  }
  static func preconditionFailed(_ condition: String) -> AWSError {
    AWSError(
      "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", status: 412,
      members: [("Condition", .string(condition))])
  }
  static let notModified = AWSError("NotModified", "Not Modified", status: 304)
  static func invalidRange(_ range: String, size: Int) -> AWSError {
    var error = AWSError(
      "InvalidRange", "The requested range is not satisfiable", status: 416,
      members: [("RangeRequested", .string(range)), ("ActualObjectSize", .string("\(size)"))])
    error.headers = [("content-range", "bytes */\(size)")]
    return error
  }
  static func invalidPartNumber(_ number: Int, of count: Int) -> AWSError {
    AWSError(
      "InvalidPartNumber", "The requested partnumber is not satisfiable", status: 416,
      members: [("PartNumberRequested", .string("\(number)")), ("ActualPartCount", .string("\(count)"))])
  }
  static func badDigest(_ declared: String, computed: String) -> AWSError {
    AWSError(
      "BadDigest", "The Content-MD5 you specified did not match what we received.", status: 400,
      members: [("ExpectedDigest", .string(declared)), ("CalculatedDigest", .string(computed))])
  }
  static func invalidDigest(_ text: String) -> AWSError {
    AWSError("InvalidDigest", "The Content-MD5 you specified was invalid.", status: 400, members: [("Content-MD5", .string(text))])
  }
  static func badChecksum(_ name: String) -> AWSError {
    AWSError("BadDigest", "The \(name) you specified did not match the calculated checksum.", status: 400)
  }
  static let missingContentLength = AWSError(
    "MissingContentLength", "You must provide the Content-Length HTTP header.", status: 411)
  static func entityTooLarge(_ size: Int, maximum: Int) -> AWSError {
    AWSError(
      "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", status: 400,
      members: [("ProposedSize", .string("\(size)")), ("MaxSizeAllowed", .string("\(maximum)"))])
  }
  static func entityTooSmall(_ size: Int, part: Int, eTag: String) -> AWSError {
    AWSError(
      "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", status: 400,
      members: [
        ("ProposedSize", .string("\(size)")), ("MinSizeAllowed", .string("\(S3Limits.partBytes.lowerBound)")),
        ("PartNumber", .string("\(part)")), ("ETag", .string(eTag)),
      ])
  }
  static func invalidPart(_ upload: String, _ number: Int, _ eTag: String?) -> AWSError {
    AWSError(
      "InvalidPart",
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not "
        + "match the part's entity tag.", status: 400,
      members: [("UploadId", .string(upload)), ("PartNumber", .string("\(number)"))] + (eTag.map { [("ETag", .string($0))] } ?? []))
  }
  static func invalidPartOrder(_ upload: String) -> AWSError {
    AWSError(
      "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.", status: 400,
      members: [("UploadId", .string(upload))])
  }
  static let metadataTooLarge = AWSError(
    "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", status: 400,
    members: [("MaxSizeAllowed", .string("\(S3Limits.metadataBytes)"))])
  static func invalidTag(_ text: String) -> AWSError { AWSError("InvalidTag", text, status: 400) }
  static let tooManyTags = AWSError("BadRequest", "Object tags cannot be greater than \(S3Limits.objectTags)", status: 400)
  static func invalidStorageClass(_ name: String) -> AWSError {
    AWSError(
      "InvalidStorageClass", "The storage class you specified is not valid", status: 400,
      members: [("StorageClassRequested", .string(name))])
  }
  static func archived(_ storageClass: String) -> AWSError {
    AWSError(
      "InvalidObjectState", "The operation is not valid for the object's storage class", status: 403,
      members: [("StorageClass", .string(storageClass))])
  }
  static func notArchived(_ storageClass: String) -> AWSError {
    AWSError(
      "InvalidObjectState", "Restore is not allowed for the object's current storage class", status: 403,
      members: [("StorageClass", .string(storageClass))])
  }
  static let restoreInProgress = AWSError("RestoreAlreadyInProgress", "Object restore is already in progress", status: 409)
  static let protected = AWSError("AccessDenied", "Access Denied because object protected by object lock.", status: 403)
  static let noObjectLock = AWSError(
    "InvalidRequest", "Bucket is missing Object Lock Configuration", status: 400)
  static let noObjectLockConfiguration = AWSError(
    "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", status: 404)
  static let aclNotSupported = AWSError("AccessControlListNotSupported", "The bucket does not allow ACLs", status: 400)
  static func notImplementedHeader(_ name: String) -> AWSError {
    AWSError(
      "NotImplemented", "A header you provided implies functionality that is not implemented", status: 501,
      members: [("Header", .string(name))])
  }
  static let copyOntoItself = AWSError(
    "InvalidRequest",
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage "
      + "class, website redirect location or encryption attributes.", status: 400)
}
