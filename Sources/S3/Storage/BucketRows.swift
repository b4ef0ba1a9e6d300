import Base
import Store
import Wire

extension Bucket {
  var row: [UInt8] {
    var row = RowWriter()
    row.int(id)
    row.string(owner.text)
    row.string(region.text)
    row.instant(created)
    row.int(version)
    row.int(Int(versioning.rawValue))
    row.bool(isObjectLockEnabled)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: String) throws {
    var row = try RowReader(bytes)
    let id = try row.int64()
    guard let owner = AccountID(try row.string()), let region = Region(try row.string()) else {
      throw StoreError.corrupt("bucket row")
    }
    self.init(name: name, id: id, owner: owner, region: region, created: try row.instant())
    version = try row.int()
    guard let versioning = Versioning(rawValue: UInt8(truncatingIfNeeded: try row.int())) else {
      throw StoreError.corrupt("bucket row")
    }
    self.versioning = versioning
    isObjectLockEnabled = try row.bool()
  }
}

extension Reader {
  func bucket(_ name: String) throws -> Bucket? { try get(Keys.bucket(name)).map { try Bucket($0, name: name) } }

  /// Throws NoSuchBucket.
  func existingBucket(_ name: String) throws -> Bucket {
    guard let bucket = try bucket(name) else { throw S3Error.noSuchBucket(name) }
    return bucket
  }

  func settings(of bucket: Bucket) throws -> BucketSettings {
    var records: [BucketSetting: Record] = [:]
    try scan(Keys.settings(of: bucket.id)) { key, value in
      if let setting = try Keys.setting(key, of: bucket.id) { records[setting] = try RecordRow.read(value, setting.shape) }
      return true
    }
    return BucketSettings(records)
  }

  /// Of all accounts and Regions.
  func bucketCount() throws -> Int {
    // A state of before there was a count is looked through.
    guard let bytes = try get(Keys.bucketCount) else { return try entries(Keys.buckets(after: nil)).count }
    var row = try RowReader(bytes)
    return try row.int()
  }

  /// Whether it has no object, version or delete marker. Uploads that are under way do not count.
  func isEmpty(_ bucket: Bucket) throws -> Bool { try first(KeyRange(prefix: Keys.versions(of: bucket.id))) == nil }
}

extension Transaction {
  func insert(_ bucket: Bucket) throws {
    try count(1)
    try set(Keys.bucket(bucket.name), bucket.row)
    try set(Keys.owned(bucket.owner, bucket.name), [])
  }

  /// Changes a bucket or, with `edit` doing it, its settings.
  func update(_ bucket: Bucket) throws {
    var bucket = bucket
    bucket.version += 1
    try set(Keys.bucket(bucket.name), bucket.row)
  }

  private func count(_ change: Int) throws {
    var row = RowWriter(capacity: 8)
    row.int(try bucketCount() + change)
    try set(Keys.bucketCount, row.bytes)
  }

  /// - Parameter record: nil takes the setting away.
  func put(_ record: Record?, as setting: BucketSetting, of bucket: Bucket) throws {
    let key = Keys.setting(setting, of: bucket.id)
    if let record { try set(key, RecordRow.bytes(record)) } else { try delete(key) }
    try update(bucket)
  }

  /// Takes a bucket away with its settings; what is left of its contents is a worker's to remove.
  func remove(_ bucket: Bucket) throws {
    try count(-1)
    try delete(Keys.bucket(bucket.name))
    try delete(Keys.owned(bucket.owner, bucket.name))
    try deleteAll(Keys.settings(of: bucket.id))
    try delete(Keys.lifecycle(of: bucket.name))
    try set(Keys.garbage(bucket.id), [])
  }
}
