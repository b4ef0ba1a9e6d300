import Base
import Fabric
import Store
import Wire

extension CreateDeliveryStreamInput: DeliveryStreamInput {}
extension DeleteDeliveryStreamInput: DeliveryStreamInput {}
extension DescribeDeliveryStreamInput: DeliveryStreamInput {}
extension UpdateDestinationInput: DeliveryStreamInput {}

/// Delivery streams come and go.
extension FirehoseService {
  var streamOperations: [Operation] {
    [
      Operation("CreateDeliveryStream", access: createAccess, run: createStream),
      Operation("DeleteDeliveryStream", access: access("DeleteDeliveryStream"), run: deleteStream),
      Operation("DescribeDeliveryStream", access: access("DescribeDeliveryStream"), run: describeStream),
      Operation("ListDeliveryStreams", access: { (_: ListDeliveryStreamsInput, call) in
        [Access("firehose:ListDeliveryStreams", owner: call.account)]
      }, run: listStreams),
      Operation("UpdateDestination", access: updateAccess, run: updateDestination),
    ]
  }

  private func createAccess(_ input: CreateDeliveryStreamInput, _ call: Call) async throws -> [Access] {
    let arn = id(input.deliveryStreamName, call).arn.text
    let tags = Dictionary((input.tags ?? []).map { ($0.key, $0.value ?? "") }, uniquingKeysWith: { $1 })
    // What cannot be read is refused by the operation itself.
    var roles = (try? DestinationReading.destination(input))?.roles.map(\.text) ?? []
    if let role = input.kinesisStreamSourceConfiguration?.roleARN { roles.append(role) }
    return [Access("firehose:CreateDeliveryStream", on: arn, owner: call.account).bringing(tags)]
      + Set(roles).sorted().map { Self.passing($0, call) }
  }

  private static func passing(_ role: String, _ call: Call) -> Access {
    Access(
      "iam:PassRole", on: role, owner: ARN(role).flatMap { AccountID($0.account) } ?? call.account,
      conditionValues: ["iam:passedtoservice": ["firehose.amazonaws.com"]])
  }

  private func createStream(_ input: CreateDeliveryStreamInput, _ call: Call) async throws -> CreateDeliveryStreamOutput {
    let id = id(input.deliveryStreamName, call)
    try DestinationReading.refuseOthers(input)
    let destination = try DestinationReading.destination(input)
    let source = try DestinationReading.source(input)
    try await check(destination.roles, call)
    if case .kinesis(let stream, let role) = source { try await check(stream, role, of: id, call) }
    var made = DeliveryStream(
      name: id, id: Int64(ambient.random.number(below: 1 << 62)), created: ambient.now, source: source, destination: destination)
    made.tags = Dictionary((input.tags ?? []).map { ($0.key, $0.value ?? "") }, uniquingKeysWith: { $1 })
    if let encryption = input.deliveryStreamEncryptionConfigurationInput {
      guard source == .directPut else {
        throw FirehoseError.invalid("Server-side encryption cannot be configured for KinesisStreamAsSource delivery streams.")
      }
      made.encryptionKey = encryption.keyARN ?? ""
    }
    let stream = made
    try await store.transact { rows in
      guard try rows.get(Keys.stream(id)) == nil else { throw FirehoseError.exists(id) }
      guard try rows.entries(Keys.streams(call.account, call.region)).count < FirehoseLimits.streams else {
        throw FirehoseError.limit("You have already consumed your firehose quota of \(FirehoseLimits.streams) hoses.")
      }
      try rows.put(stream)
    }
    states.nudge.nudge()
    var output = CreateDeliveryStreamOutput()
    output.deliveryStreamARN = id.arn.text
    return output
  }

  /// Throws when a role is another account's or cannot be assumed by Firehose.
  private func check(_ roles: [ARN], _ call: Call) async throws {
    for role in roles { try await check(role, call) }
  }

  private func check(_ role: ARN, _ call: Call) async throws {
    guard role.account == call.account.text else { throw FirehoseError.invalid("Cross-account pass role is not allowed: \(role)") }
    guard try await neighbours.roles.trusts(role: role, service: "firehose.amazonaws.com") == .trusted else {
      throw FirehoseError.invalid("Firehose is unable to assume role \(role). Please check the role provided.")
    }
  }

  private func check(_ stream: ARN, _ role: ARN, of id: DeliveryStreamID, _ call: Call) async throws {
    try await check(role, call)
    let caller = try await Callers(neighbours.roles, ambient).caller(role, of: id)
    do {
      _ = try await neighbours.streams.describe(stream, as: caller)
    } catch let error as AWSError {
      throw FirehoseError.invalid("The stream \(stream) cannot be read with the role \(role): \(error.message)")
    }
  }

  private func deleteStream(_ input: DeleteDeliveryStreamInput, _ call: Call) async throws -> DeleteDeliveryStreamOutput {
    try await change(id(input.deliveryStreamName, call)) { stream in
      guard stream.status != .deleting else {
        throw FirehoseError.inUse("Firehose \(stream.name.name) under account \(stream.name.account) is being deleted.")
      }
      stream.status = .deleting
    }
    return DeleteDeliveryStreamOutput()
  }

  private func describeStream(_ input: DescribeDeliveryStreamInput, _ call: Call) async throws -> DescribeDeliveryStreamOutput {
    var output = DescribeDeliveryStreamOutput()
    output.deliveryStreamDescription = DeliveryStreamDescription(try await existing(id(input.deliveryStreamName, call)))
    return output
  }

  private func listStreams(_ input: ListDeliveryStreamsInput, _ call: Call) async throws -> ListDeliveryStreamsOutput {
    let limit = input.limit ?? FirehoseLimits.listPage
    let type = input.deliveryStreamType
    let found = try await store.read {
      try $0.deliveryStreams(Keys.streams(call.account, call.region, after: input.exclusiveStartDeliveryStreamName))
    }
    let wanted = found.filter { type == nil || $0.source.type == type }
    var output = ListDeliveryStreamsOutput()
    output.deliveryStreamNames = wanted.prefix(limit).map(\.name.name)
    output.hasMoreDeliveryStreams = wanted.count > limit
    return output
  }

  // MARK: Changes

  private func updateAccess(_ input: UpdateDestinationInput, _ call: Call) async throws -> [Access] {
    let endpoint = input.httpEndpointDestinationUpdate
    let roles = [
      input.s3DestinationUpdate?.roleARN, input.extendedS3DestinationUpdate?.roleARN,
      input.extendedS3DestinationUpdate?.s3BackupUpdate?.roleARN, endpoint?.roleARN, endpoint?.s3Update?.roleARN,
    ].compactMap { $0 }
    let access: @Sendable (UpdateDestinationInput, Call) async throws -> [Access] = access("UpdateDestination")
    return try await access(input, call) + Set(roles).sorted().map { Self.passing($0, call) }
  }

  private func updateDestination(_ input: UpdateDestinationInput, _ call: Call) async throws -> UpdateDestinationOutput {
    let id = id(input.deliveryStreamName, call)
    guard input.destinationId == DeliveryStream.destinationID else {
      throw FirehoseError.invalid("Destination Id \(input.destinationId) not found")
    }
    try DestinationReading.refuseOthers(input)
    let old = try await existing(id)
    let destination = try DestinationReading.updated(old.destination, input)
    try await check(destination.roles, call)
    let (now, version) = (ambient.now, input.currentDeliveryStreamVersionId)
    try await change(id) { stream in
      guard stream.status == .active else {
        throw FirehoseError.inUse("Firehose \(id.name) under account \(id.account) is not ACTIVE.")
      }
      guard String(stream.version) == version, stream.destination == old.destination else { throw FirehoseError.wrongVersion }
      stream.destination = destination
      stream.version += 1
      stream.updated = now
    }
    for lane in lanes { lane.nudge.nudge() }
    return UpdateDestinationOutput()
  }
}

extension DeliveryStream.Source {
  var type: String {
    switch self {
    case .directPut: "DirectPut"
    case .kinesis: "KinesisStreamAsSource"
    }
  }
}
