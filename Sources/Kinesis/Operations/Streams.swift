import Base
import Fabric
import Store
import Wire

extension DeleteStreamInput: StreamInput {}

/// Streams come and go.
extension KinesisService {
  var streamOperations: [Operation] {
    [
      Operation("CreateStream", access: createAccess, run: createStream),
      Operation("DeleteStream", access: access("DeleteStream"), run: deleteStream),
      Operation("ListStreams", access: { (_: ListStreamsInput, call) in
        [Access("kinesis:ListStreams", owner: call.account)]
      }, run: listStreams),
    ]
  }

  private func createAccess(_ input: CreateStreamInput, _ call: Call) async throws -> [Access] {
    let arn = StreamName(call.account, call.region, input.streamName).arn.text
    var all = [Access("kinesis:CreateStream", on: arn, owner: call.account)]
    if input.tags?.isEmpty == false { all.append(Access("kinesis:TagResource", on: arn, owner: call.account)) }
    return all.map { $0.bringing(input.tags) }
  }

  private func createStream(_ input: CreateStreamInput, _ call: Call) async throws {
    let name = StreamName(call.account, call.region, input.streamName)
    let standard: Stream.Mode = input.shardCount == nil ? .onDemand : .provisioned
    let mode = input.streamModeDetails.flatMap { Stream.Mode(rawValue: $0.streamMode) } ?? standard
    let count = try Self.shardCount(input.shardCount, mode)
    try KinesisTags.check(input.tags ?? [:])
    guard input.warmThroughputMiBps == nil || mode == .onDemand else {
      throw KinesisError.validation("WarmThroughputMiBps can only be set for streams in ON_DEMAND mode.")
    }
    let now = ambient.now
    var stream = Stream(
      name: name, id: Int64(ambient.random.number(below: 1 << 62)), created: now, mode: mode, openShards: count)
    stream.tags = input.tags ?? [:]
    stream.warmMiBps = input.warmThroughputMiBps
    stream.maximumRecordKiB = input.maxRecordSizeInKiB ?? stream.maximumRecordKiB
    let made = stream
    defer { cache.drop(name) }
    try await store.transact { rows in
      guard try rows.get(Keys.stream(name)) == nil else { throw KinesisError.exists(name) }
      try Self.checkRoom(for: count, mode, rows, call)
      try rows.put(made, shards: ShardMap(count: count, at: now))
    }
    changes.nudge.nudge()
  }

  /// Throws for a count that the mode does not take.
  private static func shardCount(_ count: Int?, _ mode: Stream.Mode) throws(AWSError) -> Int {
    switch (mode, count) {
    case (.onDemand, nil): return KinesisLimits.onDemandShards
    case (.onDemand, .some): throw KinesisError.validation("ShardCount cannot be provided for streams in ON_DEMAND mode.")
    case (.provisioned, nil): throw KinesisError.validation("ShardCount must be provided for streams in PROVISIONED mode.")
    case (.provisioned, .some(let count)): return count
    }
  }

  /// Throws LimitExceededException when the account has too many streams or shards.
  static func checkRoom(for count: Int, _ mode: Stream.Mode, _ rows: any Reader, _ call: Call) throws {
    let all = try rows.streams(call.account, call.region)
    let open = all.filter { $0.mode == .provisioned }.reduce(0) { $0 + $1.openShards }
    guard mode == .provisioned else {
      guard all.count(where: { $0.mode == .onDemand }) < KinesisLimits.onDemandStreams else {
        throw KinesisError.limit(
          "You have reached the maximum limit of \(KinesisLimits.onDemandStreams) on-demand streams for the account \(call.account).")
      }
      return
    }
    guard open + count <= KinesisLimits.shards(call.region) else {
      throw KinesisError.shardLimit((call.account, call.region), open: open, more: count)
    }
  }

  private func deleteStream(_ input: DeleteStreamInput, _ call: Call) async throws {
    let name = try name(input, call)
    let enforces = input.enforceConsumerDeletion ?? false
    try await change(name) { stream, _, rows in
      guard stream.status != .deleting else { throw KinesisError.notActive(name, stream.status) }
      if !enforces, try !rows.consumers(of: stream, limit: 1).isEmpty {
        throw KinesisError.inUse(
          "Stream \(name.name) under account \(name.account) has registered consumers. Deregister them first, or set "
            + "EnforceConsumerDeletion.")
      }
      stream.status = .deleting
    }
    subscriptions.end { $0.stream == name }
  }

  private func listStreams(_ input: ListStreamsInput, _ call: Call) async throws -> ListStreamsOutput {
    let limit = min(input.limit ?? KinesisLimits.streamPage, KinesisLimits.recordsPerRead)
    guard input.nextToken == nil || input.exclusiveStartStreamName == nil else {
      throw KinesisError.invalid("NextToken and ExclusiveStartStreamName cannot be provided together.")
    }
    let token = try input.nextToken.map { try ListToken($0, of: "streams", now: ambient.now) }
    let last = token?.last ?? input.exclusiveStartStreamName
    let found = try await store.read { try $0.streams(call.account, call.region, after: last, limit: limit + 1) }
    let page = found.prefix(limit)
    var output = ListStreamsOutput()
    output.streamNames = page.map(\.name.name)
    output.hasMoreStreams = found.count > limit
    if found.count > limit, let last = page.last {
      output.nextToken = ListToken(of: "streams", last: last.name.name, made: ambient.now).text
    }
    output.streamSummaries = page.map { stream in
      var summary = StreamSummary()
      (summary.streamName, summary.streamARN) = (stream.name.name, stream.name.arn.text)
      (summary.streamStatus, summary.streamCreationTimestamp) = (stream.status.rawValue, stream.created)
      summary.streamModeDetails = StreamModeDetails(stream.mode)
      return summary
    }
    return output
  }
}

extension StreamModeDetails {
  init(_ mode: Stream.Mode) {
    self.init()
    streamMode = mode.rawValue
  }
}
