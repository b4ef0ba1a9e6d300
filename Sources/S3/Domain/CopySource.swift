import Base

/// `x-amz-copy-source`: `bucket/key?versionId=…`, percent-encoded, with or without a slash before it.
struct CopySource: Sendable, Equatable {
  var bucket: String
  var key: String
  var versionID: String?

  /// Throws InvalidArgument, and NotImplemented for the ARN of an access point.
  init(_ text: String) throws(AWSError) {
    var path = Self.withoutSlash(text)
    let mark = "?versionId="
    if let place = Self.last(mark, in: path) {
      versionID = percentDecoded(String(path.utf8.dropFirst(place + mark.utf8.count)) ?? "")
      path = String(path.utf8.prefix(place)) ?? ""
    }
    // Some clients encode the slash behind the bucket, too.
    path = percentDecoded(path)
    path = Self.withoutSlash(path)
    if path.hasPrefix("arn:") { throw S3Error.notImplemented("access points") }
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw S3Error.invalidArgument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", text)
    }
    (bucket, key) = (String(Substring(parts[0])), String(Substring(parts[1])))
  }

  /// By bytes: a key may begin with a mark that makes one character with the slash before it.
  private static func withoutSlash(_ path: String) -> String {
    path.utf8.first == UInt8(ascii: "/") ? String(Substring(path.utf8.dropFirst())) : path
  }

  private static func last(_ mark: String, in text: String) -> Int? {
    let (bytes, mark) = (Array(text.utf8), Array(mark.utf8))
    guard bytes.count >= mark.count else { return nil }
    return (0...(bytes.count - mark.count)).last { bytes[$0..<($0 + mark.count)].elementsEqual(mark) }
  }
}
