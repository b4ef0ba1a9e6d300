import Base

/// The rules of tags on buckets and objects ("Categorizing your storage using tags").
enum TagRules {
  /// - Parameter kind: what has the tags, as the error says it: `Bucket` or `Object`.
  static func check(_ tags: [S3Tag], maximum: Int, of kind: String) throws(AWSError) {
    guard tags.count <= maximum else {
      throw AWSError(
        "BadRequest", kind == "Bucket" ? "Bucket tag count cannot be greater than \(maximum)" : "\(kind) tags cannot be greater than \(maximum)",
        status: 400)
    }
    var keys: Set<String> = []
    for tag in tags {
      guard S3Limits.tagKeyLength.contains(tag.key.unicodeScalars.count), isText(tag.key) else {
        throw invalid("The TagKey you have provided is invalid", tag.key)
      }
      guard tag.value.unicodeScalars.count <= S3Limits.tagValueLength, isText(tag.value) else {
        throw AWSError("InvalidTag", "The TagValue you have provided is invalid", status: 400, members: [("TagValue", .string(tag.value))])
      }
      if tag.key.lowercased().hasPrefix("aws:") { throw invalid("System tags cannot be added/updated by requester", tag.key) }
      if !keys.insert(tag.key).inserted { throw invalid("Cannot provide multiple Tags with the same key", tag.key) }
    }
  }

  private static func invalid(_ text: String, _ key: String) -> AWSError {
    AWSError("InvalidTag", text, status: 400, members: [("TagKey", .string(key))])
  }

  /// Letters, digits, blanks and `_ . : / = + - @`.
  private static func isText(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil || marks.contains($0) || $0.properties.isWhitespace
    }
  }
  private static let marks = Set("_.:/=+-@".unicodeScalars)
}
