import Base

/// To whom a bucket tells which of its events.
struct NotificationRules: Sendable, Equatable {
  struct Rule: Sendable, Equatable {
    enum Service: Sendable { case queue, topic, function }
    var id: String
    var service: Service
    /// The ARN as it was put; a function's may be that of a version or alias.
    var target: String
    /// `s3:ObjectCreated:*` and the like.
    var events: [String]
    /// Of the key, as it is: in the configuration both are URL-encoded.
    var prefix = ""
    var suffix = ""

    func wants(_ kind: ObjectEvent.Kind) -> Bool { events.contains { NotificationEvents.covers($0, kind.rawValue) } }
    func admits(_ key: String) -> Bool { key.begins(with: prefix) && key.ends(with: suffix) }
  }

  var rules: [Rule] = []
  /// EventBridge gets every event; its own rules choose.
  var tellsEventBridge = false

  var isEmpty: Bool { rules.isEmpty && !tellsEventBridge }

  init() {}

  /// Of a configuration that was checked when it was put.
  init(_ configuration: NotificationConfiguration) {
    tellsEventBridge = configuration.eventBridgeConfiguration != nil
    for queue in configuration.queueConfigurations ?? [] {
      rules.append(Self.rule(queue.id, .queue, queue.queueArn, queue.events, queue.filter))
    }
    for topic in configuration.topicConfigurations ?? [] {
      rules.append(Self.rule(topic.id, .topic, topic.topicArn, topic.events, topic.filter))
    }
    for function in configuration.lambdaFunctionConfigurations ?? [] {
      rules.append(Self.rule(function.id, .function, function.lambdaFunctionArn, function.events, function.filter))
    }
  }

  private static func rule(
    _ id: String?, _ service: Rule.Service, _ target: String, _ events: [String], _ filter: NotificationConfigurationFilter?
  ) -> Rule {
    var rule = Rule(id: id ?? "", service: service, target: target, events: events)
    for part in filter?.key?.filterRules ?? [] {
      let value = percentDecoded(part.value ?? "", plusIsSpace: true)
      if part.name?.lowercased() == "prefix" { rule.prefix = value } else { rule.suffix = value }
    }
    return rule
  }

  /// The rules that an event goes by, and those that want its kind and are kept out by the key.
  func sorted(_ event: ObjectEvent) -> (admitted: [Rule], filtered: [Rule]) {
    var sorted: (admitted: [Rule], filtered: [Rule]) = ([], [])
    for rule in rules where rule.wants(event.kind) {
      if rule.admits(event.key) { sorted.admitted.append(rule) } else { sorted.filtered.append(rule) }
    }
    return sorted
  }
}

extension String {
  /// By bytes: what looks like a part of a character is a part of the key, too.
  func begins(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
  func ends(with suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }
}

/// The event types that a rule may name ("Supported event types").
enum NotificationEvents {
  static let all: Set<String> = [
    "s3:ReducedRedundancyLostObject", "s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete", "s3:Replication:*",
    "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold", "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated", "s3:LifecycleTransition", "s3:IntelligentTiering",
    "s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete", "s3:ObjectAcl:Put",
  ]

  /// - Parameter kind: without `s3:`.
  static func covers(_ type: String, _ kind: String) -> Bool {
    let type = type.dropFirst(3)
    return type.hasSuffix("*") ? kind.hasPrefix(type.dropLast()) : kind == type
  }

  /// Whether an event can be of both types.
  static func overlap(_ a: String, _ b: String) -> Bool {
    if a == b { return true }
    if a.hasSuffix("*") { return b.hasPrefix(a.dropLast()) }
    return b.hasSuffix("*") && a.hasPrefix(b.dropLast())
  }
}
