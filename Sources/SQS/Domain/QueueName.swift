import Base

/// What identifies a queue to its users.
struct QueueName: Hashable, Sendable {
  let account: AccountID
  let region: Region
  let name: String

  var arn: ARN { ARN("sqs", region, account, name) }
  var isFIFO: Bool { name.hasSuffix(".fifo") }

  /// The URL under which the caller can reach it: AWS's host is replaced by the name under which the caller knows us.
  func url(at endpoint: String) -> String { "\(endpoint)/\(account)/\(name)" }

  init(account: AccountID, region: Region, name: String) { (self.account, self.region, self.name) = (account, region, name) }

  /// Clients send back URLs with any host (wire.md §5.6), so only the last two segments of the path count.
  /// Throws InvalidAddress.
  init(url: String, region: Region) throws(AWSError) {
    // Bytes, not characters: each call on a queue comes here.
    let slash = UInt8(ascii: "/")
    var path = Array(url.utf8)[...]
    if let colon = path.indices.first(where: { path[$0...].starts(with: "://".utf8) }) {
      path = path[(colon + 3)...].drop { $0 != slash }
    }
    let segments = path.split(separator: slash).suffix(2)
    guard segments.count == 2, let account = segments.first.flatMap({ AccountID($0.utf8Text) }), let name = segments.last else {
      throw SQSError.invalidAddress(url)
    }
    self.init(account: account, region: region, name: name.utf8Text)
  }

  /// Nil unless it is the ARN of a queue.
  init?(_ arn: ARN) {
    guard arn.service == "sqs", let account = AccountID(arn.account), let region = Region(arn.region),
      !arn.resource.contains(":"), !arn.resource.contains("/")
    else { return nil }
    self.init(account: account, region: region, name: arn.resource)
  }

  /// Throws AWS's texts for a name that a new queue cannot have.
  static func check(_ name: String, isFIFO: Bool) throws(AWSError) {
    let stem = isFIFO && name.hasSuffix(".fifo") ? String(name.dropLast(5)) : name
    let isWellFormed =
      SQSLimits.nameLength.contains(name.utf8.count) && !stem.isEmpty && stem.utf8.allSatisfy(isNameByte)
    if isFIFO, !isWellFormed || !name.hasSuffix(".fifo") {
      throw SQSError.invalid(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix "
          + "and be 1 to 80 in length.")
    }
    guard isWellFormed else {
      throw SQSError.invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    }
  }
}

/// Letters, digits, hyphen and underscore: what queue names and batch entry ids are made of.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
  default: false
  }
}
