import Base
import Testing

@testable import S3

@Suite struct LifecycleTests {
  private static let day = Instant(milliseconds: 86_400_000 * 20_000)

  private func rule(_ fill: (inout LifecycleRuleShape) -> Void) -> LifecycleRuleShape {
    var rule = LifecycleRuleShape()
    (rule.id, rule.status) = ("r", "Enabled")
    rule.filter = LifecycleRuleFilter()
    fill(&rule)
    return rule
  }
  private func lifecycle(_ rules: LifecycleRuleShape..., minimum: String = "all_storage_classes_128K") -> Lifecycle {
    var kept = GetBucketLifecycleConfigurationOutput()
    (kept.rules, kept.transitionDefaultMinimumObjectSize) = (rules, minimum)
    return Lifecycle(kept)
  }
  private func expiring(days: Int) -> LifecycleRuleShape {
    rule { rule in
      var expiration = LifecycleExpiration()
      expiration.days = days
      rule.expiration = expiration
    }
  }
  private func after(_ days: Int, _ more: Duration = .zero) -> Instant { Self.day + .days(days) + more }

  @Test func `an object expires at the midnight after its days`() {
    let lifecycle = lifecycle(expiring(days: 1))
    let version = Lifecycle.Version(key: "a", modified: after(0, .hours(10)))
    #expect(lifecycle.action(for: version, at: after(1, .hours(23))) == nil)
    #expect(lifecycle.action(for: version, at: after(2)) == .expire(rule: "r"))
    #expect(lifecycle.expiration(of: version)?.date == after(2))
    #expect(lifecycle.action(for: Lifecycle.Version(key: "a", modified: after(0)), at: after(1)) == .expire(rule: "r"))
  }

  @Test func `prefix, tags and sizes choose`() {
    let lifecycle = lifecycle(
      rule { rule in
        var and = LifecycleRuleAndOperator(), tag = S3Tag(), expiration = LifecycleExpiration()
        (tag.key, tag.value) = ("k", "v")
        (and.prefix, and.tags, and.objectSizeGreaterThan, and.objectSizeLessThan) = ("logs/", [tag], 10, 20)
        expiration.days = 1
        var filter = LifecycleRuleFilter()
        filter.and = and
        (rule.filter, rule.expiration) = (filter, expiration)
      })
    func isExpired(_ key: String, _ size: Int, _ tags: [String: String]) -> Bool {
      lifecycle.action(for: .init(key: key, modified: after(0), size: size, tags: tags), at: after(9)) != nil
    }
    #expect(isExpired("logs/a", 15, ["k": "v", "x": "y"]))
    #expect(!isExpired("log", 15, ["k": "v"]) && !isExpired("logs/a", 10, ["k": "v"]) && !isExpired("logs/a", 20, ["k": "v"]))
    #expect(!isExpired("logs/a", 15, ["k": "w"]) && !isExpired("logs/a", 15, [:]))
  }

  @Test func `a prefix is bytes, whatever characters they make with those behind`() {
    let lifecycle = lifecycle(
      rule { rule in
        var expiration = LifecycleExpiration()
        expiration.days = 1
        rule.filter?.prefix = "e"
        rule.expiration = expiration
      })
    func isExpired(_ key: String) -> Bool { lifecycle.action(for: .init(key: key, modified: Self.day), at: after(9)) != nil }
    #expect(isExpired("e\u{301}te") && !isExpired("\u{e9}te"))
  }

  @Test func `noncurrent versions go by the time of their replacement, the newest stay`() {
    let lifecycle = lifecycle(
      rule { rule in
        var expiration = NoncurrentVersionExpiration()
        (expiration.noncurrentDays, expiration.newerNoncurrentVersions) = (3, 1)
        rule.noncurrentVersionExpiration = expiration
      })
    var version = Lifecycle.Version(key: "a", modified: after(-100), replacedAt: after(0))
    #expect(lifecycle.action(for: version, at: after(100)) == nil)
    version.newerNoncurrent = 1
    #expect(lifecycle.action(for: version, at: after(2)) == nil)
    #expect(lifecycle.action(for: version, at: after(3)) == .remove(rule: "r"))
    version.replacedAt = nil
    #expect(lifecycle.action(for: version, at: after(100)) == nil)
  }

  @Test func `a marker goes once it is all that is left`() {
    let cleaning = lifecycle(
      rule { rule in
        var expiration = LifecycleExpiration()
        expiration.expiredObjectDeleteMarker = true
        rule.expiration = expiration
      })
    var marker = Lifecycle.Version(key: "a", modified: after(0), isMarker: true)
    #expect(cleaning.action(for: marker, at: after(9)) == nil)
    marker.isAlone = true
    #expect(cleaning.action(for: marker, at: after(0)) == .remove(rule: "r"))
    let aging = lifecycle(expiring(days: 5))
    #expect(aging.action(for: marker, at: after(4)) == nil)
    #expect(aging.action(for: marker, at: after(5)) == .remove(rule: "r"))
  }

  @Test func `transitions go down, not for small objects, and never before removal`() {
    func transition(_ days: Int, _ storageClass: String) -> S3Transition {
      var transition = S3Transition()
      (transition.days, transition.storageClass) = (days, storageClass)
      return transition
    }
    let cooling = rule { $0.transitions = [transition(30, "STANDARD_IA"), transition(60, "GLACIER")] }
    func action(_ lifecycle: Lifecycle, size: Int, _ storageClass: String?, day: Int) -> Lifecycle.Action? {
      lifecycle.action(for: .init(key: "a", modified: after(0), size: size, storageClass: storageClass), at: after(day))
    }
    #expect(action(lifecycle(cooling), size: 1 << 20, nil, day: 29) == nil)
    #expect(action(lifecycle(cooling), size: 1 << 20, nil, day: 30) == .transition(to: "STANDARD_IA", rule: "r"))
    #expect(action(lifecycle(cooling), size: 1 << 20, "STANDARD_IA", day: 31) == nil)
    #expect(action(lifecycle(cooling), size: 1 << 20, "STANDARD_IA", day: 60) == .transition(to: "GLACIER", rule: "r"))
    #expect(action(lifecycle(cooling), size: 1 << 20, "DEEP_ARCHIVE", day: 60) == nil)
    #expect(action(lifecycle(cooling), size: 100, nil, day: 60) == nil)
    #expect(action(lifecycle(cooling, minimum: "varies_by_storage_class"), size: 100, nil, day: 60) != nil)
    #expect(action(lifecycle(cooling, expiring(days: 60)), size: 1 << 20, nil, day: 60) == .expire(rule: "r"))
  }

  @Test func `uploads are aborted by their age`() {
    let lifecycle = lifecycle(
      rule { rule in
        var abort = AbortIncompleteMultipartUpload()
        abort.daysAfterInitiation = 2
        rule.abortIncompleteMultipartUpload = abort
      })
    #expect(lifecycle.aborts("a", initiated: after(0, .hours(1)), at: after(2, .hours(20))) == nil)
    #expect(lifecycle.aborts("a", initiated: after(0, .hours(1)), at: after(3)) == "r")
  }

  @Test func `a disabled rule does nothing`() {
    var rule = expiring(days: 1)
    rule.status = "Disabled"
    #expect(lifecycle(rule).action(for: .init(key: "a", modified: after(0)), at: after(100)) == nil)
  }

  private func failure(_ rules: LifecycleRuleShape...) -> String? {
    do throws(AWSError) {
      _ = try LifecycleCheck.completed(rules) { "new" }
      return nil
    } catch { return "\(error.code): \(error.message)" }
  }

  @Test func `a configuration is checked in S3's words`() throws {
    #expect(failure(expiring(days: 1)) == nil)
    #expect(failure()?.hasPrefix("MalformedXML") == true)
    #expect(failure(rule { _ in }) == "InvalidRequest: At least one action needs to be specified in a rule")
    #expect(failure(expiring(days: 0)) == "InvalidArgument: 'Days' for Expiration action must be a positive integer")
    #expect(failure(expiring(days: 1), expiring(days: 2))?.contains("Rule ID must be unique") == true)
    var both = expiring(days: 1)
    both.prefix = ""
    #expect(failure(both)?.hasPrefix("MalformedXML") == true)
    var neither = expiring(days: 1)
    neither.filter = nil
    #expect(failure(neither)?.hasPrefix("MalformedXML") == true)
    let odd = rule { rule in
      var expiration = LifecycleExpiration()
      expiration.date = after(0, .hours(1))
      rule.expiration = expiration
    }
    #expect(failure(odd) == "InvalidArgument: 'Date' must be at midnight GMT")
    let early = rule { rule in
      var transition = S3Transition()
      (transition.days, transition.storageClass) = (1, "STANDARD_IA")
      rule.transitions = [transition]
    }
    #expect(failure(early)?.contains("greater than or equal to 30") == true)
  }
}
