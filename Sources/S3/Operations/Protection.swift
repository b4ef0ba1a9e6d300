import Base
import Fabric
import Store
import Wire

extension PutPublicAccessBlockInput: BucketInput {}
extension GetPublicAccessBlockInput: BucketInput {}
extension DeletePublicAccessBlockInput: BucketInput {}
extension PutBucketOwnershipControlsInput: BucketInput {}
extension GetBucketOwnershipControlsInput: BucketInput {}
extension DeleteBucketOwnershipControlsInput: BucketInput {}
extension PutBucketEncryptionInput: BucketInput {}
extension GetBucketEncryptionInput: BucketInput {}
extension DeleteBucketEncryptionInput: BucketInput {}
extension PutObjectLockConfigurationInput: BucketInput {}
extension GetObjectLockConfigurationInput: BucketInput {}

/// What keeps a bucket's contents: public access block, ownership, encryption, object lock.
extension S3Service {
  var protectionOperations: [Operation] {
    [
      Operation("PutPublicAccessBlock", access: access("PutBucketPublicAccessBlock"), run: putPublicAccessBlock),
      Operation("GetPublicAccessBlock", access: access("GetBucketPublicAccessBlock"), run: getPublicAccessBlock),
      Operation("DeletePublicAccessBlock", access: access("PutBucketPublicAccessBlock"), run: deletePublicAccessBlock),
      Operation("PutBucketOwnershipControls", access: access("PutBucketOwnershipControls"), run: putBucketOwnershipControls),
      Operation("GetBucketOwnershipControls", access: access("GetBucketOwnershipControls"), run: getBucketOwnershipControls),
      Operation("DeleteBucketOwnershipControls", access: access("PutBucketOwnershipControls"), run: deleteBucketOwnershipControls),
      Operation("PutBucketEncryption", access: access("PutEncryptionConfiguration"), run: putBucketEncryption),
      Operation("GetBucketEncryption", access: access("GetEncryptionConfiguration"), run: getBucketEncryption),
      Operation("DeleteBucketEncryption", access: access("PutEncryptionConfiguration"), run: deleteBucketEncryption),
      Operation("PutObjectLockConfiguration", access: access("PutBucketObjectLockConfiguration"), run: putObjectLockConfiguration),
      Operation("GetObjectLockConfiguration", access: access("GetBucketObjectLockConfiguration"), run: getObjectLockConfiguration),
    ]
  }

  // Public access

  private func putPublicAccessBlock(_ input: PutPublicAccessBlockInput, _ call: Call) async throws {
    var kept = input.publicAccessBlockConfiguration
    kept.blockPublicAcls = kept.blockPublicAcls ?? false
    kept.ignorePublicAcls = kept.ignorePublicAcls ?? false
    kept.blockPublicPolicy = kept.blockPublicPolicy ?? false
    kept.restrictPublicBuckets = kept.restrictPublicBuckets ?? false
    try await put(kept.record, as: .publicAccessBlock, of: input.bucket)
  }

  private func getPublicAccessBlock(_ input: GetPublicAccessBlockInput, _ call: Call) async throws -> GetPublicAccessBlockOutput {
    var output = GetPublicAccessBlockOutput()
    output.publicAccessBlockConfiguration = try await shown(
      .publicAccessBlock, of: input.bucket, orElse: S3Error.noPublicAccessBlock(input.bucket))
    return output
  }

  private func deletePublicAccessBlock(_ input: DeletePublicAccessBlockInput, _ call: Call) async throws {
    try await put(nil, as: .publicAccessBlock, of: input.bucket)
  }

  // Ownership

  private func putBucketOwnershipControls(_ input: PutBucketOwnershipControlsInput, _ call: Call) async throws {
    let rules = input.ownershipControls.rules
    guard rules.count == 1, let ownership = ObjectOwnership(rawValue: rules[0].objectOwnership) else { throw S3Error.malformedXML }
    try await put(input.ownershipControls.record, as: .ownershipControls, of: input.bucket) { state in
      if ownership == .bucketOwnerEnforced, state.accessList.grantsOthers(than: state.bucket.owner) {
        throw S3Error.aclWithOwnership
      }
    }
  }

  private func getBucketOwnershipControls(
    _ input: GetBucketOwnershipControlsInput, _ call: Call
  ) async throws -> GetBucketOwnershipControlsOutput {
    var output = GetBucketOwnershipControlsOutput()
    output.ownershipControls = try await shown(
      .ownershipControls, of: input.bucket, orElse: S3Error.noOwnershipControls(input.bucket))
    return output
  }

  private func deleteBucketOwnershipControls(_ input: DeleteBucketOwnershipControlsInput, _ call: Call) async throws {
    try await put(nil, as: .ownershipControls, of: input.bucket)
  }

  // Encryption: what new objects are marked with. Nothing is encrypted on the disk (README).

  private func putBucketEncryption(_ input: PutBucketEncryptionInput, _ call: Call) async throws {
    try EncryptionRules.check(input.serverSideEncryptionConfiguration)
    try await put(input.serverSideEncryptionConfiguration.record, as: .encryption, of: input.bucket)
  }

  private func getBucketEncryption(_ input: GetBucketEncryptionInput, _ call: Call) async throws -> GetBucketEncryptionOutput {
    var output = GetBucketEncryptionOutput()
    output.serverSideEncryptionConfiguration =
      try await buckets.existing(input.bucket).settings.get(.encryption) ?? EncryptionRules.standard
    return output
  }

  private func deleteBucketEncryption(_ input: DeleteBucketEncryptionInput, _ call: Call) async throws {
    try await put(nil, as: .encryption, of: input.bucket)
  }

  // Object lock

  private func putObjectLockConfiguration(
    _ input: PutObjectLockConfigurationInput, _ call: Call
  ) async throws -> PutObjectLockConfigurationOutput {
    guard let wanted = input.objectLockConfiguration, wanted.objectLockEnabled == "Enabled" else { throw S3Error.malformedXML }
    try LockRules.check(wanted)
    try await change(input.bucket) { state, rows in
      guard state.bucket.versioning == .enabled else { throw S3Error.lockNeedsVersioning }
      var bucket = state.bucket
      bucket.isObjectLockEnabled = true
      try rows.put(wanted.record, as: .objectLock, of: bucket)
    }
    return PutObjectLockConfigurationOutput()
  }

  private func getObjectLockConfiguration(
    _ input: GetObjectLockConfigurationInput, _ call: Call
  ) async throws -> GetObjectLockConfigurationOutput {
    let state = try await buckets.existing(input.bucket)
    guard state.bucket.isObjectLockEnabled else { throw S3Error.noObjectLock(input.bucket) }
    var output = GetObjectLockConfigurationOutput()
    output.objectLockConfiguration = state.settings.get(.objectLock) ?? LockRules.withoutDefault
    return output
  }
}

/// The rules of a bucket's default encryption.
enum EncryptionRules {
  /// What every bucket has since 2023.
  static var standard: ServerSideEncryptionConfiguration {
    var standard = ServerSideEncryptionConfiguration(), rule = ServerSideEncryptionRule(), byDefault = ServerSideEncryptionByDefault()
    byDefault.sseAlgorithm = "AES256"
    rule.applyServerSideEncryptionByDefault = byDefault
    rule.bucketKeyEnabled = false
    standard.rules = [rule]
    return standard
  }

  static func check(_ configuration: ServerSideEncryptionConfiguration) throws(AWSError) {
    guard configuration.rules.count == 1 else { throw S3Error.malformedXML }
    if configuration.rules[0].blockedEncryptionTypes != nil { throw S3Error.notImplemented("BlockedEncryptionTypes") }
    guard let byDefault = configuration.rules[0].applyServerSideEncryptionByDefault else { return }
    guard ["AES256", "aws:kms", "aws:kms:dsse"].contains(byDefault.sseAlgorithm) else { throw S3Error.malformedXML }
    if byDefault.sseAlgorithm == "AES256", byDefault.kmsMasterKeyID != nil {
      throw S3Error.invalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
    }
  }
}

/// The rules of an object lock configuration.
enum LockRules {
  static var withoutDefault: ObjectLockConfiguration {
    var configuration = ObjectLockConfiguration()
    configuration.objectLockEnabled = "Enabled"
    return configuration
  }

  static func check(_ configuration: ObjectLockConfiguration) throws(AWSError) {
    guard let rule = configuration.rule else { return }
    guard let retention = rule.defaultRetention, let mode = retention.mode, ["GOVERNANCE", "COMPLIANCE"].contains(mode),
      (retention.days == nil) != (retention.years == nil)
    else { throw S3Error.malformedXML }
    guard retention.days ?? retention.years ?? 0 > 0 else {
      throw S3Error.invalidArgument("Default retention period must be a positive integer value.")
    }
    guard retention.days ?? 1 <= S3Limits.retentionDays, retention.years ?? 1 <= S3Limits.retentionYears else {
      throw S3Error.invalidArgument("Default retention period too large.")
    }
  }
}
