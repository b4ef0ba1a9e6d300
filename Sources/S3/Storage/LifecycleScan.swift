import Base
import Store

/// Versions of one key with what a lifecycle asks of them, the newest first; some at a time.
struct KeyVersions {
  let all: [(version: ObjectVersion, view: Lifecycle.Version)]
  /// The last row that was read, when there are more.
  let next: Key?

  /// - Parameter last: where the page before this one ended; nil: the newest version begins.
  init(_ rows: any Reader, _ bucket: Bucket, _ key: String, after last: Key? = nil) throws {
    try self.init(rows, bucket, key, try rows.newest(bucket, key), after: last)
  }

  init(_ rows: any Reader, _ bucket: Bucket, _ key: String, _ newest: ObjectVersion?, after last: Key? = nil) throws {
    guard let newest else {
      (all, next) = ([], nil)
      return
    }
    let older = KeyRange(prefix: Keys.older(bucket.id, key))
    var versions: [ObjectVersion] = []
    // The version before the first one here, and how many noncurrent ones come before that.
    var (previous, count): (ObjectVersion?, Int) = (nil, 0)
    if let last {
      let before = KeyRange(older.lower, last.end)
      previous = try rows.entries(before, limit: 1, reverse: true).first.map { try ObjectVersion(row: $0.value) } ?? newest
      // No rule keeps more of them than that.
      count = try rows.entries(before, limit: S3Limits.noncurrentKept).count
    } else {
      versions = [newest]
    }
    var (end, more): (Key?, Key?) = (nil, nil)
    try rows.scan(KeyRange(last.map(\.end) ?? older.lower, older.upper)) { row, value in
      guard versions.count < S3Limits.versionsOfKey else {
        more = end
        return false
      }
      versions.append(try ObjectVersion(row: value))
      end = row
      return true
    }
    next = more
    all = versions.enumerated().map { place, version in
      var view = Lifecycle.Version(key: key, modified: version.modified, isMarker: version.isMarker)
      let newer = place > 0 ? versions[place - 1] : previous
      if let newer {
        view.replacedAt = newer.modified
        view.newerNoncurrent = last == nil ? place - 1 : count + place
      }
      view.isAlone = last == nil && versions.count == 1
      if let facts = version.facts {
        view.size = facts.size
        view.tags = Dictionary(facts.description.tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        view.storageClass = facts.description.storageClass
      }
      return (version, view)
    }
  }
}

/// Versions of a key, from one on.
struct VersionsPlace: Sendable, Equatable {
  var key: String
  /// The row behind which they begin; nil: the newest.
  var after: Key?
}

/// One page of a bucket's versions: those among which something is due.
struct LifecycleScan: Sendable {
  enum Place: Sendable, Equatable {
    case behind(key: String)
    case within(VersionsPlace)
  }
  var due: [VersionsPlace] = []
  /// Nil: there are no more.
  var next: Place?

  init(_ rows: any Reader, _ bucket: Bucket, from place: Place?, _ lifecycle: Lifecycle, _ now: Instant) throws {
    var count = 0
    /// Whether there is room for those of more keys.
    func judge(_ place: VersionsPlace, _ versions: KeyVersions) -> Bool {
      if versions.all.contains(where: { lifecycle.action(for: $0.view, at: now) != nil }) { due.append(place) }
      count += versions.all.count
      if let last = versions.next {
        next = .within(VersionsPlace(key: place.key, after: last))
        return false
      }
      guard count < S3Limits.versionsPerSweep, due.count < S3Limits.keysPerSweep else {
        next = .behind(key: place.key)
        return false
      }
      return true
    }
    var key: String?
    switch place {
    case .within(let place):
      guard judge(place, try KeyVersions(rows, bucket, place.key, after: place.after)) else { return }
      key = place.key
    case .behind(let last): key = last
    case nil: break
    }
    try rows.scan(Keys.current(bucket.id, prefix: "", key.map { .after($0) })) { row, value in
      let key = try Keys.currentName(row, bucket.id)
      return judge(VersionsPlace(key: key), try KeyVersions(rows, bucket, key, try ObjectVersion(row: value)))
    }
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
