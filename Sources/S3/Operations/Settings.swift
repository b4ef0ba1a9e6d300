import Base
import Fabric
import Store
import Wire

/// What the operations on settings have in common.
extension S3Service {
  /// Changes one setting of a bucket, or takes it away with nil.
  /// - Parameter check: judges the change by the bucket as the transaction sees it.
  func put(
    _ record: Record?, as setting: BucketSetting, of name: String, check: @escaping @Sendable (BucketState) throws -> Void = { _ in }
  ) async throws {
    try await change(name) { state, rows in
      try check(state)
      try rows.put(record, as: setting, of: state.bucket)
    }
  }

  /// Changes a bucket in one transaction. The body writes what it changes, with `update` or `put` at the end.
  func change(_ name: String, _ body: @escaping @Sendable (BucketState, any Transaction) throws -> Void) async throws {
    try await store.transact { [buckets] rows in try body(try buckets.current(name, rows), rows) }
    buckets.forget(name)
  }

  /// The setting as it was put. Throws the error that stands for its absence.
  func shown<View: RecordView>(_ setting: BucketSetting, of name: String, orElse missing: AWSError) async throws -> View {
    guard let view: View = try await buckets.existing(name).settings.get(setting) else { throw missing }
    return view
  }
}

extension PutBucketVersioningInput: BucketInput {}
extension GetBucketVersioningInput: BucketInput {}
extension PutBucketTaggingInput: BucketInput {}
extension GetBucketTaggingInput: BucketInput {}
extension DeleteBucketTaggingInput: BucketInput {}

/// Versioning and tags.
extension S3Service {
  var versioningOperations: [Operation] {
    [
      Operation("PutBucketVersioning", access: access("PutBucketVersioning"), run: putBucketVersioning),
      Operation("GetBucketVersioning", access: access("GetBucketVersioning"), run: getBucketVersioning),
      Operation("PutBucketTagging", access: taggingAccess, run: putBucketTagging),
      Operation("GetBucketTagging", access: access("GetBucketTagging"), run: getBucketTagging),
      Operation("DeleteBucketTagging", access: access("PutBucketTagging"), run: deleteBucketTagging),
    ]
  }

  private func putBucketVersioning(_ input: PutBucketVersioningInput, _ call: Call) async throws {
    let wanted = input.versioningConfiguration
    if wanted.mfaDelete == "Enabled" { throw S3Error.notImplemented("MFA delete") }
    guard let status = wanted.status else { throw S3Error.noVersioning }
    guard let versioning = ["Enabled": Bucket.Versioning.enabled, "Suspended": .suspended][status] else { throw S3Error.malformedXML }
    try await change(input.bucket) { state, rows in
      if state.bucket.isObjectLockEnabled, versioning != .enabled { throw S3Error.versioningIsLocked }
      var bucket = state.bucket
      bucket.versioning = versioning
      try rows.update(bucket)
    }
  }

  /// Empty for a bucket that never was versioned.
  private func getBucketVersioning(_ input: GetBucketVersioningInput, _ call: Call) async throws -> GetBucketVersioningOutput {
    var output = GetBucketVersioningOutput()
    switch try await buckets.existing(input.bucket).bucket.versioning {
    case .off: break
    case .enabled: output.status = "Enabled"
    case .suspended: output.status = "Suspended"
    }
    return output
  }

  private func taggingAccess(_ input: PutBucketTaggingInput, _ call: Call) async throws -> [Access] {
    let tags = Dictionary(input.tagging.tagSet.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    return try await access("PutBucketTagging")(input, call).map { $0.bringing(tags) }
  }

  private func putBucketTagging(_ input: PutBucketTaggingInput, _ call: Call) async throws {
    try TagRules.check(input.tagging.tagSet, maximum: S3Limits.bucketTags, of: "Bucket")
    try await put(input.tagging.record, as: .tagging, of: input.bucket)
  }

  private func getBucketTagging(_ input: GetBucketTaggingInput, _ call: Call) async throws -> GetBucketTaggingOutput {
    let tagging: S3Tagging = try await shown(.tagging, of: input.bucket, orElse: S3Error.noTags(input.bucket))
    guard !tagging.tagSet.isEmpty else { throw S3Error.noTags(input.bucket) }
    var output = GetBucketTaggingOutput()
    output.tagSet = tagging.tagSet
    return output
  }

  private func deleteBucketTagging(_ input: DeleteBucketTaggingInput, _ call: Call) async throws {
    try await put(nil, as: .tagging, of: input.bucket)
  }
}
