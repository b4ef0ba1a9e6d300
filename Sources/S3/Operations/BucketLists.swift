import Base
import Fabric
import Store
import Wire

/// The list of an account's buckets.
extension S3Service {
  var bucketListOperations: [Operation] {
    [Operation("ListBuckets", access: listBucketsAccess, run: listBuckets)]
  }

  private func listBucketsAccess(_ input: ListBucketsInput, _ call: Call) async throws -> [Access] {
    // Nobody has no buckets to list.
    if case .anonymous = call.principal { throw S3Error.accessDenied }
    return [Access("s3:ListAllMyBuckets", owner: call.account)]
  }

  private func listBuckets(_ input: ListBucketsInput, _ call: Call) async throws -> ListBucketsOutput {
    let limit = input.maxBuckets ?? S3Limits.listedBuckets.upperBound
    guard S3Limits.listedBuckets.contains(limit) else {
      throw S3Error.invalidArgument(
        "Argument max-buckets must be an integer between 1 and 10000", "max-buckets", "\(limit)")
    }
    let last = try input.continuationToken.map { try BucketPageToken.read($0) }
    let (account, prefix) = (call.account, input.prefix ?? "")
    let region = input.bucketRegion
    let (found, next) = try await store.read { rows in
      var found: [Bucket] = []
      var hasMore = false
      try rows.scan(Keys.owned(by: account, prefix: prefix, after: last)) { key, _ in
        let bucket = try rows.existingBucket(Keys.ownedName(key, by: account))
        guard region == nil || bucket.region.text == region else { return true }
        hasMore = found.count == limit
        if !hasMore { found.append(bucket) }
        return !hasMore
      }
      return (found, hasMore ? found.last?.name : nil)
    }
    // Older clients take no more elements than there were before there were pages.
    let isPaged = input != ListBucketsInput()
    var output = ListBucketsOutput()
    output.buckets = found.map { $0.listed(withRegion: isPaged) }
    output.owner = S3Owner(account)
    output.continuationToken = next.map(BucketPageToken.text)
    output.prefix = input.prefix
    return output
  }
}

/// Where a page of ListBuckets ends: the last name, opaque to clients.
private enum BucketPageToken {
  static func text(_ name: String) -> String { Array(name.utf8).base64 }
  static func read(_ token: String) throws(AWSError) -> String {
    guard let bytes = decodeBase64(token), BucketName.isValid(bytes.utf8Text) else {
      throw S3Error.invalidArgument("The continuation token provided is incorrect", "continuation-token")
    }
    return bytes.utf8Text
  }
}

extension Bucket {
  fileprivate func listed(withRegion: Bool) -> S3Bucket {
    var listed = S3Bucket()
    listed.name = name
    listed.creationDate = created
    if withRegion { listed.bucketRegion = region.text }
    return listed
  }
}

extension S3Owner {
  init(_ account: AccountID) {
    self.init()
    id = CanonicalUser.id(account)
  }
}
