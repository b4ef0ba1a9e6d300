import Base

/// The four switches of the public access block.
struct PublicAccess: Sendable, Equatable {
  /// An ACL that lets everybody in cannot be put.
  var blocksPublicACLs = false
  /// One that is there counts for nothing.
  var ignoresPublicACLs = false
  /// A public policy cannot be put.
  var blocksPublicPolicy = false
  /// One that is there serves the owner's account and services alone.
  var restrictsPublicBuckets = false

  init() {}
  init(_ configuration: PublicAccessBlockConfiguration?) {
    blocksPublicACLs = configuration?.blockPublicAcls ?? false
    ignoresPublicACLs = configuration?.ignorePublicAcls ?? false
    blocksPublicPolicy = configuration?.blockPublicPolicy ?? false
    restrictsPublicBuckets = configuration?.restrictPublicBuckets ?? false
  }

  /// What a new bucket has (since April 2023).
  static var all: PublicAccessBlockConfiguration {
    var all = PublicAccessBlockConfiguration()
    (all.blockPublicAcls, all.ignorePublicAcls, all.blockPublicPolicy, all.restrictPublicBuckets) = (true, true, true, true)
    return all
  }
}

/// Who owns what others put into the bucket, and whether ACLs count.
enum ObjectOwnership: String, Sendable {
  /// ACLs are off, the bucket's owner owns everything.
  case bucketOwnerEnforced = "BucketOwnerEnforced"
  /// What comes with `bucket-owner-full-control` is the bucket owner's.
  case bucketOwnerPreferred = "BucketOwnerPreferred"
  /// Who puts an object owns it.
  case objectWriter = "ObjectWriter"
}
