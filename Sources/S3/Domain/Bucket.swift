import Base

/// A bucket as its row holds it. What it is set to beyond that is in its settings (`BucketSetting`).
struct Bucket: Sendable, Equatable {
  enum Versioning: UInt8, Sendable {
    /// It never was on: objects have the version `null` and are replaced. → enabled
    case off = 0
    /// Each change makes a version. → suspended
    case enabled = 1
    /// Changes replace the version `null`, older versions stay. → enabled
    case suspended = 2
  }

  let name: String
  /// Never used twice, so that a bucket of the same name that was deleted and made again shares nothing with the old one.
  let id: Int64
  let owner: AccountID
  let region: Region
  let created: Instant
  /// Raised by each change of the bucket or its settings, so that of two copies the newer is known.
  var version = 0
  var versioning = Versioning.off
  /// Only ever set, at the making or later; versioning stays enabled then.
  var isObjectLockEnabled = false

  init(name: String, id: Int64, owner: AccountID, region: Region, created: Instant) {
    (self.name, self.id, self.owner, self.region, self.created) = (name, id, owner, region, created)
  }

  var arn: String { Self.arn(name) }
  static func arn(_ name: String) -> String { "arn:aws:s3:::" + name }
  static func arn(_ name: String, key: String) -> String { "arn:aws:s3:::\(name)/\(key)" }
}
