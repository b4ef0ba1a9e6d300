import Base
import Fabric
import Store
import Wire

extension DynamoDBService {
  var streamOperations: [Operation] {
    [
      Operation("ListStreams", access: { (_: ListStreamsInput, call) in
        [Access("dynamodb:ListStreams", owner: call.account)]
      }, run: listStreams),
      Operation("DescribeStream", access: { (input: DescribeStreamInput, call) in
        [try Self.streamAccess("DescribeStream", input.streamArn, call)]
      }, run: describeStream),
      Operation("GetShardIterator", access: { (input: GetShardIteratorInput, call) in
        [try Self.streamAccess("GetShardIterator", input.streamArn, call)]
      }, run: getShardIterator),
      Operation("GetRecords", access: { (input: GetRecordsInput, call) in
        let stream = try StreamIterator(text: input.shardIterator).stream
        return [Access("dynamodb:GetRecords", on: stream.arn.text, owner: stream.table.account)]
      }, run: getRecords),
    ]
  }

  private static func streamName(_ text: String, _ call: Call) throws -> StreamName {
    guard let name = ARN(text).flatMap(StreamName.init), name.table.region == call.region else { throw DynamoDBError.validation("Invalid StreamArn: \(text)") }
    return name
  }
  private static func streamAccess(_ action: String, _ text: String, _ call: Call) throws -> Access {
    let name = try streamName(text, call)
    return Access("dynamodb:" + action, on: name.arn.text, owner: name.table.account)
  }

  func listStreams(_ input: ListStreamsInput, _ call: Call) async throws -> ListStreamsOutput {
    let limit = min(input.limit ?? DynamoDBLimits.tablesPerPage, DynamoDBLimits.tablesPerPage)
    var range = KeyRange(
      prefix: try input.tableName.map { Keys.streams.of(try name($0, call)) } ?? Keys.streams.of(call.account, call.region))
    if let last = input.exclusiveStartStreamArn {
      let name = try Self.streamName(last, call)
      range.lower = max(range.lower, Keys.streams.row(name.table, name.label).end)
    }
    let (rows, now) = (range, call.now)
    let names = try await store.read { reader -> [StreamName] in
      var names: [StreamName] = []
      try reader.scan(rows) { key, _ in
        let (table, label) = try Keys.streams.name(key)
        if let open = try OpenStream(StreamName(table, label), reader, now: now) { names.append(open.name) }
        return names.count <= limit
      }
      return names
    }
    var output = ListStreamsOutput()
    output.streams = names.prefix(limit).map { name in
      var out = StreamsStream()
      (out.streamArn, out.tableName, out.streamLabel) = (name.arn.text, name.table.name, name.label)
      return out
    }
    if names.count > limit { output.lastEvaluatedStreamArn = names[limit - 1].arn.text }
    return output
  }

  func describeStream(_ input: DescribeStreamInput, _ call: Call) async throws -> DescribeStreamOutput {
    let stream = try await open(try Self.streamName(input.streamArn, call), now: call.now)
    var range = SequenceNumberRange()
    range.startingSequenceNumber = SequenceNumber.text(0)
    if stream.isClosed { range.endingSequenceNumber = SequenceNumber.text(max(0, stream.extent.next - 1)) }
    var shard = StreamsShard()
    (shard.shardId, shard.sequenceNumberRange) = (stream.shard, range)
    var description = StreamDescription()
    description.streamArn = stream.name.arn.text
    description.streamLabel = stream.name.label
    description.streamStatus = stream.isClosed ? "DISABLED" : "ENABLED"
    description.streamViewType = stream.row.view.rawValue
    description.creationRequestDateTime = stream.row.createdAt
    description.tableName = stream.name.table.name
    description.keySchema = stream.row.key.map { name, kind in
      var element = StreamsKeySchemaElement()
      (element.attributeName, element.keyType) = (name, kind)
      return element
    }
    // The only shard has no children, and none comes behind it.
    let isBehind = input.exclusiveStartShardId.map { $0 >= stream.shard } ?? false
    description.shards = isBehind || input.shardFilter != nil ? [] : [shard]
    var output = DescribeStreamOutput()
    output.streamDescription = description
    return output
  }

  func getShardIterator(_ input: GetShardIteratorInput, _ call: Call) async throws -> GetShardIteratorOutput {
    let stream = try await open(try Self.streamName(input.streamArn, call), now: call.now)
    guard input.shardId == stream.shard else {
      throw AWSError("ResourceNotFoundException", "Requested resource not found: Shard does not exist", status: 400)
    }
    let number: Int64
    switch input.shardIteratorType {
    case "TRIM_HORIZON": number = stream.oldest
    case "LATEST": number = stream.extent.next
    default:
      guard let text = input.sequenceNumber else {
        throw DynamoDBError.validation(
          "SequenceNumber is required with ShardIteratorType AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER")
      }
      guard let given = SequenceNumber.number(text), given >= 0, given <= stream.extent.next else {
        throw DynamoDBError.validation("Invalid SequenceNumber in the request: \(text)")
      }
      number = input.shardIteratorType == "AT_SEQUENCE_NUMBER" ? given : given + 1
      guard number >= stream.oldest else { throw Self.trimmed }
    }
    if input.sequenceNumber != nil, ["TRIM_HORIZON", "LATEST"].contains(input.shardIteratorType) {
      throw DynamoDBError.validation("SequenceNumber cannot be specified with ShardIteratorType \(input.shardIteratorType)")
    }
    var output = GetShardIteratorOutput()
    output.shardIterator = StreamIterator(stream.name, number, at: call.now).text
    return output
  }

  func getRecords(_ input: GetRecordsInput, _ call: Call) async throws -> GetRecordsOutput {
    let iterator = try StreamIterator(text: input.shardIterator)
    let limit = input.limit ?? DynamoDBLimits.streamRecordsPerRead
    guard limit <= DynamoDBLimits.streamRecordsPerRead else {
      throw DynamoDBError.validation(
        "1 validation error detected: Value '\(limit)' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000")
    }
    guard iterator.madeAt + DynamoDBLimits.streamIteratorLife > call.now else {
      throw AWSError("ExpiredIteratorException", "Iterator expired. The iterator was created more than 15 minutes ago.", status: 400)
    }
    let (stream, changes, next) = try await changes(iterator.stream, from: iterator.number, limit: limit, now: call.now)
    var output = GetRecordsOutput()
    output.records = changes.map { read in
      var record = StreamsRecord()
      record.eventID = stream.eventID(read.number)
      record.eventName = read.change.kind.name
      record.eventVersion = "1.1"
      record.eventSource = "aws:dynamodb"
      record.awsRegion = stream.name.table.region.text
      record.dynamodb = read.change.json(stream.row.view, number: read.number, at: read.time)
      if read.change.isExpiry {
        var identity = StreamsIdentity()
        (identity.principalId, identity.type) = ("dynamodb.amazonaws.com", "Service")
        record.userIdentity = identity
      }
      return record
    }
    output.nextShardIterator = next.map { StreamIterator(stream.name, $0, at: call.now).text }
    return output
  }
}
