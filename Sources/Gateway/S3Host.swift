import Base

/// What the Host of a request says to S3: `BUCKET.s3.REGION.amazonaws.com`, `BUCKET.s3.localhost`, `BUCKET.localhost`, or no
/// bucket, which then stands first in the path.
struct S3Host: Equatable {
  /// Buckets may have dots.
  var bucket: String?
  /// The host itself says that it is S3's.
  var isExplicit: Bool

  private static let suffixes = [".amazonaws.com", ".amazonaws.com.cn", ".localhost.localstack.cloud", ".localhost"]

  /// - Parameter field: the Host field, with its port if it has one.
  init(_ field: String?) {
    (bucket, isExplicit) = (nil, false)
    let host = OriginGuard.withoutPort(field ?? "").lowercased()
    guard let suffix = Self.suffixes.first(where: host.hasSuffix) else { return }
    var labels = host.dropLast(suffix.utf8.count).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let last = labels.last, labels.count > 1, Region(last) != nil, labels.dropLast().contains(where: { $0 == "s3" || $0 == "dualstack" }) {
      labels.removeLast()
    }
    if labels.last == "dualstack" { labels.removeLast() }
    isExplicit = labels.last.map { $0 == "s3" || $0.hasPrefix("s3-") && Region($0.dropFirst(3)) != nil } ?? false
    if isExplicit { labels.removeLast() }
    let name = labels.joined(separator: ".")
    // At AWS's own names every host that is not S3's is somebody else's.
    if !name.isEmpty, isExplicit || suffix == ".localhost" { bucket = name }
  }
}
