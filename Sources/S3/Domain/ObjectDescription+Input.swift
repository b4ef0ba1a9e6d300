import Base
import Wire

/// From what a request says of an object to what is kept.
extension ObjectDescription {
  /// - Parameter input: of PutObject, CopyObject or CreateMultipartUpload, which name these members alike.
  init(_ input: Record, in state: BucketState, now: Instant) throws(AWSError) {
    try readHeaders(input)
    storageClass = try Self.storageClass(input["StorageClass"]?.string)
    encryption = try ObjectEncryption(
      input, default: state.settings.get(.encryption, as: ServerSideEncryptionConfiguration.self)?.rules.first)
    tags = try ObjectTag.parse(header: input["Tagging"]?.string)
    lock = try ObjectLock(
      input, isEnabled: state.bucket.isObjectLockEnabled, default: state.settings.get(.objectLock, as: ObjectLockConfiguration.self),
      now: now)
  }

  /// What the directive of a copy replaces.
  mutating func readHeaders(_ input: Record) throws(AWSError) {
    contentType = input["ContentType"]?.string
    contentEncoding = input["ContentEncoding"]?.string
    contentDisposition = input["ContentDisposition"]?.string
    contentLanguage = input["ContentLanguage"]?.string
    cacheControl = input["CacheControl"]?.string
    expires = input["Expires"]?.string
    redirect = input["WebsiteRedirectLocation"]?.string
    if let redirect, !redirect.hasPrefix("/"), !redirect.hasPrefix("http://"), !redirect.hasPrefix("https://") {
      throw AWSError(
        "InvalidRedirectLocation", "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.", status: 400)
    }
    var bytes = 0
    metadata = [:]
    for entry in input["Metadata"]?.map ?? [] {
      let (name, value) = (entry.key.lowercased(), entry.value.string ?? "")
      bytes += name.utf8.count + value.utf8.count
      // Two fields of one name are one list.
      metadata[name] = metadata[name].map { "\($0),\(value)" } ?? value
    }
    guard bytes <= S3Limits.metadataBytes else { throw S3Error.metadataTooLarge }
  }

  private static let classes: Set = [
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
  ]
  /// Nil for STANDARD.
  static func storageClass(_ name: String?) throws(AWSError) -> String? {
    guard let name, name != "STANDARD" else { return nil }
    guard classes.contains(name) else { throw S3Error.invalidStorageClass(name) }
    return name
  }
}

extension ObjectTag {
  /// `x-amz-tagging`, in the form of a query. Throws InvalidArgument, InvalidTag and BadRequest.
  static func parse(header text: String?) throws(AWSError) -> [ObjectTag] {
    guard let text, !text.isEmpty else { return [] }
    var tags: [ObjectTag] = []
    for pair in text.split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      tags.append(
        ObjectTag(
          key: percentDecoded(sides[0].utf8, plusIsSpace: true).utf8Text,
          value: sides.count > 1 ? percentDecoded(sides[1].utf8, plusIsSpace: true).utf8Text : ""))
    }
    guard Set(tags.map { ExactText($0.key) }).count == tags.count else {
      throw S3Error.invalidArgument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        "x-amz-tagging", text)
    }
    try check(tags)
    return tags
  }

  static func check(_ tags: [ObjectTag]) throws(AWSError) {
    guard tags.count <= S3Limits.objectTags else { throw S3Error.tooManyTags }
    guard Set(tags.map { ExactText($0.key) }).count == tags.count else {
      throw S3Error.invalidTag("Cannot provide multiple Tags with the same key")
    }
    for tag in tags {
      guard S3Limits.tagKeyLength.contains(tag.key.count) else { throw S3Error.invalidTag("The TagKey you have provided is invalid") }
      guard tag.value.count <= S3Limits.tagValueLength else { throw S3Error.invalidTag("The TagValue you have provided is invalid") }
      guard !tag.key.hasPrefix("aws:") else { throw S3Error.invalidTag("Your TagKey cannot be prefixed with aws:") }
      guard isValid(tag.key) else { throw S3Error.invalidTag("The TagKey you have provided is invalid") }
      guard isValid(tag.value) else { throw S3Error.invalidTag("The TagValue you have provided is invalid") }
    }
  }

  /// Letters, digits, blanks and `+ - = . _ : / @`.
  private static func isValid(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar.properties.isWhitespace
        || "+-=._:/@".unicodeScalars.contains(scalar)
    }
  }
}
