import Base
import Fabric
import Store
import Wire

/// Registered consumers (enhanced fan-out).
extension KinesisService {
  var consumerOperations: [Operation] {
    [
      Operation("RegisterStreamConsumer", access: { [self] (input: RegisterStreamConsumerInput, call) in
        let stream = try name(nil, input.streamARN, input.streamId, call)
        return [try await access("RegisterStreamConsumer", stream, by: call.account).bringing(input.tags)]
      }, run: registerConsumer),
      Operation("DescribeStreamConsumer", access: { [self] (input: DescribeStreamConsumerInput, call) in
        let named = try Named(input.streamARN, input.consumerName, input.consumerARN, input.streamId, self, call)
        return [try await access("DescribeStreamConsumer", named, by: call.account)]
      }, run: describeConsumer),
      Operation("DeregisterStreamConsumer", access: { [self] (input: DeregisterStreamConsumerInput, call) in
        let named = try Named(input.streamARN, input.consumerName, input.consumerARN, input.streamId, self, call)
        return [try await access("DeregisterStreamConsumer", named, by: call.account)]
      }, run: deregisterConsumer),
      Operation("ListStreamConsumers", access: { [self] (input: ListStreamConsumersInput, call) in
        [try await access("ListStreamConsumers", try name(nil, input.streamARN, input.streamId, call), by: call.account)]
      }, run: listConsumers),
    ]
  }

  /// A consumer is named by its ARN, or by its stream and its name.
  private enum Named {
    case arn(ConsumerName)
    case name(String, of: StreamName)

    init(_ stream: String?, _ name: String?, _ arn: String?, _ id: String?, _ service: KinesisService, _ call: Call) throws(AWSError) {
      if let arn {
        guard let found = ARN(arn).flatMap({ ConsumerName($0) }), found.stream.region == call.region,
          stream == nil || stream == found.stream.arn.text, name == nil || name == found.name
        else { throw KinesisError.invalid("ConsumerARN \(arn) is not valid.") }
        self = .arn(found)
        return
      }
      guard let stream, let name else {
        throw KinesisError.invalid("Either ConsumerARN, or both StreamARN and ConsumerName must be provided.")
      }
      self = .name(name, of: try service.name(nil, stream, id, call))
    }

    var stream: StreamName {
      switch self {
      case .arn(let name): name.stream
      case .name(_, let stream): stream
      }
    }
    var name: String {
      switch self {
      case .arn(let name): name.name
      case .name(let name, _): name
      }
    }
  }

  private func access(_ action: String, _ named: Named, by account: AccountID) async throws -> Access {
    let found = try await find(named)
    let arn = found?.name.arn.text ?? "\(named.stream.arn)/consumer/\(named.name):*"
    return Access("kinesis:" + action, on: arn, owner: named.stream.account, resourcePolicy: found?.policy).having(found?.tags ?? [:])
  }

  /// What an operation on a stream or a consumer needs.
  func access(_ action: String, _ resource: Resource, by account: AccountID) async throws -> Access {
    switch resource {
    case .stream(let name): return try await access(action, name, by: account)
    case .consumer(let name):
      let found = try await find(.arn(name))
      return Access("kinesis:" + action, on: name.arn.text, owner: name.stream.account, resourcePolicy: found?.policy)
        .having(found?.tags ?? [:])
    }
  }

  private func find(_ named: Named) async throws -> Consumer? {
    guard let stream = try await cache.find(named.stream)?.stream else { return nil }
    let found = try await store.read { try $0.consumer(named.name, of: stream) }
    if case .arn(let name) = named, found?.name != name { return nil }
    return found
  }

  /// Throws ResourceNotFoundException.
  func consumer(_ name: ConsumerName) async throws -> Consumer {
    guard let found = try await find(.arn(name)) else { throw KinesisError.noConsumer(name.arn.text, name.stream) }
    return found
  }

  func change(_ name: ConsumerName, _ body: @escaping @Sendable (inout Consumer) throws -> Void) async throws {
    try await store.transact { [cache] rows in
      guard let stream = try cache.load(name.stream, rows)?.stream, var consumer = try rows.consumer(name.name, of: stream),
        consumer.name == name
      else { throw KinesisError.noConsumer(name.arn.text, name.stream) }
      try body(&consumer)
      try rows.put(consumer, of: stream)
    }
    changes.nudge.nudge()
  }

  private func registerConsumer(_ input: RegisterStreamConsumerInput, _ call: Call) async throws -> RegisterStreamConsumerOutput {
    let name = try name(nil, input.streamARN, input.streamId, call)
    try KinesisTags.check(input.tags ?? [:])
    let now = ambient.now
    var consumer = Consumer(name: ConsumerName(name, input.consumerName, created: now.seconds), created: now)
    consumer.tags = input.tags ?? [:]
    let made = consumer
    try await store.transact { [cache] rows in
      guard let stream = try cache.load(name, rows)?.stream else { throw KinesisError.noStream(name) }
      guard stream.isUsable else { throw KinesisError.notActive(name, stream.status) }
      guard try rows.consumer(made.name.name, of: stream) == nil else {
        throw KinesisError.inUse("Consumer \(made.name.name) of stream \(name.name) under account \(name.account) already exists.")
      }
      guard try rows.consumers(of: stream, limit: KinesisLimits.consumers).count < KinesisLimits.consumers else {
        throw KinesisError.limit(
          "Stream \(name.name) under account \(name.account) cannot have more than \(KinesisLimits.consumers) registered consumers.")
      }
      try rows.put(made, of: stream)
    }
    changes.nudge.nudge()
    var output = RegisterStreamConsumerOutput()
    output.consumer = KinesisConsumer(made)
    return output
  }

  private func describeConsumer(_ input: DescribeStreamConsumerInput, _ call: Call) async throws -> DescribeStreamConsumerOutput {
    let named = try Named(input.streamARN, input.consumerName, input.consumerARN, input.streamId, self, call)
    _ = try await existing(named.stream)
    guard let found = try await find(named) else { throw KinesisError.noConsumer(named.name, named.stream) }
    var description = ConsumerDescription()
    (description.consumerName, description.consumerARN) = (found.name.name, found.name.arn.text)
    (description.consumerStatus, description.consumerCreationTimestamp) = (found.status.rawValue, found.created)
    description.streamARN = named.stream.arn.text
    var output = DescribeStreamConsumerOutput()
    output.consumerDescription = description
    return output
  }

  private func deregisterConsumer(_ input: DeregisterStreamConsumerInput, _ call: Call) async throws {
    let named = try Named(input.streamARN, input.consumerName, input.consumerARN, input.streamId, self, call)
    _ = try await existing(named.stream)
    guard let found = try await find(named) else { throw KinesisError.noConsumer(named.name, named.stream) }
    try await change(found.name) { $0.status = .deleting }
    subscriptions.end { $0 == found.name }
  }

  private func listConsumers(_ input: ListStreamConsumersInput, _ call: Call) async throws -> ListStreamConsumersOutput {
    let name = try name(nil, input.streamARN, input.streamId, call)
    let (stream, scope) = (try await existing(name).stream, "consumers \(name.arn)")
    if let wanted = input.streamCreationTimestamp, wanted.seconds != stream.created.seconds { throw KinesisError.noStream(name) }
    let token = try input.nextToken.map { try ListToken($0, of: scope, now: ambient.now) }
    let limit = input.maxResults ?? KinesisLimits.consumerPage
    let found = try await store.read { try $0.consumers(of: stream, after: token?.last, limit: limit + 1) }
    var output = ListStreamConsumersOutput()
    output.consumers = found.prefix(limit).map { KinesisConsumer($0) }
    if found.count > limit { output.nextToken = ListToken(of: scope, last: found[limit - 1].name.name, made: ambient.now).text }
    return output
  }
}

extension KinesisConsumer {
  fileprivate init(_ consumer: Consumer) {
    self.init()
    (consumerName, consumerARN) = (consumer.name.name, consumer.name.arn.text)
    (consumerStatus, consumerCreationTimestamp) = (consumer.status.rawValue, consumer.created)
  }
}
