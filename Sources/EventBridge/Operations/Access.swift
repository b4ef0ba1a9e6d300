import Base
import Fabric
import Store

/// What policies are asked for an operation.
extension EventBridgeService {
  /// An action on a bus, with its policy and tags. A bus that does not exist has neither.
  func access(_ action: String, _ bus: BusName) async throws -> Access {
    let found = try await cache.find(bus, in: store).bus
    return Access("events:" + action, on: bus.arn.text, owner: bus.account, resourcePolicy: found?.policy).having(found?.tags ?? [:])
  }

  /// An action on a rule. The policy of a bus speaks for its rules; who made a rule is a condition of it
  /// (`events:creatorAccount`).
  func access(_ action: String, _ name: RuleName, _ call: Call) async throws -> Access {
    let (bus, rule) = try await store.read { (try $0.bus(name.bus), try $0.rule(name)) }
    var values = ["events:creatoraccount": [(rule?.createdBy ?? call.account).text]]
    if let manager = rule?.managedBy { values["events:managedby"] = [manager] }
    return Access(
      "events:" + action, on: name.arn.text, owner: name.bus.account, resourcePolicy: bus?.policy, conditionValues: values
    ).having(rule?.tags ?? [:])
  }

  func access(_ action: String, _ resource: ResourceName) -> Access {
    Access("events:" + action, on: resource.arn().text, owner: resource.account)
  }

  func accessToAll(_ action: String, _ call: Call) -> [Access] { [Access("events:" + action, owner: call.account)] }

  /// Permission to hand a role to EventBridge. No policy can allow it for the role of another account.
  func passRole(_ role: String?, _ call: Call) throws -> [Access] {
    guard let role else { return [] }
    guard let arn = ARN(role), arn.service == "iam", arn.resource.hasPrefix("role/") else {
      throw EventBridgeError.invalid("Parameter \(role) is not valid. Reason: Provided Arn is not in correct format.")
    }
    guard arn.account == call.account.text else {
      throw AWSError("AccessDeniedException", "Cross-account pass role is not allowed.", status: 400)
    }
    return [
      Access("iam:PassRole", on: role, owner: call.account, conditionValues: ["iam:passedtoservice": ["events.amazonaws.com"]])
    ]
  }

  /// Throws `ValidationException` for a role that EventBridge could not assume.
  func check(role: String?) async throws {
    guard let role, let arn = ARN(role) else { return }
    guard try await neighbours.roles.trusts(role: arn, service: "events.amazonaws.com") == .trusted else {
      throw EventBridgeError.invalid("Provided role '\(role)' cannot be assumed by principal 'events.amazonaws.com'.")
    }
  }
}

/// The rules of tags (API reference, TagResource).
enum Tags {
  static func checked(_ tags: [EventsTag]?) throws(AWSError) -> [String: String] {
    var out: [String: String] = [:]
    for tag in tags ?? [] {
      guard !tag.key.lowercased().hasPrefix("aws:") else {
        throw EventBridgeError.invalid("Tags", "Tag keys that begin with aws: are reserved.")
      }
      guard out.updateValue(tag.value, forKey: tag.key) == nil else {
        throw EventBridgeError.invalid("Tags", "The tag key \(tag.key) comes twice.")
      }
    }
    return try limited(out)
  }
  static func limited(_ tags: [String: String]) throws(AWSError) -> [String: String] {
    guard tags.count <= EventBridgeLimits.tags else { throw EventBridgeError.invalid("Tags", "There may be 50 tags at most.") }
    return tags
  }
  static func shown(_ tags: [String: String]) -> [EventsTag] {
    tags.sorted { $0.key < $1.key }.map { key, value in
      var tag = EventsTag()
      (tag.key, tag.value) = (key, value)
      return tag
    }
  }
}

extension Array where Element == EventsTag {
  /// For conditions on what a request brings.
  var asked: [String: String] { Dictionary(map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }) }
}
