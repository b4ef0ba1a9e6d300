import Base
import Fabric
import Store

// The keys of S3. Every key begins with "s3" and a letter.
//
//   bucket     "b" name                     → Bucket                  names are one space over all accounts and Regions
//   count      "#"                         → how many buckets there are
//   owned      "o" account name             → -                       whose buckets these are
//   setting    "c" bucket setting           → a record                what the bucket is set to (BucketSetting)
//   lifecycle  "l" name                     → -                       buckets that have a lifecycle
//   restoration "t" time bucket key sequence → bucket's name          when a copy out of an archive is ready or over
//   garbage    "g" bucket                   → -                       the id of a deleted bucket, until a worker has emptied it
//   version    "v" bucket …                 → ObjectKeys.swift        every version and delete marker; a bucket without is empty
//
// A bucket stands in keys by its id, which is never used twice.
enum Keys {
  static let root = Key("s3")
  private static let buckets = root.appending("b")
  static func bucket(_ name: String) -> Key { buckets.appending(name) }
  static func buckets(after name: String?) -> KeyRange { KeyRange(name.map { bucket($0).end } ?? buckets, buckets.end) }
  static func bucketName(_ key: Key) throws -> String {
    var reader = KeyReader(key, after: buckets)
    return try reader.string()
  }

  static let bucketCount = root.appending("#")

  private static let owned = root.appending("o")
  static let inventory = [InventoryItem("buckets", below: owned)]
  static func owned(_ account: AccountID, _ name: String) -> Key { owned.appending(account, name) }
  static func owned(by account: AccountID) -> KeyRange { KeyRange(prefix: owned.appending(account)) }
  /// The names that begin with a prefix, after a name where a page ends.
  static func owned(by account: AccountID, prefix: String, after last: String?) -> KeyRange {
    let home = owned.appending(account)
    var open = home.appending(prefix)
    open.bytes.removeLast()  // the end mark of the string, so that longer names match
    return KeyRange(max(open, last.map { home.appending($0).end } ?? open), open.end)
  }
  static func ownedName(_ key: Key, by account: AccountID) throws -> String {
    var reader = KeyReader(key, after: owned.appending(account))
    return try reader.string()
  }

  private static let settings = root.appending("c")
  static func setting(_ setting: BucketSetting, of bucket: Int64) -> Key { settings.appending(bucket, setting.rawValue) }
  static func settings(of bucket: Int64) -> KeyRange { KeyRange(prefix: settings.appending(bucket)) }
  /// Nil for a setting of a later version.
  static func setting(_ key: Key, of bucket: Int64) throws -> BucketSetting? {
    var reader = KeyReader(key, after: settings.appending(bucket))
    return BucketSetting(rawValue: try reader.string())
  }

  private static let lifecycles = root.appending("l")
  static func lifecycle(of name: String) -> Key { lifecycles.appending(name) }
  static func lifecycles(after name: String?) -> KeyRange { KeyRange(name.map { lifecycle(of: $0).end } ?? lifecycles, lifecycles.end) }
  static func lifecycleName(_ key: Key) throws -> String {
    var reader = KeyReader(key, after: lifecycles)
    return try reader.string()
  }

  struct DueRestoration: Sendable {
    var time: Instant
    var bucket: Int64
    var key: String
    var sequence: Int64
  }
  private static let dueRestorations = root.appending("t")
  static let restorations = KeyRange(prefix: dueRestorations)
  static func restoration(at time: Instant, _ bucket: Int64, _ key: String, _ sequence: Int64) -> Key {
    dueRestorations.appending(time.milliseconds, bucket, key, sequence)
  }
  static func restoration(_ key: Key) throws -> DueRestoration {
    var reader = KeyReader(key, after: dueRestorations)
    return DueRestoration(
      time: Instant(milliseconds: try reader.int()), bucket: try reader.int(), key: try reader.string(), sequence: try reader.int())
  }

  private static let garbage = root.appending("g")
  static func garbage(_ bucket: Int64) -> Key { garbage.appending(bucket) }
  static let allGarbage = KeyRange(prefix: garbage)
  static func garbageBucket(_ key: Key) throws -> Int64 {
    var reader = KeyReader(key, after: garbage)
    return try reader.int()
  }

  private static let versions = root.appending("v")
  /// Every version and delete marker of a bucket.
  static func versions(of bucket: Int64) -> Key { versions.appending(bucket) }
}
