import Base
import Fabric

/// Whose objects are. In buckets where ACLs are off, as they are by default, everything is the bucket owner's.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html)
extension BucketState {
  /// - Parameter acl: the canned list of the request.
  func owner(ofNewBy writer: Principal, acl: String?) -> AccountID {
    // A service acts for the bucket's owner, and somebody unknown owns nothing here.
    guard ownership != .bucketOwnerEnforced, let account = writer.account else { return bucket.owner }
    if case .service = writer { return bucket.owner }
    return ownership == .bucketOwnerPreferred && acl == "bucket-owner-full-control" ? bucket.owner : account
  }

  func owner(of version: ObjectVersion) -> AccountID { ownership == .bucketOwnerEnforced ? bucket.owner : version.owner }
}

/// The actions that the owner of an object decides about. About all others the owner of the bucket does, who can always delete.
enum ObjectOwnerActions {
  static let all: Set = [
    "GetObject", "GetObjectVersion", "GetObjectAttributes", "GetObjectVersionAttributes", "GetObjectAcl", "GetObjectVersionAcl",
    "PutObjectAcl", "PutObjectVersionAcl",
  ]
}
