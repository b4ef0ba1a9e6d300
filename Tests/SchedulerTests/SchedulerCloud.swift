import Base
import Fabric
import Logging
import SQS
import StoreMemory
import Synchronization
import TestCloud
import Testing

@testable import Scheduler

/// Roles that trust the scheduler, and one that does not.
struct TestRoles: RolePort, PrincipalPort {
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    guard role.resource != "role/foreign", service.name == "scheduler.amazonaws.com", service.sourceARN != nil else {
      throw AWSError("AccessDenied", "no", status: 403)
    }
    return RoleSession(
      account: AccountID(role.account) ?? .local, roleName: String(role.resource.dropFirst(5)), roleID: "AROA", sessionName: sessionName)
  }
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw AWSError("AccessDenied", "no", status: 403)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { .trusted }
  func tied(_ document: String) async throws -> String { document }
  func shown(_ document: String) async throws -> String { document }
}

/// Scheduler and SQS, and the hops that are recorded.
struct SchedulerCloud {
  static let role = "arn:aws:iam::000000000000:role/sender"
  let cloud: TestCloud
  var clock: TestClock { cloud.clock }

  init(_ cloud: TestCloud? = nil, seed: UInt64 = 7) {
    if let cloud { self.cloud = cloud.restarted(Self.modules) } else { self.cloud = TestCloud(seed: seed, Self.modules) }
  }

  private static func modules(_ parts: TestCloud.Parts) -> [any ServiceModule] {
    let roles = TestRoles()
    let sqs = SQSService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: roles)
    let scheduler = SchedulerService(
      store: parts.store, ambient: parts.ambient, neighbours: .init(roles: roles, queues: sqs, door: parts.door, hops: EmptyHops()),
      logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
    return [scheduler, sqs]
  }

  /// The services as they come up again on the same state.
  func restarted() -> SchedulerCloud { SchedulerCloud(cloud) }

  static func queueARN(_ name: String) -> String { "arn:aws:sqs:us-east-1:000000000000:\(name)" }

  func queue(_ name: String = "q", _ attributes: JSON = [:]) async throws {
    try await cloud.call("sqs", "CreateQueue", ["QueueName": .string(name), "Attributes": attributes])
  }

  /// A request for a schedule that sends to the queue `q`.
  static func request(_ expression: String, _ more: [String: JSON] = [:], target: [String: JSON] = [:]) -> JSON {
    var fields: [String: JSON] = [
      "Name": "s", "ScheduleExpression": .string(expression), "FlexibleTimeWindow": ["Mode": "OFF"],
    ]
    var aim: [String: JSON] = ["Arn": .string(queueARN("q")), "RoleArn": .string(role), "Input": "hello"]
    aim.merge(target) { $1 }
    fields["Target"] = .object(JSONObject(aim.filter { !$0.value.isNull }.map { ($0.key, $0.value) }))
    fields.merge(more) { $1 }
    return .object(JSONObject(fields.filter { !$0.value.isNull }.map { ($0.key, $0.value) }))
  }

  @discardableResult
  func create(_ expression: String, _ more: [String: JSON] = [:], target: [String: JSON] = [:]) async throws -> JSON {
    try await cloud.call("scheduler", "CreateSchedule", Self.request(expression, more, target: target))
  }

  /// Moves the clock and lets the workers see it.
  func pass(_ duration: Duration) async throws {
    clock.advance(duration)
    try await cloud.work()
  }

  /// The bodies of the messages that come, at least so many; they are deleted.
  func messages(_ count: Int, of queue: String = "q") async throws -> [JSON] {
    var found: [JSON] = []
    let url: JSON = .string("http://localhost:4566/000000000000/\(queue)")
    repeat {
      try await cloud.work()
      let answer = try await cloud.call(
        "sqs", "ReceiveMessage", ["QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]])
      for message in answer["Messages"]?.array ?? [] {
        found.append(message)
        try await cloud.call("sqs", "DeleteMessage", ["QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] ?? ""])
      }
      await Task.yield()
    } while found.count < count
    return found
  }
  func bodies(_ count: Int, of queue: String = "q") async throws -> [String] {
    try await messages(count, of: queue).compactMap { $0["Body"]?.string }
  }

  func get(_ name: String = "s") async throws -> JSON { try await cloud.call("scheduler", "GetSchedule", ["Name": .string(name)]) }
}
