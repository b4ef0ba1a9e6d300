import Base
import Fabric
import Store
import Wire

extension HeadBucketInput: BucketInput {}
extension DeleteBucketInput: BucketInput {}
extension GetBucketLocationInput: BucketInput {}

/// Buckets come and go.
extension S3Service {
  var bucketOperations: [Operation] {
    [
      Operation("CreateBucket", access: createBucketAccess, run: createBucket),
      Operation("HeadBucket", access: access("ListBucket"), run: headBucket),
      Operation("DeleteBucket", access: access("DeleteBucket"), run: deleteBucket),
      Operation("GetBucketLocation", access: access("GetBucketLocation"), run: getBucketLocation),
    ]
  }

  private func createBucketAccess(_ input: CreateBucketInput, _ call: Call) async throws -> [Access] {
    let arn = Bucket.arn(input.bucket), tags = input.createBucketConfiguration?.tags ?? []
    var actions = ["CreateBucket"]
    if try AccessList(input, owner: call.account) != nil { actions.append("PutBucketAcl") }
    if input.objectLockEnabledForBucket == true { actions += ["PutBucketObjectLockConfiguration", "PutBucketVersioning"] }
    if input.objectOwnership != nil { actions.append("PutBucketOwnershipControls") }
    if !tags.isEmpty { actions.append("TagResource") }
    let asked = Dictionary(tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    return actions.map { Access("s3:" + $0, on: arn, owner: call.account).bringing(asked) }
  }

  /// Names are unique over all accounts. Making a bucket of one's own again is 409, but in us-east-1 it is 200 as it always was.
  private func createBucket(_ input: CreateBucketInput, _ call: Call) async throws -> CreateBucketOutput {
    guard let account = call.principal.account else { throw S3Error.accessDenied }
    try BucketName.check(input.bucket)
    let region = try BucketLocation.region(input.createBucketConfiguration?.locationConstraint, at: call.region)
    let settings = try newSettings(input, account)
    var bucket = Bucket(
      name: input.bucket, id: Int64(ambient.random.number(below: 1 << 62)), owner: account, region: region, created: ambient.now)
    if input.objectLockEnabledForBucket == true { (bucket.isObjectLockEnabled, bucket.versioning) = (true, .enabled) }
    let candidate = bucket
    try await store.transact { rows in
      if let present = try rows.bucket(candidate.name) {
        guard present.owner == candidate.owner else { throw S3Error.bucketAlreadyExists(candidate.name) }
        guard present.region == .usEast1, call.region == .usEast1, candidate.region == .usEast1 else {
          throw S3Error.bucketAlreadyOwnedByYou(candidate.name)
        }
        return
      }
      guard try rows.entries(Keys.owned(by: account), limit: S3Limits.bucketsPerAccount).count < S3Limits.bucketsPerAccount else {
        throw S3Error.tooManyBuckets
      }
      try rows.insert(candidate)
      for (setting, record) in settings { try rows.set(Keys.setting(setting, of: candidate.id), RecordRow.bytes(record)) }
    }
    buckets.forget(candidate.name)
    var output = CreateBucketOutput()
    output.location = region == .usEast1 ? "/" + candidate.name : "http://\(candidate.name).s3.amazonaws.com/"
    return output
  }

  /// What a new bucket is set to: everything public is blocked, and ACLs are off unless the request says otherwise.
  private func newSettings(_ input: CreateBucketInput, _ account: AccountID) throws -> [(BucketSetting, Record)] {
    let wanted = input.createBucketConfiguration
    if wanted?.bucket != nil || wanted?.location != nil { throw S3Error.notImplemented("directory buckets") }
    if let namespace = input.bucketNamespace, namespace != "global" { throw S3Error.notImplemented("the bucket namespace \(namespace)") }
    let ownership = input.objectOwnership ?? ObjectOwnership.bucketOwnerEnforced.rawValue
    guard ObjectOwnership(rawValue: ownership) != nil else {
      throw S3Error.invalidArgument("Invalid x-amz-object-ownership header: \(ownership)", "x-amz-object-ownership", ownership)
    }
    var rule = OwnershipControlsRule(), controls = OwnershipControls()
    rule.objectOwnership = ownership
    controls.rules = [rule]
    var settings: [(BucketSetting, Record)] = [(.ownershipControls, controls.record), (.publicAccessBlock, PublicAccess.all.record)]
    if let list = try AccessList(input, owner: account) {
      if ownership == ObjectOwnership.bucketOwnerEnforced.rawValue, list.grantsOthers(than: account) { throw S3Error.aclWithOwnership }
      if list.isPublic { throw S3Error.publicACLAtCreation }
      settings.append((.acl, list.document.record))
    }
    if let tags = wanted?.tags, !tags.isEmpty {
      try TagRules.check(tags, maximum: S3Limits.bucketTags, of: "Bucket")
      var tagging = S3Tagging()
      tagging.tagSet = tags
      settings.append((.tagging, tagging.record))
    }
    return settings
  }

  private func headBucket(_ input: HeadBucketInput, _ call: Call) async throws -> HeadBucketOutput {
    let bucket = try await buckets.existing(input.bucket).bucket
    var output = HeadBucketOutput()
    output.bucketRegion = bucket.region.text
    output.accessPointAlias = false
    return output
  }

  private func deleteBucket(_ input: DeleteBucketInput, _ call: Call) async throws {
    let name = input.bucket
    try await store.transact { rows in
      let bucket = try rows.existingBucket(name)
      guard try rows.isEmpty(bucket) else { throw S3Error.bucketNotEmpty(name, isVersioned: bucket.versioning != .off) }
      try rows.remove(bucket)
    }
    buckets.forget(name)
  }

  /// Empty for us-east-1.
  private func getBucketLocation(_ input: GetBucketLocationInput, _ call: Call) async throws -> GetBucketLocationOutput {
    let bucket = try await buckets.existing(input.bucket).bucket
    var output = GetBucketLocationOutput()
    if bucket.region != .usEast1 { output.locationConstraint = bucket.region.text }
    return output
  }
}

/// Where a bucket is made.
enum BucketLocation {
  /// The endpoint of us-east-1 is that of the world: it makes buckets anywhere. That of another Region only at home, and the request
  /// has to say so. Throws InvalidLocationConstraint and IllegalLocationConstraintException.
  static func region(_ constraint: String?, at endpoint: Region) throws(AWSError) -> Region {
    guard let constraint, !constraint.isEmpty else {
      guard endpoint == .usEast1 else { throw S3Error.illegalLocation(nil) }
      return .usEast1
    }
    let name = constraint == "EU" ? "eu-west-1" : constraint
    guard name != Region.usEast1.text, let region = Region(name), isRegion(name) else { throw S3Error.invalidLocation(constraint) }
    guard endpoint == .usEast1 || endpoint == region else { throw S3Error.illegalLocation(constraint) }
    return region
  }

  /// `eu-west-1`, and new ones of that form.
  private static func isRegion(_ name: String) -> Bool {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    return (3...4).contains(parts.count) && parts.allSatisfy { !$0.isEmpty } && Int(parts[parts.count - 1]) != nil
  }
}
