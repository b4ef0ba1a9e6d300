import Base
import Fabric
import Store
import Wire

extension KinesisStreamingDestinationInput: TableInput {}
extension UpdateKinesisStreamingDestinationInput: TableInput {}
extension DescribeKinesisStreamingDestinationInput: TableInput {}

/// Streams of Kinesis that take the changes of a table.
extension DynamoDBService {
  var destinationOperations: [Operation] {
    [
      Operation("EnableKinesisStreamingDestination", access: { (input: KinesisStreamingDestinationInput, call) in
        // Who streams a table must be allowed to write to the stream; DynamoDB does it in the name of the account afterwards.
        let owner = ARN(input.streamArn).flatMap { AccountID($0.account) } ?? call.account
        return [try await self.access("EnableKinesisStreamingDestination", input.tableName, call)]
          + ["PutRecord", "PutRecords", "DescribeStream"].map { Access("kinesis:\($0)", on: input.streamArn, owner: owner) }
      }, run: enableDestination),
      Operation("DisableKinesisStreamingDestination", access: access("DisableKinesisStreamingDestination"), run: disableDestination),
      Operation("UpdateKinesisStreamingDestination", access: access("UpdateKinesisStreamingDestination"), run: updateDestination),
      Operation("DescribeKinesisStreamingDestination", access: access("DescribeKinesisStreamingDestination"), run: describeDestination),
    ]
  }

  private func enableDestination(
    _ input: KinesisStreamingDestinationInput, _ call: Call
  ) async throws -> KinesisStreamingDestinationOutput {
    let name = try name(input.tableName, call)
    let stream = input.streamArn
    guard let arn = ARN(stream), arn.service == "kinesis", arn.resource.hasPrefix("stream/") else {
      throw DynamoDBError.validation("Invalid StreamArn: \(stream)")
    }
    guard arn.account == name.account.text, arn.region == name.region.text,
      try await StreamWriter(door, ambient).exists(arn, for: name)
    else {
      throw DynamoDBError.validation("User does not have a permission to use kinesis stream")
    }
    let precision =
      input.enableKinesisStreamingConfiguration?.approximateCreationDateTimePrecision.flatMap(StreamingDestination.Precision.init)
    let made = try await change(name, missing: DynamoDBError.resourceNotFound) { table, rows in
      var destination = StreamingDestination(id: 0, stream: stream, status: .enabling, precision: precision ?? .millisecond)
      let place = table.destinations.firstIndex { $0.stream == stream }
      guard place.map({ table.destinations[$0].isOver }) ?? true else { throw Self.wrongState("enable", "DISABLED or ENABLE_FAILED", "ENABLE") }
      guard table.destinations.count(where: { !$0.isOver }) < DynamoDBLimits.destinations else {
        throw DynamoDBError.limit("Table already has the maximum number of Kinesis streaming destinations: \(DynamoDBLimits.destinations)")
      }
      destination.id = Int(try Counter(Keys.tableNumber).next(rows))
      if let place { table.destinations[place] = destination } else { table.destinations.append(destination) }
      // Of those that are only shown the last ones stay.
      while table.destinations.count > 2 * DynamoDBLimits.destinations, let old = table.destinations.firstIndex(where: \.isOver) {
        table.destinations.remove(at: old)
      }
      try rows.set(Keys.destination(destination.id), name.row)
      return destination
    }
    return Self.output(made, name, input.enableKinesisStreamingConfiguration)
  }

  private func disableDestination(
    _ input: KinesisStreamingDestinationInput, _ call: Call
  ) async throws -> KinesisStreamingDestinationOutput {
    let name = try name(input.tableName, call)
    let stream = input.streamArn
    let changed = try await change(name, missing: DynamoDBError.resourceNotFound) { table, _ in
      let place = try Self.place(of: stream, in: table, to: "disable")
      guard table.destinations[place].status == .active else { throw Self.wrongState("disable", "ACTIVE", "DISABLE") }
      table.destinations[place].status = .disabling
      return table.destinations[place]
    }
    return Self.output(changed, name, input.enableKinesisStreamingConfiguration)
  }

  private func updateDestination(
    _ input: UpdateKinesisStreamingDestinationInput, _ call: Call
  ) async throws -> UpdateKinesisStreamingDestinationOutput {
    let name = try name(input.tableName, call)
    let stream = input.streamArn
    let wanted = input.updateKinesisStreamingConfiguration?.approximateCreationDateTimePrecision
    guard let precision = wanted.flatMap(StreamingDestination.Precision.init) else {
      throw DynamoDBError.validation(
        "Invalid Request: Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null "
          + "or contain only null values")
    }
    let changed = try await change(name, missing: DynamoDBError.resourceNotFound) { table, _ in
      let place = try Self.place(of: stream, in: table, to: "update")
      guard table.destinations[place].status == .active else { throw Self.wrongState("update", "ACTIVE", "UPDATE") }
      guard table.destinations[place].precision != precision else {
        throw DynamoDBError.validation(
          "Invalid Request: Precision is already set to the desired value of \(precision.rawValue) for tableId: \(table.uuid), "
            + "kdsArn: \(stream)")
      }
      (table.destinations[place].status, table.destinations[place].precision) = (.updating, precision)
      return table.destinations[place]
    }
    var output = UpdateKinesisStreamingDestinationOutput()
    (output.tableName, output.streamArn, output.destinationStatus) = (name.name, stream, changed.status.name)
    output.updateKinesisStreamingConfiguration = input.updateKinesisStreamingConfiguration
    return output
  }

  private func describeDestination(
    _ input: DescribeKinesisStreamingDestinationInput, _ call: Call
  ) async throws -> DescribeKinesisStreamingDestinationOutput {
    let name = try name(input.tableName, call)
    guard let stored = try await store.read({ try TableCache.read(name, $0) }) else { throw DynamoDBError.resourceNotFound }
    var output = DescribeKinesisStreamingDestinationOutput()
    output.tableName = name.name
    output.kinesisDataStreamDestinations = stored.table.destinations.map { destination in
      var out = KinesisDataStreamDestination()
      (out.streamArn, out.destinationStatus) = (destination.stream, destination.status.name)
      out.approximateCreationDateTimePrecision = destination.precision.rawValue
      if destination.status == .failed { out.destinationStatusDescription = "The Kinesis stream does not exist." }
      return out
    }
    return output
  }

  private static func place(of stream: String, in table: Table, to verb: String) throws -> Int {
    guard let place = table.destinations.firstIndex(where: { $0.stream == stream }) else {
      throw DynamoDBError.validation(
        "Table is not in a valid state to \(verb) Kinesis Streaming Destination: No streaming destination with streamArn: \(stream) found "
          + "for table with tableName: \(table.name.name)")
    }
    return place
  }
  private static func wrongState(_ verb: String, _ states: String, _ operation: String) -> AWSError {
    DynamoDBError.validation(
      "Table is not in a valid state to \(verb) Kinesis Streaming Destination: KinesisStreamingDestination must be \(states) to perform "
        + "\(operation) operation.")
  }
  private static func output(
    _ destination: StreamingDestination, _ name: TableName, _ configuration: EnableKinesisStreamingConfiguration?
  ) -> KinesisStreamingDestinationOutput {
    var output = KinesisStreamingDestinationOutput()
    (output.tableName, output.streamArn, output.destinationStatus) = (name.name, destination.stream, destination.status.name)
    output.enableKinesisStreamingConfiguration = configuration ?? EnableKinesisStreamingConfiguration()
    return output
  }
}
