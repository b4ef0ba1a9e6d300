import Base

/// The rules of bucket names ("General purpose bucket naming rules").
enum BucketName {
  static func isValid(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard S3Limits.bucketNameLength.contains(bytes.count), let first = bytes.first, let last = bytes.last,
      isLetterOrDigit(first), isLetterOrDigit(last),
      bytes.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
    else { return false }
    return !name.contains("..") && !isAddress(name) && !prefixes.contains(where: name.hasPrefix)
      && !suffixes.contains(where: name.hasSuffix)
  }

  /// Throws InvalidBucketName.
  static func check(_ name: String) throws(AWSError) {
    guard isValid(name) else { throw S3Error.invalidBucketName(name) }
  }

  private static let prefixes = ["xn--", "sthree-", "amzn-s3-demo-"]
  private static let suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"]

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }

  /// Whether it has the form of an IPv4 address.
  private static func isAddress(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy { (48...57).contains($0) } }
  }
}
