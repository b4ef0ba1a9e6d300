import Base
import Fabric
import Store
import Wire

extension ListObjectVersionsInput: BucketInput {}

/// ListObjectVersions: every version of every key, the newest first.
extension S3Service {
  func listObjectVersions(_ input: ListObjectVersionsInput, _ call: Call) async throws -> ListObjectVersionsOutput {
    let state = try await buckets.existing(input.bucket)
    let text = try ListText(input.encodingType)
    var query = ListQuery(
      prefix: input.prefix ?? "", delimiter: input.delimiter, maximum: try Self.maximum(input.maxKeys, "max-keys"))
    let keyMarker = input.keyMarker.flatMap { $0.isEmpty ? nil : $0 }
    let versionMarker = input.versionIdMarker.flatMap { $0.isEmpty ? nil : $0 }
    if versionMarker != nil, keyMarker == nil {
      throw S3Error.invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", versionMarker)
    }
    let behind = try versionMarker.map { text throws(AWSError) in try VersionReference(text) }
    if let keyMarker { query.place = behind == nil ? query.place(behind: keyMarker) : .from(keyMarker) }
    let asked = query
    let page = try await store.read { rows in try VersionWalk(rows, state.bucket, asked).page(behind: behind, of: keyMarker) }
    var output = ListObjectVersionsOutput()
    output.name = input.bucket
    output.prefix = text.shown(input.prefix ?? "")
    output.delimiter = input.delimiter.map(text.shown)
    output.keyMarker = text.shown(input.keyMarker ?? "")
    output.versionIdMarker = input.versionIdMarker ?? ""
    output.maxKeys = query.maximum
    output.encodingType = input.encodingType
    output.isTruncated = page.next != nil
    if let next = page.next {
      output.nextKeyMarker = text.shown(next.key)
      output.nextVersionIdMarker = next.version
    }
    let showsRestore = input.wantsRestoreStatus
    let versions = page.items.filter { !$0.version.isMarker }.map { shown($0, text, showsRestore: showsRestore, state) }
    let markers = page.items.filter(\.version.isMarker).map { marker($0, text, state) }
    if !versions.isEmpty { output.versions = versions }
    if !markers.isEmpty { output.deleteMarkers = markers }
    if !page.groups.isEmpty { output.commonPrefixes = text.shown(page.groups) }
    return output
  }

  private func shown(_ item: VersionWalk.Item, _ text: ListText, showsRestore: Bool, _ state: BucketState) -> ObjectVersionShape {
    var shape = ObjectVersionShape()
    shape.key = text.shown(item.key)
    shape.versionId = item.version.shownID
    shape.isLatest = item.isLatest
    shape.lastModified = item.version.modified
    shape.owner = S3Owner(state.owner(of: item.version))
    if let facts = item.version.facts {
      shape.eTag = EntityTags.quoted(facts.eTag)
      shape.size = facts.size
      shape.storageClass = facts.description.storageClass ?? "STANDARD"
      if showsRestore { shape.restoreStatus = facts.description.presentRestoration(at: ambient.now)?.status(at: ambient.now) }
      if let checksum = facts.checksum {
        shape.checksumAlgorithm = [checksum.algorithm.s3Name]
        shape.checksumType = checksum.kind.rawValue
      }
    }
    return shape
  }

  private func marker(_ item: VersionWalk.Item, _ text: ListText, _ state: BucketState) -> DeleteMarkerEntry {
    var shape = DeleteMarkerEntry()
    shape.key = text.shown(item.key)
    shape.versionId = item.version.shownID
    shape.isLatest = item.isLatest
    shape.lastModified = item.version.modified
    shape.owner = S3Owner(state.owner(of: item.version))
    return shape
  }
}

/// Walks the keys of a bucket and, for each, its versions: the newest stands apart from the older ones.
private struct VersionWalk {
  struct Item: Sendable {
    var key: String
    var version: ObjectVersion
    var isLatest: Bool
  }
  struct Page: Sendable {
    var items: [Item] = []
    var groups: [String] = []
    /// What the next page begins behind; without a version a group or the last version of a key.
    var next: (key: String, version: String?)?
  }

  private let rows: any Reader
  private let bucket: Bucket
  private let query: ListQuery

  init(_ rows: any Reader, _ bucket: Bucket, _ query: ListQuery) { (self.rows, self.bucket, self.query) = (rows, bucket, query) }

  /// - Parameters:
  ///   - behind: a version of the key at which the page begins.
  func page(behind: VersionReference?, of key: String?) throws -> Page {
    var page = Page()
    guard query.maximum > 0 else { return page }
    let skipped = try behind.flatMap { behind in try key.flatMap { try sequence(behind, of: $0) } }
    var place = query.place
    var last: (key: String, version: String?)?
    while true {
      let keys = try rows.entries(Keys.current(bucket.id, prefix: query.prefix, place), limit: query.maximum + 1)
      if keys.isEmpty { return page }
      for row in keys {
        let name = try Keys.currentName(row.key, bucket.id)
        if let group = query.group(of: name) {
          guard page.items.count + page.groups.count < query.maximum else {
            page.next = last
            return page
          }
          page.groups.append(group)
          last = (group, nil)
          place = .afterAll(group)
          break
        }
        let bound = key.map(name.isExactly) == true ? skipped : nil
        for item in try versions(of: name, ObjectVersion(row: row.value), before: bound) {
          guard page.items.count + page.groups.count < query.maximum else {
            page.next = last
            return page
          }
          page.items.append(item)
          last = (name, item.version.shownID)
        }
        place = .after(name)
      }
    }
  }

  private func sequence(_ reference: VersionReference, of key: String) throws -> Int64? {
    if case .version(let id) = reference { return id.sequence }
    return try rows.version(bucket, key, reference)?.sequence
  }

  /// - Parameter bound: only versions that are older than this one.
  private func versions(of key: String, _ newest: ObjectVersion, before bound: Int64?) throws -> [Item] {
    var items = bound.map { newest.sequence < $0 } ?? true ? [Item(key: key, version: newest, isLatest: true)] : []
    guard bucket.versioning != .off else { return items }
    let home = Keys.older(bucket.id, key)
    let range = KeyRange(bound.map { Keys.older(bucket.id, key, $0).end } ?? home, home.end)
    // One more than a page holds tells that there are more.
    items += try rows.entries(range, limit: query.maximum + 1).map {
      Item(key: key, version: try ObjectVersion(row: $0.value), isLatest: false)
    }
    return items
  }
}
