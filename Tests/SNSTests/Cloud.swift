import Base
import Fabric
import HTTPClient
import Logging
import SQS
import StoreMemory
import Synchronization
import TestCloud

@testable import SNS

/// Users and roles that all exist, and nobody has another id than his name.
struct OpenIdentities: PrincipalPort, RolePort {
  func tied(_ document: String) async throws -> String { document }
  func shown(_ document: String) async throws -> String { document }
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw AWSError("AccessDenied", "no keys here", status: 403)
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    RoleSession(account: .local, roleName: String(role.resource.dropFirst(5)), roleID: "AROATEST", sessionName: sessionName)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { .trusted }
}

/// Endpoints of HTTP that answer what a test tells them.
final class Endpoints: HTTPSender {
  private let state = Mutex((seen: [OutgoingRequest](), statuses: [Int]()))

  var seen: [OutgoingRequest] { state.withLock { $0.seen } }
  /// The next answers; 200 when there are none left, 0 for no answer at all.
  func answer(_ statuses: Int...) { state.withLock { $0.statuses = statuses } }

  func send(_ request: OutgoingRequest) async throws -> IncomingAnswer {
    let status = state.withLock { state in
      state.seen.append(request)
      return state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
    }
    guard status != 0 else { throw OutgoingFailure.cannotConnect("nobody") }
    return IncomingAnswer(status: status)
  }
}

/// What was written to logs.
final class Logs: LogPort {
  private let lines = Mutex<[(group: String, text: String, principal: String)]>([])
  var all: [(group: String, text: String, principal: String)] { lines.withLock { $0 } }
  func write(_ new: [LogLine], group: String, stream: String, as caller: Caller) async throws {
    lines.withLock { $0 += new.map { (group, $0.message, caller.principal.arn) } }
  }
}

/// Metrics as they were drained.
final class Metrics: MetricPort {
  private let source = Mutex<(any MetricSource)?>(nil)
  func gather(from source: any MetricSource) -> Nudge {
    self.source.withLock { $0 = source }
    return Nudge()
  }
  /// The sums by name.
  var sums: [String: Double] {
    var out: [String: Double] = [:]
    for sample in source.withLock({ $0 })?.drain() ?? [] { out[sample.series.name, default: 0] += sample.statistics.sum }
    return out
  }
}

/// SNS and SQS on the memory store, with endpoints, logs and a clock that a test moves.
struct World {
  let cloud: TestCloud
  let endpoints: Endpoints
  let logs: Logs
  let metrics: Metrics
  let hops: RecordedHops

  init() {
    let (endpoints, logs, metrics, hops) = (Endpoints(), Logs(), Metrics(), RecordedHops())
    (self.endpoints, self.logs, self.metrics, self.hops) = (endpoints, logs, metrics, hops)
    cloud = TestCloud { World.services($0, endpoints, logs, metrics, hops) }
  }
  private init(_ cloud: TestCloud, _ world: World) {
    (self.cloud, endpoints, logs, metrics, hops) = (cloud, world.endpoints, world.logs, world.metrics, world.hops)
  }

  private static func services(
    _ parts: TestCloud.Parts, _ endpoints: Endpoints, _ logs: Logs, _ metrics: Metrics, _ hops: RecordedHops
  ) -> [any ServiceModule] {
    let sqs = SQSService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: OpenIdentities())
    let sns = SNSService(
      store: parts.store, ambient: parts.ambient,
      neighbours: .init(
        principals: OpenIdentities(), roles: OpenIdentities(), queues: sqs, logs: logs, metrics: metrics, door: parts.door, hops: hops,
        http: endpoints), logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
    return [sqs, sns]
  }

  /// The services as they come up again on the same store.
  func restarted() -> World {
    World(cloud.restarted { World.services($0, endpoints, logs, metrics, hops) }, self)
  }

  @discardableResult
  func call(_ operation: String, _ input: JSON, as principal: Principal = .root(.local)) async throws -> JSON {
    try await cloud.call("sns", operation, input, as: principal)
  }
  func failure(_ operation: String, _ input: JSON) async -> AWSError? { await cloud.failure("sns", operation, input) }

  @discardableResult
  func topic(_ name: String = "news", _ attributes: JSON = [:]) async throws -> String {
    try await call("CreateTopic", ["Name": .string(name), "Attributes": attributes])["TopicArn"]?.string ?? ""
  }

  /// Makes a queue and gives its ARN.
  func queue(_ name: String, _ attributes: JSON = [:]) async throws -> String {
    try await cloud.call("sqs", "CreateQueue", ["QueueName": .string(name), "Attributes": attributes])
    return "arn:aws:sqs:us-east-1:000000000000:\(name)"
  }

  @discardableResult
  func subscribe(_ topic: String, _ proto: String, _ endpoint: String, _ attributes: JSON = [:]) async throws -> String {
    try await call("Subscribe", [
      "TopicArn": .string(topic), "Protocol": .string(proto), "Endpoint": .string(endpoint), "Attributes": attributes,
      "ReturnSubscriptionArn": true,
    ])["SubscriptionArn"]?.string ?? ""
  }

  @discardableResult
  func publish(_ topic: String, _ message: String, _ more: JSONObject = .init()) async throws -> JSON {
    var input = JSONObject([("TopicArn", .string(topic)), ("Message", .string(message))])
    for (name, value) in more { input[name] = value }
    return try await call("Publish", .object(input))
  }

  /// Takes messages off a queue until there are so many.
  func receive(_ queue: String, _ count: Int) async throws -> [JSON] {
    var got: [JSON] = []
    let url = "http://localhost/000000000000/" + (queue.split(separator: ":").last.map(String.init) ?? "")
    while got.count < count {
      let page = try await cloud.call("sqs", "ReceiveMessage", [
        "QueueUrl": .string(url), "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "AttributeNames": ["All"],
      ])["Messages"]?.array ?? []
      got += page
      for message in page {
        try await cloud.call("sqs", "DeleteMessage", ["QueueUrl": .string(url), "ReceiptHandle": message["ReceiptHandle"] ?? ""])
      }
      await Task.yield()
    }
    return got
  }

  func isEmpty(_ queue: String) async throws -> Bool {
    let url = "http://localhost/000000000000/" + (queue.split(separator: ":").last.map(String.init) ?? "")
    return try await cloud.call("sqs", "ReceiveMessage", ["QueueUrl": .string(url)])["Messages"]?.array?.isEmpty ?? true
  }
}
