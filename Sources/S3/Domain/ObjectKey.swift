import Base

/// The rules of object keys: 1 to 1,024 bytes of UTF-8. Keys are compared by their bytes: two that look alike are two.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)
enum ObjectKey {
  /// Throws KeyTooLongError, and InvalidArgument for an empty key.
  static func check(_ key: String) throws(AWSError) {
    guard !key.isEmpty else { throw S3Error.invalidArgument("Object key cannot be empty", "Key", key) }
    guard key.utf8.count <= S3Limits.keyBytes else { throw S3Error.keyTooLong(key.utf8.count) }
  }

  static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}

extension StringProtocol {
  /// Whether the text begins with these bytes. `hasPrefix` asks for whole characters, so that `e` would not begin an `e` with an accent
  /// behind it.
  func begins(with prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }
  /// Whether the text ends with these bytes.
  func ends(with suffix: some StringProtocol) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }
}

/// The name of one version of an object: 32 characters that say nothing to a client, and lead to its row.
struct VersionID: Sendable, Equatable {
  /// What objects have that were made while versioning was off or suspended.
  static let nullText = "null"

  /// Of two versions of a key the later one has the greater one.
  let sequence: Int64
  let text: String

  init(sequence: Int64, random: [UInt8]) {
    self.sequence = sequence
    let head = (0..<8).map { UInt8(truncatingIfNeeded: sequence >> Int64(56 - 8 * $0)) }
    // The head is hidden in the tail, so that nobody comes to rely on the order of ids.
    let tail = Array((random + [UInt8](repeating: 0, count: 16)).prefix(16))
    text = (zip(head, tail).map { $0 ^ $1 } + tail).base64.replacing("+", by: ".").replacing("/", by: "_")
  }

  /// Nil for what never was the id of a version.
  init?(_ text: String) {
    guard text.utf8.count == 32, let bytes = decodeBase64(text.replacing(".", by: "+").replacing("_", by: "/")), bytes.count == 24
    else { return nil }
    sequence = zip(bytes.prefix(8), bytes.dropFirst(8)).reduce(0) { $0 << 8 | Int64($1.0 ^ $1.1) }
    self.text = text
  }
}

/// What a request means by `versionId`.
enum VersionReference: Sendable, Equatable {
  case current
  case null
  case version(VersionID)

  /// Throws InvalidArgument.
  init(_ text: String?) throws(AWSError) {
    switch text {
    case nil: self = .current
    case VersionID.nullText?: self = .null
    case let text?:
      guard let id = VersionID(text) else { throw S3Error.invalidArgument("Invalid version id specified", "versionId", text) }
      self = .version(id)
    }
  }
}
