import Base

/// The lifecycle of a bucket: decides what is to become of a version.
struct Lifecycle: Sendable {
  /// What is known of a version of an object.
  struct Version: Sendable {
    var key: String
    var modified: Instant
    var isMarker = false
    /// Of the version that took its place; nil: it is the current one.
    var replacedAt: Instant?
    /// Noncurrent versions between it and the current one.
    var newerNoncurrent = 0
    /// There is no other version of the key.
    var isAlone = false
    var size = 0
    var tags: [String: String] = [:]
    /// Nil: STANDARD.
    var storageClass: String?
  }

  enum Action: Sendable, Equatable {
    /// Of the current version: it is deleted as DeleteObject would without a version.
    case expire(rule: String)
    /// Of a noncurrent version, or of a marker that is left alone: it goes for good.
    case remove(rule: String)
    case transition(to: String, rule: String)
  }

  let rules: [LifecycleRule]
  /// Smaller objects change their class only by a rule that speaks of sizes.
  let smallestTransition: Int

  init(_ kept: GetBucketLifecycleConfigurationOutput) {
    rules = (kept.rules ?? []).compactMap { LifecycleRule($0) }
    smallestTransition = kept.transitionDefaultMinimumObjectSize == "varies_by_storage_class" ? 0 : S3Limits.smallestTransition
  }

  /// What is due for a version. Removal goes before everything, then transition, as they cost less.
  func action(for version: Version, at now: Instant) -> Action? {
    if version.isMarker { return marker(version, at: now) }
    guard let replacedAt = version.replacedAt else { return current(version, at: now) }
    let matching = rules.filter { $0.admits(version.key, size: version.size, tags: version.tags) }
    for rule in matching {
      guard let days = rule.noncurrentDays, version.newerNoncurrent >= rule.noncurrentKept else { continue }
      if LifecycleRule.due(days, after: replacedAt) <= now { return .remove(rule: rule.id) }
    }
    let due = matching.flatMap { rule in
      rule.noncurrentTransitions.filter {
        version.newerNoncurrent >= $0.kept && LifecycleRule.due($0.days, after: replacedAt) <= now
      }.map { (rule, $0.storageClass) }
    }
    return transition(version, due)
  }

  private func current(_ version: Version, at now: Instant) -> Action? {
    let matching = rules.filter { $0.admits(version.key, size: version.size, tags: version.tags) }
    if let rule = matching.first(where: { rule in
      rule.expiration.map { LifecycleRule.due($0, after: version.modified) <= now } ?? false
    }) {
      return .expire(rule: rule.id)
    }
    let due = matching.flatMap { rule in
      rule.transitions.filter { LifecycleRule.due($0.when, after: version.modified) <= now }.map { (rule, $0.storageClass) }
    }
    return transition(version, due)
  }

  /// Down only: to the coldest class that is due, never back up.
  private func transition(_ version: Version, _ due: [(rule: LifecycleRule, storageClass: String)]) -> Action? {
    let present = Self.temperature(version.storageClass ?? "STANDARD")
    let candidates = due.filter { rule, storageClass in
      (version.size >= smallestTransition || rule.largerThan != nil || rule.smallerThan != nil)
        && Self.temperature(storageClass) > present
    }
    guard let coldest = candidates.max(by: { Self.temperature($0.storageClass) < Self.temperature($1.storageClass) }) else { return nil }
    return .transition(to: coldest.storageClass, rule: coldest.rule.id)
  }

  /// The order in which classes may follow each other ("Unsupported lifecycle transitions").
  private static func temperature(_ storageClass: String) -> Int {
    ["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
      .firstIndex(of: storageClass) ?? 0
  }

  private func marker(_ version: Version, at now: Instant) -> Action? {
    if let replacedAt = version.replacedAt {
      for rule in rules where rule.admitsMarker(version.key) && version.newerNoncurrent >= rule.noncurrentKept {
        if let days = rule.noncurrentDays, LifecycleRule.due(days, after: replacedAt) <= now { return .remove(rule: rule.id) }
      }
      return nil
    }
    guard version.isAlone else { return nil }
    for rule in rules where rule.admitsMarker(version.key) {
      if rule.removesLoneMarkers { return .remove(rule: rule.id) }
      // An expiry by days also cleans up the markers that it has made, once they are as old themselves.
      if case .days(let days) = rule.expiration, LifecycleRule.due(days, after: version.modified) <= now { return .remove(rule: rule.id) }
    }
    return nil
  }

  /// Whether an upload that began then is to be aborted, and by which rule.
  func aborts(_ key: String, initiated: Instant, at now: Instant) -> String? {
    uploadEnd(key, initiated: initiated).flatMap { $0.date <= now ? $0.rule : nil }
  }

  /// When an upload will be aborted (`x-amz-abort-date`, `x-amz-abort-rule-id`).
  func uploadEnd(_ key: String, initiated: Instant) -> (date: Instant, rule: String)? {
    rules.filter { $0.admits(key) }.compactMap { rule in
      rule.uploadDays.map { (date: LifecycleRule.due($0, after: initiated), rule: rule.id) }
    }.min { $0.date < $1.date }
  }

  /// When the current version will expire (`x-amz-expiration`): `expiry-date="…", rule-id="…"`.
  func expiration(of version: Version) -> (date: Instant, rule: String)? {
    guard version.replacedAt == nil, !version.isMarker else { return nil }
    return rules.filter { $0.admits(version.key, size: version.size, tags: version.tags) }.compactMap { rule in
      rule.expiration.map { (date: LifecycleRule.due($0, after: version.modified), rule: rule.id) }
    }.min { $0.date < $1.date }
  }
}
