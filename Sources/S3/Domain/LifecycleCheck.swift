import Base

/// The checks of a lifecycle configuration.
enum LifecycleCheck {
  private static let classes: Set = ["GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"]

  /// The rules with ids where they had none. Throws MalformedXML, InvalidArgument and InvalidRequest.
  static func completed(_ rules: [LifecycleRuleShape], newID: () -> String) throws(AWSError) -> [LifecycleRuleShape] {
    guard (1...S3Limits.lifecycleRules).contains(rules.count) else { throw S3Error.malformedXML }
    var rules = rules
    var ids: Set<String> = []
    for place in rules.indices {
      if rules[place].id?.isEmpty ?? true { rules[place].id = newID() }
      let id = rules[place].id ?? ""
      guard id.unicodeScalars.count <= 255 else { throw S3Error.invalidArgument("ID length should not exceed allowed limit of 255", "ID", id) }
      guard ids.insert(id).inserted else {
        throw S3Error.invalidArgument("Rule ID must be unique. Found same ID for one or more rules", "ID", id)
      }
      try check(rules[place])
    }
    return rules
  }

  private static func check(_ rule: LifecycleRuleShape) throws(AWSError) {
    guard rule.status == "Enabled" || rule.status == "Disabled", (rule.filter == nil) != (rule.prefix == nil) else {
      throw S3Error.malformedXML
    }
    let hasAction =
      rule.expiration != nil || rule.noncurrentVersionExpiration != nil || rule.transitions?.isEmpty == false
      || rule.noncurrentVersionTransitions?.isEmpty == false || rule.abortIncompleteMultipartUpload != nil
    guard hasAction else { throw S3Error.invalidRequest("At least one action needs to be specified in a rule") }
    try check(rule.filter)
    let isByTags = rule.filter?.tag != nil || rule.filter?.and?.tags?.isEmpty == false
    if let expiration = rule.expiration { try check(expiration, isByTags: isByTags) }
    if let upload = rule.abortIncompleteMultipartUpload {
      guard let days = upload.daysAfterInitiation else { throw S3Error.malformedXML }
      guard days > 0 else {
        throw S3Error.invalidArgument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
      }
      if isByTags { throw S3Error.invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.") }
      if isBySize(rule.filter) { throw S3Error.invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Object Size.") }
    }
    if let noncurrent = rule.noncurrentVersionExpiration {
      guard let days = noncurrent.noncurrentDays else { throw S3Error.malformedXML }
      guard days > 0 else {
        throw S3Error.invalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
      }
      if let kept = noncurrent.newerNoncurrentVersions, !(1...100).contains(kept) {
        throw S3Error.invalidArgument("'NewerNoncurrentVersions' must be a positive integer of at most 100")
      }
    }
    try checkTransitions(rule)
  }

  private static func isBySize(_ filter: LifecycleRuleFilter?) -> Bool {
    filter?.objectSizeGreaterThan != nil || filter?.objectSizeLessThan != nil || filter?.and?.objectSizeGreaterThan != nil
      || filter?.and?.objectSizeLessThan != nil
  }

  /// One condition, or several within `And`.
  private static func check(_ filter: LifecycleRuleFilter?) throws(AWSError) {
    guard let filter else { return }
    guard filter.record.slots.filter({ $0 != nil }).count <= 1 else { throw S3Error.malformedXML }
    if let and = filter.and {
      let count =
        (and.prefix == nil ? 0 : 1) + (and.tags?.count ?? 0) + (and.objectSizeGreaterThan == nil ? 0 : 1)
        + (and.objectSizeLessThan == nil ? 0 : 1)
      guard count > 1 else { throw S3Error.malformedXML }
      try TagRules.check(and.tags ?? [], maximum: S3Limits.objectTags, of: "Object")
      if let more = and.objectSizeGreaterThan, let less = and.objectSizeLessThan, more >= less {
        throw S3Error.invalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
      }
    }
    if let tag = filter.tag { try TagRules.check([tag], maximum: 1, of: "Object") }
    for size in [
      filter.objectSizeGreaterThan, filter.objectSizeLessThan, filter.and?.objectSizeGreaterThan, filter.and?.objectSizeLessThan,
    ] {
      if let size, size < 0 { throw S3Error.invalidRequest("'ObjectSize' has to be a value greater than or equal to 0.") }
    }
  }

  private static func check(_ expiration: LifecycleExpiration, isByTags: Bool) throws(AWSError) {
    guard expiration.record.slots.filter({ $0 != nil }).count == 1 else { throw S3Error.malformedXML }
    if let days = expiration.days, days <= 0 {
      throw S3Error.invalidArgument("'Days' for Expiration action must be a positive integer")
    }
    if let date = expiration.date { try check(date) }
    if expiration.expiredObjectDeleteMarker != nil, isByTags {
      throw S3Error.invalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.")
    }
  }

  private static func check(_ date: Instant) throws(AWSError) {
    guard date.milliseconds % 86_400_000 == 0 else { throw S3Error.invalidArgument("'Date' must be at midnight GMT") }
  }

  private static func checkTransitions(_ rule: LifecycleRuleShape) throws(AWSError) {
    for transition in rule.transitions ?? [] {
      guard let storageClass = transition.storageClass, classes.contains(storageClass), (transition.days == nil) != (transition.date == nil)
      else { throw S3Error.malformedXML }
      if let date = transition.date { try check(date) }
      guard let days = transition.days else { continue }
      guard days >= 0 else { throw S3Error.invalidArgument("'Days' in Transition action must be nonnegative") }
      try checkMinimum(days, storageClass, "'Days' in Transition action")
      if let expiry = rule.expiration?.days, expiry <= days {
        throw S3Error.invalidArgument(
          "'Days' in the Expiration action for filter '(prefix=\(rule.filter?.prefix ?? rule.prefix ?? ""))' must be greater than 'Days' in the Transition action")
      }
    }
    for transition in rule.noncurrentVersionTransitions ?? [] {
      guard let storageClass = transition.storageClass, classes.contains(storageClass), let days = transition.noncurrentDays else {
        throw S3Error.malformedXML
      }
      guard days >= 0 else { throw S3Error.invalidArgument("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative") }
      try checkMinimum(days, storageClass, "'NoncurrentDays' in NoncurrentVersionTransition action")
    }
  }

  /// Objects stay in STANDARD for 30 days before they go to the infrequent classes.
  private static func checkMinimum(_ days: Int, _ storageClass: String, _ what: String) throws(AWSError) {
    guard days < 30, storageClass == "STANDARD_IA" || storageClass == "ONEZONE_IA" else { return }
    throw S3Error.invalidArgument("\(what) must be greater than or equal to 30 for storageClass '\(storageClass)'")
  }
}
