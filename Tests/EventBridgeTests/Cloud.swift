import Base
import Fabric
import HTTPClient
import Logging
import Synchronization
import TestCloud
import Testing
import Wire

@testable import EventBridge

/// EventBridge in one process, with a queue service, an HTTP endpoint and an IAM as a test wants them.
struct EventCloud {
  let cloud: TestCloud
  let queues: ScriptedQueues
  let identity: ScriptedIdentity
  let http: ScriptedHTTP
  let service: EventBridgeService

  init(_ old: EventCloud? = nil) {
    let (queues, identity, http) = (
      old?.queues ?? ScriptedQueues(), old?.identity ?? ScriptedIdentity(), old?.http ?? ScriptedHTTP()
    )
    let made = Mutex<EventBridgeService?>(nil)
    let make: (TestCloud.Parts) -> [any ServiceModule] = { parts in
      let service = EventBridgeService(
        store: parts.store, ambient: parts.ambient,
        neighbours: .init(
          authoriser: parts.authoriser, roles: identity, principals: identity, queues: queues, door: parts.door, http: http,
          hops: EmptyHops()), logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
      made.withLock { $0 = service }
      return [QueuesModule(), service]
    }
    cloud = old?.cloud.restarted(make) ?? TestCloud(make)
    // It was made in the line before.
    service = made.withLock { $0 }!
    (self.queues, self.identity, self.http) = (queues, identity, http)
  }

  /// The services as they come up again on the same state.
  func restarted() -> EventCloud { EventCloud(self) }

  @discardableResult
  func call(_ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local)) async throws -> JSON {
    try await cloud.call("events", operation, input, as: principal)
  }
  /// `Code: message` of a call that must fail.
  func refusal(_ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local)) async -> String? {
    await cloud.failure("events", operation, input, as: principal).map { "\($0.code): \($0.message)" }
  }

  static let queue = "arn:aws:sqs:us-east-1:000000000000:q"
  static let dead = "arn:aws:sqs:us-east-1:000000000000:dead"

  /// A rule for a source with a queue as its target.
  func rule(_ name: String = "r", bus: String? = nil, pattern: String = #"{"source":["shop"]}"#, target: JSON = [:]) async throws {
    var rule: JSONObject = JSONObject([("Name", .string(name)), ("EventPattern", .string(pattern))])
    if let bus { rule["EventBusName"] = .string(bus) }
    try await call("PutRule", .object(rule))
    var members = target.object ?? JSONObject()
    if members["Id"] == nil { members["Id"] = "t" }
    if members["Arn"] == nil { members["Arn"] = .string(Self.queue) }
    var targets = JSONObject([("Rule", .string(name)), ("Targets", [.object(members)])])
    if let bus { targets["EventBusName"] = .string(bus) }
    try await call("PutTargets", .object(targets))
  }

  @discardableResult
  func put(_ detail: JSON = [:], source: String = "shop", type: String = "order", bus: String? = nil) async throws -> JSON {
    var entry = JSONObject([("Source", .string(source)), ("DetailType", .string(type)), ("Detail", .string(detail.text))])
    if let bus { entry["EventBusName"] = .string(bus) }
    return try await call("PutEvents", ["Entries": [.object(entry)]])
  }

  /// Waits until so many messages have been sent, and returns them.
  func sent(_ count: Int) async -> [ScriptedQueues.Sent] {
    await eventually { queues.sent.count >= count }
    return queues.sent.values
  }
}

/// The model of SQS, so that the door knows that there is such a service.
private struct QueuesModule: ServiceModule {
  var apis: [ServiceAPI] {
    let model = ServiceModel(
      name: "sqs", signingName: "sqs", endpointPrefix: "sqs", apiVersion: "1", protocols: [.awsJson10], targetPrefix: nil,
      xmlNamespace: nil, operations: [:], structures: [:], shapeNamespace: "com.amazonaws.sqs")
    return [ServiceAPI(model, operations: [])]
  }
  var workers: [any Worker] { [] }
  func removeAll(of account: AccountID) async throws {}
}

final class ScriptedQueues: QueuePort {
  struct Sent: Sendable {
    var queue: String
    var message: OutgoingMessage
    var principal: String
    var attributes: [String: String] {
      Dictionary(message.attributes.map { name, value in
        if case .string(let text) = value.content { (name, text) } else { (name, "") }
      }, uniquingKeysWith: { $1 })
    }
  }
  let sent = Recorder<Sent>()
  /// What a queue answers, by its ARN.
  let failures = Mutex<[String: AWSError]>([:])

  func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription {
    throw AWSError("QueueDoesNotExist", "no such queue")
  }
  func receive(_ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller) async throws
    -> [QueueMessage]
  { [] }
  func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws {}
  func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws {}
  func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String {
    if let failure = failures.withLock({ $0[queue.text] }) { throw failure }
    sent.add(Sent(queue: queue.text, message: message, principal: caller.principal.arn))
    return "id"
  }
}

/// Roles whose name contains `untrusted` do not trust anybody.
final class ScriptedIdentity: RolePort, PrincipalPort {
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw AWSError("AccessDenied", "no credentials in this test")
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    RoleSession(
      account: AccountID(role.account) ?? .local, roleName: String(role.resource.dropFirst(5)), roleID: "AROA", sessionName: sessionName)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { role.resource.contains("untrusted") ? .notTrusted : .trusted }
  func tied(_ document: String) async throws -> String { document.replacing(":user/ann", by: ":id/AIDAANN") }
  func shown(_ document: String) async throws -> String { document.replacing(":id/AIDAANN", by: ":user/ann") }
}

final class ScriptedHTTP: HTTPSender {
  let requests = Recorder<OutgoingRequest>()
  /// The answers, one after the other; the last one stays.
  let answers = Mutex<[IncomingAnswer]>([IncomingAnswer(status: 200)])
  func send(_ request: OutgoingRequest) async throws -> IncomingAnswer {
    requests.add(request)
    return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
  }
}
