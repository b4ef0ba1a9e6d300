import Base

/// The rules of tags (API reference, TagResource).
enum TopicTags {
  static func checked(_ tags: [(key: String, value: String)]) throws(AWSError) -> [String: String] {
    var out: [String: String] = [:]
    for (key, value) in tags {
      guard (1...128).contains(key.count), value.count <= 256, !key.lowercased().hasPrefix("aws:") else {
        throw SNSError.invalid(
          "Tags", "Tag keys must be between 1 and 128 characters in length and must not begin with aws:, tag values must not be longer than 256 characters.")
      }
      guard out.updateValue(value, forKey: key) == nil else { throw SNSError.invalid("Duplicated keys are not allowed.") }
    }
    return try limited(out)
  }
  static func limited(_ tags: [String: String]) throws(AWSError) -> [String: String] {
    guard tags.count <= SNSLimits.tags else { throw SNSError.tagLimit }
    return tags
  }
}
