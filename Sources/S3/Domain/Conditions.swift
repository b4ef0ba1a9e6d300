import Base

/// Conditions of a read, in the order in which HTTP and S3 test them.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html)
struct ReadConditions: Sendable {
  var ifMatch: String?
  var ifNoneMatch: String?
  var ifModifiedSince: Instant?
  var ifUnmodifiedSince: Instant?

  enum Verdict: Sendable, Equatable {
    case holds
    case notModified
    /// The condition that does not hold.
    case failed(String)
  }

  func judge(eTag: String, modified: Instant) -> Verdict {
    let modified = Instant(seconds: modified.seconds)
    if let ifMatch {
      guard EntityTags.contains(eTag, in: ifMatch) else { return .failed("If-Match") }
    } else if let ifUnmodifiedSince, modified > ifUnmodifiedSince {
      return .failed("If-Unmodified-Since")
    }
    if let ifNoneMatch {
      return EntityTags.contains(eTag, in: ifNoneMatch) ? .notModified : .holds
    }
    if let ifModifiedSince, modified <= ifModifiedSince { return .notModified }
    return .holds
  }
}

/// Conditions of a write: `If-None-Match: *` makes an object only where none is, `If-Match` replaces only what one knows.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)
struct WriteConditions: Sendable {
  var ifMatch: String?
  var ifNoneMatch: String?

  /// Throws NotImplemented for what S3 does not take of a write.
  init(ifMatch: String?, ifNoneMatch: String?) throws(AWSError) {
    (self.ifMatch, self.ifNoneMatch) = (ifMatch, ifNoneMatch)
    if let ifNoneMatch, ifNoneMatch != "*" {
      throw S3Error.notImplementedHeader("If-None-Match")
    }
    if ifMatch != nil, ifNoneMatch != nil { throw S3Error.notImplementedHeader("If-Match") }
  }

  var isEmpty: Bool { ifMatch == nil && ifNoneMatch == nil }

  /// - Parameter current: what a read would find.
  func check(_ current: ObjectFacts?, key: String) throws(AWSError) {
    if ifNoneMatch != nil, current != nil { throw S3Error.preconditionFailed("If-None-Match") }
    if let ifMatch {
      guard let current else { throw S3Error.noSuchKey(key) }
      guard EntityTags.contains(current.eTag, in: ifMatch) else { throw S3Error.preconditionFailed("If-Match") }
    }
  }
}

enum EntityTags {
  /// - Parameter list: `*`, or tags parted by commas, in quotes or not.
  static func contains(_ eTag: String, in list: String) -> Bool {
    list.split(separator: ",").contains { item in
      let item = item.trimmed
      return item == "*" || bare(item) == eTag
    }
  }
  /// Without quotes.
  static func bare(_ text: String) -> String {
    text.utf8.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"") ? String(text.dropFirst().dropLast()) : text
  }
  static func quoted(_ eTag: String) -> String { "\"\(eTag)\"" }
}

/// `Range: bytes=…` of a read.
enum ByteRange: Sendable, Equatable {
  case range(Range<Int>)
  /// Nothing of the object is in it.
  case unsatisfiable

  /// Nil when the field asks for no single range: then S3 gives the whole object.
  init?(_ text: String, size: Int) {
    guard let (first, last) = Self.bounds(text) else { return nil }
    guard let first else {
      // The last bytes.
      guard let last, last > 0, size > 0 else {
        self = .unsatisfiable
        return
      }
      self = .range(max(0, size - last)..<size)
      return
    }
    if let last, last < first { return nil }
    guard first < size else {
      self = .unsatisfiable
      return
    }
    self = .range(first..<min(size, last.map { $0 == .max ? .max : $0 + 1 } ?? size))
  }

  private static func bounds(_ text: String) -> (first: Int?, last: Int?)? {
    let text = text.trimmed
    guard text.lowercased().hasPrefix("bytes=") else { return nil }
    let parts = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let (first, last) = (parts[0].trimmed, parts[1].trimmed)
    guard !(first.isEmpty && last.isEmpty), [first, last].allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return nil }
    // Numbers beyond all objects are as good as the end.
    return (first.isEmpty ? nil : Int(first) ?? .max, last.isEmpty ? nil : Int(last) ?? .max)
  }

  /// `x-amz-copy-source-range`: both ends, both within the source. Throws InvalidArgument and InvalidRequest.
  static func copySource(_ text: String, size: Int) throws(AWSError) -> Range<Int> {
    guard let bounds = bounds(text), let first = bounds.first, let last = bounds.last, first <= last else {
      throw S3Error.invalidArgument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the "
          + "first and last bytes to copy", "x-amz-copy-source-range", text)
    }
    guard last < size else {
      throw S3Error.invalidArgument("Range specified is not valid for source object of size: \(size)", "x-amz-copy-source-range", text)
    }
    return first..<(last + 1)
  }
}
