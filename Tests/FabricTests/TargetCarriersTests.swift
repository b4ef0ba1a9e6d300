import Base
import Fabric
import Synchronization
import TestCloud
import Testing
import Wire

/// Knows some operations, notes what it is asked and answers as told.
private final class NotingDoor: Door {
  struct Asked: Sendable { var service: String, operation: String, input: Record, caller: Caller }
  private static let models: [String: ServiceModel] = [
    "lambda": .parse(
      #"""
      service lambda protocols=restJson
      o Invoke POST / 200 InvokeInput InvokeOutput - -
      s InvokeInput FunctionName:$s InvocationType:$s Payload:$x;y
      s InvokeOutput FunctionError:$s Payload:$x;y
      """#),
    "events": .parse(
      #"""
      service events protocols=awsJson11
      o PutEvents POST / 200 PutEventsInput PutEventsOutput - -
      s PutEventsInput Entries:Entries
      l Entries Entry
      s Entry Source:$s Detail:$s
      s PutEventsOutput Entries:Results
      l Results Outcome
      s Outcome ErrorCode:$s ErrorMessage:$s
      """#),
    "firehose": .parse(
      #"""
      service firehose protocols=awsJson11
      o PutRecord POST / 200 PutRecordInput - - -
      s PutRecordInput DeliveryStreamName:$s Record:Data
      s Data Data:$x
      """#),
  ]
  let asked = Recorder<Asked>()
  private let fill = Mutex<@Sendable (inout Record) -> Void>({ _ in })

  func answer(_ fill: @escaping @Sendable (inout Record) -> Void) { self.fill.withLock { $0 = fill } }
  func model(_ service: String) -> ServiceModel? { Self.models[service] }
  func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record? {
    guard let model = model(service)?.operations[operation] else { throw AWSError("NotImplemented", service, status: 501, fault: .server) }
    asked.add(Asked(service: service, operation: operation, input: input, caller: caller))
    guard let shape = model.output else { return nil }
    var output = Record(shape)
    fill.withLock { $0 }(&output)
    return output
  }
}

private final class NotingQueues: QueuePort {
  let sent = Recorder<OutgoingMessage>()
  func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription { throw AWSError("Unused", "", status: 500) }
  func receive(
    _ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller
  ) async throws -> [QueueMessage] { [] }
  func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws {}
  func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws {}
  func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String {
    sent.add(message)
    return "id"
  }
}

private struct OneRole: RolePort {
  static let refusal = AWSError("AccessDenied", "the role does not trust the service", status: 403)
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw Self.refusal
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession { throw Self.refusal }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { .noSuchRole }
}

@Suite struct TargetCarriersTests {
  private let door = NotingDoor()
  private let queues = NotingQueues()
  private var carriers: TargetCarriers { TargetCarriers(door: door, queues: queues, roles: OneRole()) }
  private let caller = Caller(
    principal: .root(.local), account: .local, region: .usEast1, trace: TraceContext(root: "1-00000000-000000000000000000000000", parent: "p"))

  private func delivery(_ sender: DeliverySender) -> Delivery {
    Delivery(
      source: "arn:s", target: "arn:t", sender: sender, account: .local, region: .usEast1, content: [], trace: caller.trace,
      acceptedAt: .epoch)
  }
  private func error(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch { return (error as? AWSError)?.code ?? "\(error)" }
  }

  @Test func `a service delivers as itself, a role only where it trusts the service`() async throws {
    let service = ServicePrincipal("sns.amazonaws.com", sourceARN: "arn:s", sourceAccount: .local)
    let made = try await carriers.caller(for: delivery(.service(service)))
    #expect(made.principal == .service(service) && made.trace == caller.trace)
    let role = try #require(ARN("arn:aws:iam::000000000000:role/r"))
    #expect(await error { _ = try await carriers.caller(for: delivery(.role(role, sessionName: "s", by: service))) } == "AccessDenied")
  }

  @Test func `a message carries the trace of its delivery unless it has one`() async throws {
    let queue = try #require(ARN("arn:aws:sqs:us-east-1:000000000000:q"))
    try await carriers.send(OutgoingMessage(body: "a"), toQueue: queue, as: caller)
    try await carriers.send(OutgoingMessage(body: "b", traceHeader: "own"), toQueue: queue, as: caller)
    #expect(queues.sent.values.map(\.traceHeader) == [caller.trace.header, "own"])
  }

  @Test func `an event for a function is not waited for, a result is, and its failure is an error`() async throws {
    try await carriers.invoke(function: "f", payload: [1], as: caller)
    #expect(door.asked.values[0].input["InvocationType"]?.string == "Event" && door.asked.values[0].input["Payload"]?.blob == [1])
    door.answer { $0["Payload"] = .blob([2]) }
    #expect(try await carriers.result(ofFunction: "f", payload: [], as: caller) == [2])
    #expect(door.asked.values[1].input["InvocationType"] == nil)
    door.answer {
      $0["FunctionError"] = .string("Unhandled")
      $0["Payload"] = .blob(Array(#"{"errorType":"ValueError","errorMessage":"no"}"#.utf8))
    }
    #expect(await error { _ = try await carriers.result(ofFunction: "f", payload: [], as: caller) } == "ValueError")
  }

  @Test func `an entry that a bus refuses is an error, whose fault says whether to try again`() async throws {
    let shape = try #require(door.model("events")?.operations["PutEvents"]?.output)
    guard case .list(let element)? = shape.members.first?.type, case .structure(let reference) = element.type else { return }
    @Sendable func refuse(_ code: String?) -> Value {
      var entry = Record(reference.shape)
      entry["ErrorCode"] = code.map { .string($0) }
      return .list([.record(entry)])
    }
    func put() async -> AWSError? {
      do {
        try await carriers.putEvents([["Source": "a", "Detail": "{}"]], as: caller)
        return nil
      } catch { return error as? AWSError }
    }
    door.answer { $0["Entries"] = refuse(nil) }
    #expect(await put() == nil)
    door.answer { $0["Entries"] = refuse("InternalFailure") }
    #expect(await put()?.fault == .server)
    door.answer { $0["Entries"] = refuse("MalformedDetail") }
    #expect(await put()?.fault == .client)
  }

  @Test func `a record for Firehose goes to the stream by its name, its bytes as they are`() async throws {
    let stream = try #require(ARN("arn:aws:firehose:us-east-1:000000000000:deliverystream/lake"))
    try await carriers.putRecord([0, 255], toDeliveryStream: stream, as: caller)
    let input = try #require(door.asked.values.first).input
    #expect(input["DeliveryStreamName"]?.string == "lake" && input["Record"]?.record?["Data"]?.blob == [0, 255])
  }

  @Test func `what is not there says so`() async {
    #expect(await error { _ = try await carriers.call("events", "Nonsense", input: [:], as: caller) } == "ValidationException")
    #expect(await error { _ = try await carriers.call("states", "StartExecution", input: [:], as: caller) } == "NotImplemented")
    #expect(await error { _ = try await carriers.call("events", "PutEvents", input: ["Nobody": 1], as: caller) } == "ValidationException")
  }
}
