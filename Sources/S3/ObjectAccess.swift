import Base
import Fabric
import Wire

/// What operations on objects ask IAM for.
extension S3Service {
  /// An action on the object that the input names, with what policies may ask of the request.
  func objectAccess<Input: ObjectInput>(
    _ action: @escaping @Sendable (Input) -> [String]
  ) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try ObjectKey.check(input.key)
      let facts = RequestFacts.conditionValues(input.record)
      let list = try await self.accessList(of: input.key, input.record["VersionId"]?.string, in: input.bucket, for: call)
      let actions = action(input)
      // What makes a new version has none yet.
      let version = input.record["VersionId"]?.string
      let tags = actions.contains("PutObject") ? [:] : try await self.existingTags(of: input.key, version, in: input.bucket, for: call)
      var all: [Access] = []
      for action in actions {
        var access = try await self.access(
          action, bucket: input.bucket, key: input.key, list: list, expectedOwner: input.expectedOwner, payer: input.statedPayer, call)
        access.conditionValues.merge(facts) { _, new in new }
        access.conditionValues.merge(tags) { _, new in new }
        all.append(access)
      }
      return all
    }
  }

  /// `s3:ExistingObjectTag/KEY` of a version. It is read only where a policy may ask for it: the root of the bucket's account has none
  /// but the bucket's.
  func existingTags(of key: String, _ versionID: String?, in name: String, for call: Call) async throws -> [String: [String]] {
    guard let state = try await buckets.find(name), let reference = try? VersionReference(versionID),
      call.principal != .root(state.bucket.owner) || state.policy?.lowercased().contains("existingobjecttag") == true
    else { return [:] }
    let tags = try await store.read { try $0.version(state.bucket, key, reference) }?.facts?.description.tags ?? []
    return Dictionary(tags.map { ("s3:existingobjecttag/\($0.key.lowercased())", [$0.value]) }, uniquingKeysWith: { first, _ in first })
  }

  /// Reading or changing what a version has: the action has another name when the request names the version.
  func versionAccess<Input: ObjectInput>(_ action: String, _ ofVersion: String) -> @Sendable (Input, Call) async throws -> [Access] {
    objectAccess { input in [input.record["VersionId"] == nil ? action : ofVersion] }
  }

  /// What a write asks for, by what it says of the object.
  static func writeActions(_ input: Record) -> [String] {
    var actions = ["PutObject"]
    if input["Tagging"] != nil { actions.append("PutObjectTagging") }
    if ["ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP"].contains(where: { input[$0] != nil }) {
      actions.append("PutObjectAcl")
    }
    if input["ObjectLockMode"] != nil || input["ObjectLockRetainUntilDate"] != nil { actions.append("PutObjectRetention") }
    if input["ObjectLockLegalHoldStatus"] != nil { actions.append("PutObjectLegalHold") }
    return actions
  }

  /// The error for an object that is not there: only who may list the bucket learns that it is missing.
  func missing(_ error: AWSError, in state: BucketState, _ call: Call) async -> AWSError {
    do {
      let access = try await access("ListBucket", bucket: state.bucket.name, call)
      try await neighbours.authoriser.authorise(access, for: call)
      return error
    } catch {
      return S3Error.accessDenied
    }
  }
}

/// Condition keys of S3 that a request answers.
/// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html)
enum RequestFacts {
  private static let members: [(member: String, key: String)] = [
    ("ACL", "s3:x-amz-acl"), ("StorageClass", "s3:x-amz-storage-class"), ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
    ("SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
    ("SSECustomerAlgorithm", "s3:x-amz-server-side-encryption-customer-algorithm"), ("CopySource", "s3:x-amz-copy-source"),
    ("MetadataDirective", "s3:x-amz-metadata-directive"), ("VersionId", "s3:versionid"), ("Prefix", "s3:prefix"),
    ("Delimiter", "s3:delimiter"), ("ObjectLockMode", "s3:object-lock-mode"), ("ObjectLockLegalHoldStatus", "s3:object-lock-legal-hold"),
    ("IfMatch", "s3:if-match"), ("IfNoneMatch", "s3:if-none-match"),
  ]

  static func conditionValues(_ input: Record) -> [String: [String]] {
    var values: [String: [String]] = [:]
    for (member, key) in members {
      if let text = input[member]?.string { values[key] = [text] }
    }
    if let keys = input["MaxKeys"]?.integer { values["s3:max-keys"] = ["\(keys)"] }
    // A header that is no list of tags is refused later.
    if let tags = try? ObjectTag.parse(header: input["Tagging"]?.string), !tags.isEmpty {
      values["s3:requestobjecttagkeys"] = tags.map(\.key)
      for tag in tags { values["s3:requestobjecttag/\(tag.key.lowercased())"] = [tag.value] }
    }
    return values
  }
}
