import Base

/// A rule of a bucket's lifecycle, read out of the document that was put.
struct LifecycleRule: Sendable {
  enum When: Sendable, Equatable {
    /// After the object was made, or a version was replaced; counted to the next midnight.
    case days(Int)
    case date(Instant)
  }

  var id: String
  var prefix = ""
  var tags: [String: String] = [:]
  /// Sizes between these, exclusively.
  var largerThan: Int?
  var smallerThan: Int?
  var expiration: When?
  /// A delete marker that is all that is left of an object goes away.
  var removesLoneMarkers = false
  var noncurrentDays: Int?
  /// So many noncurrent versions stay whatever their age.
  var noncurrentKept = 0
  var transitions: [(when: When, storageClass: String)] = []
  var noncurrentTransitions: [(days: Int, kept: Int, storageClass: String)] = []
  /// After which an upload that was not completed is aborted.
  var uploadDays: Int?

  /// Nil for a rule that is disabled.
  init?(_ rule: LifecycleRuleShape) {
    guard rule.status == "Enabled" else { return nil }
    id = rule.id ?? ""
    let filter = rule.filter
    prefix = filter?.and?.prefix ?? filter?.prefix ?? rule.prefix ?? ""
    for tag in (filter?.and?.tags ?? []) + (filter?.tag.map { [$0] } ?? []) { tags[tag.key] = tag.value }
    largerThan = filter?.and?.objectSizeGreaterThan ?? filter?.objectSizeGreaterThan
    smallerThan = filter?.and?.objectSizeLessThan ?? filter?.objectSizeLessThan
    expiration = rule.expiration?.days.map { .days($0) } ?? rule.expiration?.date.map { .date($0) }
    removesLoneMarkers = rule.expiration?.expiredObjectDeleteMarker ?? false
    noncurrentDays = rule.noncurrentVersionExpiration?.noncurrentDays
    noncurrentKept = rule.noncurrentVersionExpiration?.newerNoncurrentVersions ?? 0
    transitions = (rule.transitions ?? []).compactMap { transition in
      guard let storageClass = transition.storageClass else { return nil }
      guard let when = transition.days.map({ When.days($0) }) ?? transition.date.map({ .date($0) }) else { return nil }
      return (when, storageClass)
    }
    noncurrentTransitions = (rule.noncurrentVersionTransitions ?? []).compactMap { transition in
      guard let days = transition.noncurrentDays, let storageClass = transition.storageClass else { return nil }
      return (days, transition.newerNoncurrentVersions ?? 0, storageClass)
    }
    uploadDays = rule.abortIncompleteMultipartUpload?.daysAfterInitiation
  }

  /// When an action is due that counts from a time: AWS rounds up to the next midnight of UTC.
  static func due(_ days: Int, after start: Instant) -> Instant {
    let day: Int64 = 86_400_000
    let exact = start.milliseconds + Int64(min(days, S3Limits.lifecycleDays)) * day
    let rest = exact % day
    return Instant(milliseconds: rest == 0 ? exact : exact - rest + day)
  }

  static func due(_ when: When, after start: Instant) -> Instant {
    switch when {
    case .days(let days): due(days, after: start)
    case .date(let date): date
    }
  }

  func admits(_ key: String) -> Bool { key.begins(with: prefix) }

  /// Whether the filter lets through what has these tags and this size.
  func admits(_ key: String, size: Int, tags present: [String: String]) -> Bool {
    admits(key) && tags.allSatisfy { present[$0.key] == $0.value } && largerThan.map { size > $0 } ?? true
      && smallerThan.map { size < $0 } ?? true
  }

  /// Markers have neither tags nor a size.
  func admitsMarker(_ key: String) -> Bool { admits(key) && tags.isEmpty && largerThan == nil && smallerThan == nil }
}
