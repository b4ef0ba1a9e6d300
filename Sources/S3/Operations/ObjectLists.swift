import Base
import Fabric
import Store
import Wire

extension ListObjectsInput: BucketInput {}
extension ListObjectsV2Input: BucketInput {}

/// ListObjects in both versions.
extension S3Service {
  var objectListOperations: [Operation] {
    [
      Operation("ListObjects", access: listAccess("ListBucket"), run: listObjects),
      Operation("ListObjectsV2", access: listAccess("ListBucket"), run: listObjectsV2),
      Operation("ListObjectVersions", access: listAccess("ListBucketVersions"), run: listObjectVersions),
    ]
  }

  func listAccess<Input: BucketInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      var access = try await self.access(action, bucket: input.bucket, expectedOwner: input.expectedOwner, payer: input.statedPayer, call)
      access.conditionValues.merge(RequestFacts.conditionValues(input.record)) { _, new in new }
      return [access]
    }
  }

  private func listObjects(_ input: ListObjectsInput, _ call: Call) async throws -> ListObjectsOutput {
    let state = try await buckets.existing(input.bucket)
    let text = try ListText(input.encodingType)
    var query = ListQuery(
      prefix: input.prefix ?? "", delimiter: input.delimiter, maximum: try Self.maximum(input.maxKeys, "max-keys"))
    if let marker = input.marker, !marker.isEmpty { query.place = query.place(behind: marker) }
    let page = try await objects(query, in: state)
    var output = ListObjectsOutput()
    output.name = input.bucket
    output.prefix = text.shown(input.prefix ?? "")
    output.marker = text.shown(input.marker ?? "")
    output.delimiter = input.delimiter.map(text.shown)
    output.maxKeys = query.maximum
    output.encodingType = input.encodingType
    output.isTruncated = page.next != nil
    // Without a delimiter the client takes the last key.
    if input.delimiter != nil { output.nextMarker = page.next.flatMap(\.name).map(text.shown) }
    let contents = page.items.map { object($0, text, showsOwner: true, showsRestore: input.wantsRestoreStatus, state) }
    if !contents.isEmpty { output.contents = contents }
    if !page.groups.isEmpty { output.commonPrefixes = text.shown(page.groups) }
    return output
  }

  private func listObjectsV2(_ input: ListObjectsV2Input, _ call: Call) async throws -> ListObjectsV2Output {
    let state = try await buckets.existing(input.bucket)
    let text = try ListText(input.encodingType)
    var query = ListQuery(
      prefix: input.prefix ?? "", delimiter: input.delimiter, maximum: try Self.maximum(input.maxKeys, "max-keys"))
    if let token = input.continuationToken {
      query.place = try ContinuationToken.place(token)
    } else if let start = input.startAfter, !start.isEmpty {
      query.place = query.place(behind: start)
    }
    let page = try await objects(query, in: state)
    var output = ListObjectsV2Output()
    output.name = input.bucket
    output.prefix = text.shown(input.prefix ?? "")
    output.startAfter = input.startAfter.map(text.shown)
    output.delimiter = input.delimiter.map(text.shown)
    output.maxKeys = query.maximum
    output.encodingType = input.encodingType
    output.isTruncated = page.next != nil
    output.continuationToken = input.continuationToken
    output.nextContinuationToken = page.next.map(ContinuationToken.text)
    output.keyCount = page.items.count + page.groups.count
    let contents = page.items.map { object($0, text, showsOwner: input.fetchOwner == true, showsRestore: input.wantsRestoreStatus, state) }
    if !contents.isEmpty { output.contents = contents }
    if !page.groups.isEmpty { output.commonPrefixes = text.shown(page.groups) }
    return output
  }

  /// Objects that a read would find.
  private func objects(_ query: ListQuery, in state: BucketState) async throws -> ListPage<Listed> {
    let bucket = state.bucket.id
    return try await store.read { rows in
      try rows.list(query, range: { Keys.current(bucket, prefix: query.prefix, $0) }, name: { try Keys.currentName($0, bucket) }) {
        key, _, value in
        let version = try ObjectVersion(row: value)
        return version.facts.map { Listed(key: key, version: version, facts: $0) }
      }
    }
  }

  private struct Listed: Sendable {
    var key: String
    var version: ObjectVersion
    var facts: ObjectFacts
  }

  private func object(_ listed: Listed, _ text: ListText, showsOwner: Bool, showsRestore: Bool, _ state: BucketState) -> S3Object {
    var object = S3Object()
    object.key = text.shown(listed.key)
    object.lastModified = listed.version.modified
    object.eTag = EntityTags.quoted(listed.facts.eTag)
    object.size = listed.facts.size
    object.storageClass = listed.facts.description.storageClass ?? "STANDARD"
    if let checksum = listed.facts.checksum {
      object.checksumAlgorithm = [checksum.algorithm.s3Name]
      object.checksumType = checksum.kind.rawValue
    }
    if showsOwner { object.owner = S3Owner(state.owner(of: listed.version)) }
    if showsRestore { object.restoreStatus = listed.facts.description.presentRestoration(at: ambient.now)?.status(at: ambient.now) }
    return object
  }

  static func maximum(_ asked: Int?, _ name: String) throws(AWSError) -> Int {
    guard let asked else { return S3Limits.listedKeys }
    guard asked >= 0, asked <= Int(Int32.max) else {
      throw S3Error.invalidArgument("Argument \(name) must be an integer between 0 and 2147483647", name, "\(asked)")
    }
    return min(asked, S3Limits.listedKeys)
  }
}

/// Keys as a list shows them: in percent-encoding when the client asks, since XML cannot hold every character.
struct ListText: Sendable {
  private let isEncoded: Bool

  /// Throws InvalidArgument.
  init(_ encoding: String?) throws(AWSError) {
    guard encoding == nil || encoding == "url" else {
      throw S3Error.invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    }
    isEncoded = encoding != nil
  }
  func shown(_ text: String) -> String { isEncoded ? percentEncoded(text, keepSlash: true) : text }
  func shown(_ groups: [String]) -> [CommonPrefix] {
    groups.map {
      var prefix = CommonPrefix()
      prefix.prefix = shown($0)
      return prefix
    }
  }
}

extension Keys.Place {
  /// The last key or group that was told.
  var name: String? {
    switch self {
    case .from: nil
    case .after(let key), .afterAll(let key): key
    }
  }
}
