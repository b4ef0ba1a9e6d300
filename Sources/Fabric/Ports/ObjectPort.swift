import Base

/// An object of S3 as other services name it.
public struct ObjectName: Sendable, Hashable {
  public var bucket: String
  public var key: String
  /// Nil: the current one.
  public var version: String?
  public init(bucket: String, key: String, version: String? = nil) {
    (self.bucket, self.key, self.version) = (bucket, key, version)
  }
}

/// Objects for other services, with the same permission checks as a request from outside. Implemented by S3.
public protocol ObjectPort: Sendable {
  /// The whole content. Needs s3:GetObject, or s3:GetObjectVersion for a named version.
  ///
  /// Throws `AWSError` with S3's codes: `NoSuchBucket`, `NoSuchKey`, `AccessDenied`, `EntityTooLarge` for more than `maximum` bytes, and
  /// `PermanentRedirect` for a bucket of another Region than the caller's.
  func read(_ object: ObjectName, maximum: Int, as caller: Caller) async throws -> [UInt8]
  /// Makes an object. Needs s3:PutObject.
  func put(_ bytes: [UInt8], contentType: String, as object: ObjectName, by caller: Caller) async throws
  /// Throws what `put` would for want of the bucket or of permissions: s3:PutObject, and s3:ListBucket, which says why a put failed.
  func checkPlace(_ object: ObjectName, as caller: Caller) async throws
  /// Names what the object is now: another text after each change, nil when it is not there. Needs no permission and tells nothing.
  func revision(of object: ObjectName) async throws -> String?
}
