import Base
import Store

/// The versions of one key with what a lifecycle asks of them, the newest first.
struct KeyVersions {
  let all: [(version: ObjectVersion, view: Lifecycle.Version)]

  init(_ rows: any Reader, _ bucket: Bucket, _ key: String) throws {
    try self.init(rows, bucket, key, try rows.newest(bucket, key))
  }

  init(_ rows: any Reader, _ bucket: Bucket, _ key: String, _ newest: ObjectVersion?) throws {
    guard let newest else {
      all = []
      return
    }
    var versions = [newest]
    try rows.scan(KeyRange(prefix: Keys.older(bucket.id, key))) { _, value in
      versions.append(try ObjectVersion(row: value))
      return versions.count < S3Limits.versionsOfKey
    }
    all = versions.enumerated().map { place, version in
      var view = Lifecycle.Version(key: key, modified: version.modified, isMarker: version.isMarker)
      if place > 0 {
        view.replacedAt = versions[place - 1].modified
        view.newerNoncurrent = place - 1
      }
      view.isAlone = versions.count == 1
      if let facts = version.facts {
        view.size = facts.size
        view.tags = Dictionary(facts.description.tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        view.storageClass = facts.description.storageClass
      }
      return (version, view)
    }
  }
}

/// One page of a bucket's keys: those for which something is due.
struct LifecycleScan: Sendable {
  var due: [String] = []
  /// Nil: there are no more.
  var next: Keys.Place?

  init(_ rows: any Reader, _ bucket: Bucket, from place: Keys.Place?, _ lifecycle: Lifecycle, _ now: Instant) throws {
    var count = 0
    var last: String?
    try rows.scan(Keys.current(bucket.id, prefix: "", place)) { row, value in
      let key = try Keys.currentName(row, bucket.id)
      let versions = try KeyVersions(rows, bucket, key, try ObjectVersion(row: value))
      if versions.all.contains(where: { lifecycle.action(for: $0.view, at: now) != nil }) { due.append(key) }
      (count, last) = (count + versions.all.count, key)
      return count < S3Limits.versionsPerSweep && due.count < S3Limits.keysPerSweep
    }
    if count >= S3Limits.versionsPerSweep || due.count >= S3Limits.keysPerSweep { next = last.map { .after($0) } }
  }
}

/// One page of a bucket's uploads that are under way: those that are to be aborted.
struct UploadScan: Sendable {
  var due: [(key: String, id: String)] = []
  var next: Key?

  init(_ rows: any Reader, _ bucket: Bucket, from start: Key?, _ lifecycle: Lifecycle, _ now: Instant) throws {
    let home = KeyRange(prefix: Keys.uploads(of: bucket.id))
    let page = try rows.entries(KeyRange(start ?? home.lower, home.upper), limit: S3Limits.keysPerSweep + 1)
    for (row, value) in page.prefix(S3Limits.keysPerSweep) {
      let (key, id) = try Keys.uploadPlace(row, bucket.id)
      let upload = try MultipartUpload(row: value, key: key, id: id)
      if lifecycle.aborts(key, initiated: upload.initiated, at: now) != nil { due.append((key, id)) }
    }
    if page.count > S3Limits.keysPerSweep { next = page[S3Limits.keysPerSweep].key }
  }
}
