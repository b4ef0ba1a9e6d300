import Base

/// One permission that a call needs.
public struct Access: Sendable {
  /// For example `sqs:SendMessage`.
  public var action: String
  /// An ARN, or `*` where the action has no resource.
  public var resource: String
  /// The account that owns the resource.
  public var owner: AccountID
  /// The resource's own policy document, when it has one.
  public var resourcePolicy: String?
  /// Service-specific condition keys, by lower-case name (`iam:passedtoservice`).
  public var conditionValues: [String: [String]]

  public init(
    _ action: String, on resource: String = "*", owner: AccountID, resourcePolicy: String? = nil,
    conditionValues: [String: [String]] = [:]
  ) {
    (self.action, self.resource, self.owner) = (action, resource, owner)
    (self.resourcePolicy, self.conditionValues) = (resourcePolicy, conditionValues)
  }
}
