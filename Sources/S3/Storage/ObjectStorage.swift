import Base
import Store

/// Versions of objects as a transaction reads them.
extension Reader {
  /// The newest version or delete marker.
  func newest(_ bucket: Bucket, _ key: String) throws -> ObjectVersion? {
    try get(Keys.current(bucket.id, key)).map { try ObjectVersion(row: $0) }
  }

  /// What a request means; nil when there is none. A version that is a delete marker is given as one.
  func version(_ bucket: Bucket, _ key: String, _ reference: VersionReference) throws -> ObjectVersion? {
    let newest = try newest(bucket, key)
    switch reference {
    case .current: return newest
    case .version(let id):
      if newest?.id == id.text { return newest }
      let found = try get(Keys.older(bucket.id, key, id.sequence)).map { try ObjectVersion(row: $0) }
      return found?.id == id.text ? found : nil
    case .null:
      if let newest, newest.id == nil { return newest }
      return try olderNull(bucket, key)
    }
  }

  /// The version of that number, the newest one or an older.
  func version(_ bucket: Bucket, _ key: String, sequence: Int64) throws -> ObjectVersion? {
    if let newest = try newest(bucket, key), newest.sequence == sequence { return newest }
    return try get(Keys.older(bucket.id, key, sequence)).map { try ObjectVersion(row: $0) }
  }

  fileprivate func olderNull(_ bucket: Bucket, _ key: String) throws -> ObjectVersion? {
    guard let bytes = try get(Keys.null(bucket.id, key)) else { return nil }
    var row = try RowReader(bytes)
    return try get(Keys.older(bucket.id, key, try row.int64())).map { try ObjectVersion(row: $0) }
  }

  func content(_ bucket: Bucket, _ id: ContentID) throws -> Content { try content(bucket.id, id) }
  fileprivate func content(_ bucket: Int64, _ id: ContentID) throws -> Content {
    guard let bytes = try get(Keys.content(bucket, id)) else { throw StoreError.corrupt("the content of an object is not there") }
    return try Content(row: bytes)
  }
}

/// Changes of objects. All of them keep count of the files.
extension Transaction {
  /// Makes a version the newest one of its key: with versioning the others stay, without it the version `null` is replaced.
  /// - Returns: whether there is something to collect.
  func insert(_ version: ObjectVersion, of key: String, in bucket: Bucket) throws -> Bool {
    var isReleased = false
    if let newest = try newest(bucket, key) {
      if newest.id == nil, version.id == nil {
        isReleased = try release(newest, bucket)
      } else {
        try set(Keys.older(bucket.id, key, newest.sequence), newest.row)
        if newest.id == nil {
          var row = RowWriter(capacity: 12)
          row.int(newest.sequence)
          try set(Keys.null(bucket.id, key), row.bytes)
        }
      }
    }
    if version.id == nil, let replaced = try olderNull(bucket, key) {
      isReleased = try removeOlder(replaced, of: key, in: bucket) || isReleased
    }
    try set(Keys.current(bucket.id, key), version.row)
    return isReleased
  }

  /// Writes a version that is there with other facts.
  func update(_ version: ObjectVersion, of key: String, in bucket: Bucket) throws {
    let isNewest = try newest(bucket, key)?.sequence == version.sequence
    try set(isNewest ? Keys.current(bucket.id, key) : Keys.older(bucket.id, key, version.sequence), version.row)
  }

  /// Takes a version away for ever; the one before it becomes the newest.
  /// - Returns: whether there is something to collect.
  func remove(_ version: ObjectVersion, of key: String, in bucket: Bucket) throws -> Bool {
    guard try newest(bucket, key)?.sequence == version.sequence else { return try removeOlder(version, of: key, in: bucket) }
    let isReleased = try release(version, bucket)
    guard let before = try first(KeyRange(prefix: Keys.older(bucket.id, key))) else {
      try delete(Keys.current(bucket.id, key))
      return isReleased
    }
    try delete(before.key)
    let next = try ObjectVersion(row: before.value)
    if next.id == nil { try delete(Keys.null(bucket.id, key)) }
    try set(Keys.current(bucket.id, key), before.value)
    return isReleased
  }

  private func removeOlder(_ version: ObjectVersion, of key: String, in bucket: Bucket) throws -> Bool {
    try delete(Keys.older(bucket.id, key, version.sequence))
    if version.id == nil { try delete(Keys.null(bucket.id, key)) }
    return try release(version, bucket)
  }

  // Content.

  func keep(_ content: Content, as id: ContentID, in bucket: Bucket) throws {
    try set(Keys.content(bucket.id, id), content.row)
    try hold(content.extents)
  }

  private func release(_ version: ObjectVersion, _ bucket: Bucket) throws -> Bool {
    try version.facts?.content.map { try removeContent($0, of: bucket.id) } ?? false
  }

  /// - Returns: whether there is something to collect.
  @discardableResult
  func removeContent(_ id: ContentID, of bucket: Int64) throws -> Bool {
    let isReleased = id.isInFiles ? try release(try content(bucket, id).extents) : false
    try delete(Keys.content(bucket, id))
    return isReleased
  }

  /// One more piece of content is in each of these files.
  func hold(_ extents: [Extent]) throws {
    for extent in extents { try FileCount(extent.file).add(1, self) }
  }

  /// These pieces of content are no more. A file without any is the collector's.
  /// - Returns: whether there is something to collect.
  @discardableResult
  func release(_ extents: [Extent]) throws -> Bool {
    var isReleased = false
    for extent in extents where try FileCount(extent.file).add(-1, self) == 0 {
      try set(Keys.unused(extent.file), [])
      isReleased = true
    }
    return isReleased
  }
}

/// How many pieces of content are in a file.
private struct FileCount {
  let counter: Counter
  init(_ file: ByteStoreID) { counter = Counter(Keys.file(file)) }
  @discardableResult
  func add(_ amount: Int64, _ transaction: any Transaction) throws -> Int64 { try counter.add(amount, transaction) }
}

/// Uploads in parts.
extension Reader {
  /// Throws NoSuchUpload.
  func upload(_ bucket: Bucket, _ key: String, _ id: String) throws -> MultipartUpload {
    guard let bytes = try get(Keys.upload(bucket.id, key, id)) else { throw S3Error.noSuchUpload(id) }
    return try MultipartUpload(row: bytes, key: key, id: id)
  }

  /// In the order of their numbers.
  func parts(_ bucket: Bucket, _ upload: String, after number: Int = 0, limit: Int = .max) throws -> [UploadPart] {
    let home = Keys.parts(bucket.id, upload)
    return try entries(KeyRange(Keys.part(bucket.id, upload, number + 1), home.end), limit: limit).map { key, value in
      try UploadPart(row: value, number: try Keys.partNumber(key, bucket.id, upload))
    }
  }
}

extension Transaction {
  func put(_ upload: MultipartUpload, in bucket: Bucket) throws { try set(Keys.upload(bucket.id, upload.key, upload.id), upload.row) }

  /// Replaces a part of the same number.
  /// - Returns: whether there is something to collect.
  func put(_ part: UploadPart, of upload: String, in bucket: Bucket) throws -> Bool {
    let key = Keys.part(bucket.id, upload, part.number)
    try hold(part.content.extents)
    let old = try get(key).map { try UploadPart(row: $0, number: part.number) }
    try set(key, part.row)
    return try old.map { try release($0.content.extents) } ?? false
  }

  /// Takes an upload away with its parts, whose bytes are the object's or nobody's.
  /// - Returns: whether there is something to collect.
  @discardableResult
  func remove(_ upload: MultipartUpload, in bucket: Bucket) throws -> Bool {
    var isReleased = false
    for part in try parts(bucket, upload.id) { isReleased = try release(part.content.extents) || isReleased }
    try deleteAll(KeyRange(prefix: Keys.parts(bucket.id, upload.id)))
    try delete(Keys.upload(bucket.id, upload.key, upload.id))
    return isReleased
  }

  /// Remembers for a while what became of an upload.
  func note(_ completed: CompletedUpload, of upload: String, in bucket: Bucket, until time: Instant) throws {
    try set(Keys.completed(bucket.id, upload), completed.row)
    try set(Keys.forget(at: time, bucket.id, upload), [])
  }
}
