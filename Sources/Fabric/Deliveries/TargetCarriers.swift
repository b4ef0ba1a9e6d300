import Base
import Wire

/// Ways to the targets of deliveries, through the typed ports and the door: the permissions of the caller are asked each time.
///
/// All throw `AWSError`. A service that this server does not have answers 501.
public struct TargetCarriers: Sendable {
  private let door: any Door
  private let queues: any QueuePort
  private let roles: any RolePort

  public init(door: any Door, queues: any QueuePort, roles: any RolePort) {
    (self.door, self.queues, self.roles) = (door, queues, roles)
  }

  /// The service principal, or a session of the role: throws when there is no such role or it does not trust the service.
  public func caller(for delivery: Delivery) async throws -> Caller {
    let principal: Principal
    switch delivery.sender {
    case .service(let service): principal = .service(service)
    case .role(let role, let sessionName, let service):
      principal = .role(try await roles.session(role: role, sessionName: sessionName, by: service))
    }
    return Caller(principal: principal, account: delivery.account, region: delivery.region, trace: delivery.trace)
  }

  /// To SQS. The trace goes with the message unless it has a header of its own. Returns the message id.
  @discardableResult
  public func send(_ message: OutgoingMessage, toQueue queue: ARN, as caller: Caller) async throws -> String {
    var message = message
    message.traceHeader = message.traceHeader ?? caller.trace.header
    return try await queues.send(message, to: queue, as: caller)
  }

  /// To Lambda, for its asynchronous queue.
  /// - Parameter function: a name or ARN, with or without a qualifier.
  public func invoke(function: String, payload: [UInt8], as caller: Caller) async throws {
    _ = try await call("lambda", "Invoke", as: caller) {
      $0["FunctionName"] = .string(function)
      $0["InvocationType"] = .string("Event")
      $0["Payload"] = .blob(payload)
    }
  }

  /// Invokes a function and waits. A failure of the function is thrown as an `AWSError` whose code is the error's type.
  public func result(ofFunction function: String, payload: [UInt8], as caller: Caller) async throws -> [UInt8] {
    let output = try await call("lambda", "Invoke", as: caller) {
      $0["FunctionName"] = .string(function)
      $0["Payload"] = .blob(payload)
    }
    let body = output?["Payload"]?.blob ?? []
    guard output?["FunctionError"]?.string != nil else { return body }
    let error = try? JSON.parse(body)
    throw AWSError(error?["errorType"]?.string ?? "Unhandled", error?["errorMessage"]?.string ?? "The function failed.", status: 200)
  }

  /// To SNS. Returns the message id.
  @discardableResult
  public func publish(
    _ message: String, subject: String? = nil, groupID: String? = nil, deduplicationID: String? = nil, toTopic topic: ARN,
    as caller: Caller
  ) async throws -> String? {
    try await call("sns", "Publish", as: caller) {
      $0["TopicArn"] = .string(topic.text)
      $0["Message"] = .string(message)
      $0["Subject"] = subject.map { .string($0) }
      $0["MessageGroupId"] = groupID.map { .string($0) }
      $0["MessageDeduplicationId"] = deduplicationID.map { .string($0) }
    }?["MessageId"]?.string
  }

  /// To EventBridge: the entries of `PutEvents` as JSON, with the names of the API. An entry that the bus refuses is thrown.
  public func putEvents(_ entries: [JSON], as caller: Caller) async throws {
    for case let refusal? in try await putEachEvent(entries, as: caller) { throw refusal }
  }

  /// The same, with the refusal of each entry at its place: nil where the bus has taken it.
  public func putEachEvent(_ entries: [JSON], as caller: Caller) async throws -> [AWSError?] {
    let output = try await call("events", "PutEvents", input: ["Entries": .array(entries)], as: caller)
    return (output?["Entries"]?.list ?? []).map { entry in
      guard let record = entry.record, let code = record["ErrorCode"]?.string else { return nil }
      return AWSError(code, record["ErrorMessage"]?.string ?? "The event was refused.", fault: code.hasPrefix("Internal") ? .server : .client)
    }
  }

  /// To Kinesis.
  public func putRecord(_ data: [UInt8], partitionKey: String, toStream stream: ARN, as caller: Caller) async throws {
    _ = try await call("kinesis", "PutRecord", as: caller) {
      $0["StreamARN"] = .string(stream.text)
      $0["Data"] = .blob(data)
      $0["PartitionKey"] = .string(partitionKey)
    }
  }

  /// To Firehose.
  /// - Parameter stream: `arn:…:deliverystream/NAME`.
  public func putRecord(_ data: [UInt8], toDeliveryStream stream: ARN, as caller: Caller) async throws {
    let name = stream.resource.split(separator: "/").last.map(String.init) ?? stream.resource
    _ = try await call("firehose", "PutRecord", input: ["DeliveryStreamName": .string(name), "Record": ["Data": .string(data.base64)]],
      blobs: .base64, as: caller)
  }

  /// To Step Functions. Returns the execution's ARN.
  @discardableResult
  public func startExecution(ofStateMachine machine: ARN, name: String? = nil, input: String, as caller: Caller) async throws -> String? {
    try await call("states", "StartExecution", as: caller) {
      $0["stateMachineArn"] = .string(machine.text)
      $0["name"] = name.map { .string($0) }
      $0["input"] = .string(input)
    }?["executionArn"]?.string
  }

  /// To CloudWatch Logs: lines into a stream that is there.
  public func putLogEvents(_ lines: [LogLine], toGroup group: String, stream: String, as caller: Caller) async throws {
    let events = lines.map { JSON.object(JSONObject([("timestamp", .int($0.time.milliseconds)), ("message", .string($0.message))])) }
    _ = try await call(
      "logs", "PutLogEvents", input: ["logGroupName": .string(group), "logStreamName": .string(stream), "logEvents": .array(events)],
      as: caller)
  }

  /// Any operation of any service, with its input as JSON (universal targets). Names are those of the API; the case of their first
  /// letter does not count. What the model does not know is refused with `ValidationException`.
  public func call(
    _ service: String, _ operation: String, input: JSON, blobs: BlobText = .text, as caller: Caller
  ) async throws -> Record? {
    guard let model = door.model(service) else { return try await door.call(service, operation, Self.nothing, as: caller) }
    guard let shape = model.operations[operation] else {
      throw AWSError("ValidationException", "The operation \(operation) does not exist for \(service).", status: 400)
    }
    return try await door.call(service, operation, try Record(shape.input ?? Self.nothing.shape, json: input, blobs: blobs), as: caller)
  }

  private static let nothing = Record(StructureShape(name: "Unit", members: []))

  private func call(
    _ service: String, _ operation: String, as caller: Caller, _ fill: (inout Record) -> Void
  ) async throws -> Record? {
    // Without a model the door says that the service is not there.
    guard let shape = door.model(service)?.operations[operation]?.input else {
      return try await door.call(service, operation, Self.nothing, as: caller)
    }
    var input = Record(shape)
    fill(&input)
    return try await door.call(service, operation, input, as: caller)
  }
}
