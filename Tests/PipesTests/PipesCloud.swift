import Base
import Fabric
import Logging
import SQS
import StoreMemory
import TestCloud
import Testing

@testable import Pipes

struct TestRoles: RolePort, PrincipalPort {
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    guard role.resource != "role/foreign", service.name == "pipes.amazonaws.com", service.sourceARN?.contains(":pipe/") == true else {
      throw AWSError("AccessDenied", "no", status: 403)
    }
    return RoleSession(account: .local, roleName: String(role.resource.dropFirst(5)), roleID: "AROA", sessionName: sessionName)
  }
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw AWSError("AccessDenied", "no", status: 403)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { .trusted }
  func tied(_ document: String) async throws -> String { document }
  func shown(_ document: String) async throws -> String { document }
}

final class TestLogs: LogPort {
  let lines = Recorder<String>()
  func write(_ lines: [LogLine], group: String, stream: String, as caller: Caller) async throws {
    for line in lines { self.lines.add("\(group) \(stream) \(line.message)") }
  }
}

/// Pipes and SQS with a queue `source` and a queue `target`.
struct PipesCloud {
  static let role = "arn:aws:iam::000000000000:role/mover"
  let cloud: TestCloud
  let logs = TestLogs()
  let hops = RecordedHops()
  let pipes: PipesService

  init(streams: [String: any StreamPort] = [:]) async throws {
    let (logs, hops) = (logs, hops)
    cloud = TestCloud { parts in
      let roles = TestRoles()
      let sqs = SQSService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: roles)
      let pipes = PipesService(
        store: parts.store, ambient: parts.ambient,
        neighbours: .init(roles: roles, queues: sqs, logs: logs, door: parts.door, hops: hops, streams: streams),
        logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
      return [pipes, sqs]
    }
    pipes = try #require(cloud.modules.first as? PipesService)
    for name in ["source", "target"] { try await cloud.call("sqs", "CreateQueue", ["QueueName": .string(name)]) }
  }

  static func queue(_ name: String) -> JSON { .string("arn:aws:sqs:us-east-1:000000000000:\(name)") }

  static func request(_ more: [String: JSON] = [:]) -> JSON {
    var fields: [String: JSON] = [
      "Name": "p", "Source": queue("source"), "Target": queue("target"), "RoleArn": .string(role),
    ]
    fields.merge(more) { $1 }
    return .object(JSONObject(fields.map { ($0.key, $0.value) }))
  }

  @discardableResult
  func create(_ more: [String: JSON] = [:]) async throws -> JSON { try await cloud.call("pipes", "CreatePipe", Self.request(more)) }

  func send(_ body: String, to queue: String = "source") async throws {
    try await cloud.call(
      "sqs", "SendMessage", ["QueueUrl": .string("http://localhost:4566/000000000000/\(queue)"), "MessageBody": .string(body)])
  }

  /// While pipes run.
  func running<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask {
        await pipes.run()
        return nil
      }
      group.addTask { try await body() }
      defer { group.cancelAll() }
      while let result = try await group.next() { if let result { return result } }
      throw CancellationError()
    }
  }

  func bodies(_ count: Int, of queue: String = "target") async throws -> [String] {
    var found: [String] = []
    let url: JSON = .string("http://localhost:4566/000000000000/\(queue)")
    while found.count < count {
      let answer = try await cloud.call("sqs", "ReceiveMessage", ["QueueUrl": url, "MaxNumberOfMessages": 10])
      for message in answer["Messages"]?.array ?? [] {
        found.append(message["Body"]?.string ?? "")
        try await cloud.call("sqs", "DeleteMessage", ["QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] ?? ""])
      }
      await Task.yield()
    }
    return found
  }

  func state() async throws -> String? { try await cloud.call("pipes", "DescribePipe", ["Name": "p"])["CurrentState"]?.string }
}
