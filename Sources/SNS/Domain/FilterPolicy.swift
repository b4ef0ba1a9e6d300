import Base
import Patterns

/// The filter policy of a subscription, ready to be asked (developer guide, "Amazon SNS subscription filter policies").
struct FilterPolicy: Sendable {
  /// What a message is to a policy.
  enum Verdict: Sendable, Equatable { case passes, attributesDiffer, noAttributes, bodyDiffers, bodyIsNoJSON }

  let scope: FilterScope
  private let pattern: EventPattern

  /// - Returns: nil for an empty policy, which lets everything through.
  /// - Throws: `AWSError` in AWS's words, for SetSubscriptionAttributes.
  init?(_ text: String, scope: FilterScope) throws(AWSError) {
    guard text.utf8.count <= SNSLimits.filterPolicyBytes else { throw Self.bad("Filter policy is too large") }
    guard let json = try? JSON.parse(text), let object = json.object else { throw Self.bad("failed to parse JSON.") }
    guard !object.isEmpty else { return nil }
    var count = Count()
    try count.add(object, depth: 1, scope: scope)
    guard count.keys <= SNSLimits.filterPolicyKeys else {
      throw Self.bad("Filter policy can not have more than \(SNSLimits.filterPolicyKeys) keys")
    }
    do { pattern = try EventPattern(json) } catch { throw Self.bad(error.reason) }
    guard count.combinations <= SNSLimits.filterPolicyCombinations else { throw Self.bad("Filter policy is too complex") }
    self.scope = scope
  }

  private static func bad(_ reason: String) -> AWSError { SNSError.invalid("FilterPolicy: \(reason)") }

  /// Leaf keys, and the product of how many values each has, times its depth.
  private struct Count {
    var keys = 0
    var combinations = 1

    mutating func add(_ object: JSONObject, depth: Int, scope: FilterScope) throws(AWSError) {
      for (name, value) in object {
        switch value {
        case .object(let inner):
          guard scope == .body else {
            throw SNSError.invalid("Filter policy scope MessageAttributes does not support nested filter policy")
          }
          guard depth < 64 else { throw FilterPolicy.bad("Filter policy is too complex") }
          try add(inner, depth: depth + 1, scope: scope)
        case .array(let values):
          if name == "$or" {
            for case .object(let alternative) in values { try add(alternative, depth: depth, scope: scope) }
            continue
          }
          keys += 1
          let (product, isTooMany) = combinations.multipliedReportingOverflow(by: max(1, values.count) * depth)
          combinations = isTooMany ? .max : product
        default: break
        }
      }
    }
  }

  func verdict(_ message: FilterSubject) -> Verdict {
    switch scope {
    case .attributes:
      if pattern.matches(message.attributes) { return .passes }
      return message.hasAttributes ? .attributesDiffer : .noAttributes
    case .body:
      guard let body = message.body else { return .bodyIsNoJSON }
      return pattern.matches(body) ? .passes : .bodyDiffers
    }
  }
}

/// What filter policies look at, made once for all of them.
struct FilterSubject: Sendable {
  let attributes: JSON
  let hasAttributes: Bool
  /// Nil when the body is no JSON object.
  let body: JSON?

  init(_ attributes: [MessageAttribute], body: String?) {
    var object = JSONObject()
    for attribute in attributes {
      guard case .string(let text) = attribute.content else { continue }
      object[attribute.name] = Self.value(attribute.dataType, text)
    }
    self.attributes = .object(object)
    hasAttributes = !attributes.isEmpty
    self.body = body.flatMap { try? JSON.parse($0) }.flatMap { $0.object == nil ? nil : $0 }
  }

  private static func value(_ dataType: String, _ text: String) -> JSON {
    switch dataType {
    case "Number": (try? JSON.parse(text)).flatMap { $0.double == nil ? nil : $0 } ?? .string(text)
    case "String.Array": (try? JSON.parse(text)).flatMap { $0.array == nil ? nil : $0 } ?? .string(text)
    default: .string(text)
    }
  }
}
