import Base
import Fabric
import Store
import Wire

extension DescribeStreamInput: StreamInput {}
extension DescribeStreamSummaryInput: StreamInput {}
extension ListShardsInput: StreamInput {}

/// What streams and shards look like.
extension KinesisService {
  var describeOperations: [Operation] {
    [
      Operation("DescribeStream", access: access("DescribeStream"), run: describeStream),
      Operation("DescribeStreamSummary", access: access("DescribeStreamSummary", isShared: true), run: describeStreamSummary),
      Operation("ListShards", access: listShardsAccess, run: listShards),
    ]
  }

  private func describeStream(_ input: DescribeStreamInput, _ call: Call) async throws -> DescribeStreamOutput {
    let loaded = try await existing(name(input, call))
    let stream = loaded.stream
    let limit = input.limit ?? KinesisLimits.describedShards
    let start = input.exclusiveStartShardId.flatMap { ShardID($0) }?.index ?? -1
    let kept = loaded.shards.shards.filter { $0.id.index > start && !$0.isExpired(stream.horizon(ambient.now)) }
    var out = StreamDescriptionShape()
    (out.streamName, out.streamARN, out.streamStatus) = (stream.name.name, stream.name.arn.text, stream.status.rawValue)
    out.streamModeDetails = StreamModeDetails(stream.mode)
    // While the stream is made it has no shards to show.
    out.shards = stream.status == .creating ? [] : kept.prefix(limit).map { KinesisShard($0) }
    out.hasMoreShards = stream.status != .creating && kept.count > limit
    (out.retentionPeriodHours, out.streamCreationTimestamp) = (stream.retentionHours, stream.created)
    out.enhancedMonitoring = [EnhancedMetrics(stream)]
    (out.encryptionType, out.keyId) = (stream.encryption, stream.keyID)
    var output = DescribeStreamOutput()
    output.streamDescription = out
    return output
  }

  private func describeStreamSummary(_ input: DescribeStreamSummaryInput, _ call: Call) async throws -> DescribeStreamSummaryOutput {
    let stream = try await existing(name(input, call)).stream
    let consumers = try await store.read { try $0.consumers(of: stream).count }
    var out = StreamDescriptionSummary()
    (out.streamName, out.streamARN, out.streamStatus) = (stream.name.name, stream.name.arn.text, stream.status.rawValue)
    out.streamId = stream.publicID
    out.streamModeDetails = StreamModeDetails(stream.mode)
    (out.retentionPeriodHours, out.streamCreationTimestamp) = (stream.retentionHours, stream.created)
    out.enhancedMonitoring = [EnhancedMetrics(stream)]
    (out.encryptionType, out.keyId) = (stream.encryption, stream.keyID)
    (out.openShardCount, out.consumerCount) = (stream.status == .creating ? 0 : stream.openShards, consumers)
    out.maxRecordSizeInKiB = stream.maximumRecordKiB
    out.warmThroughput = stream.warmMiBps.map { WarmThroughputObject($0) }
    var output = DescribeStreamSummaryOutput()
    output.streamDescriptionSummary = out
    return output
  }

  // MARK: Shards with pages

  /// A token says of which stream it is.
  private func listed(_ input: ListShardsInput, _ call: Call) throws -> (name: StreamName, token: ListToken?) {
    guard let text = input.nextToken else {
      guard input.streamName != nil || input.streamARN != nil else {
        throw KinesisError.invalid("Either NextToken or StreamName should be provided.")
      }
      return (try name(input, call), nil)
    }
    guard input.streamName == nil, input.streamARN == nil else {
      throw KinesisError.invalid("NextToken and StreamName cannot be provided together.")
    }
    guard input.exclusiveStartShardId == nil, input.shardFilter == nil else {
      throw KinesisError.invalid("NextToken cannot be provided together with ExclusiveStartShardId or ShardFilter.")
    }
    let token = try ListToken(text, now: ambient.now)
    let fields = token.scope.split(separator: " ").map(String.init)
    guard fields.count == 2 || fields.count == 3, fields[0] == "shards", let name = ARN(fields[1]).flatMap({ StreamName($0) }),
      name.region == call.region
    else {
      throw KinesisError.invalidToken
    }
    return (name, token)
  }

  private func listShardsAccess(_ input: ListShardsInput, _ call: Call) async throws -> [Access] {
    [try await access("ListShards", try listed(input, call).name, isShared: true, by: call.account)]
  }

  private func listShards(_ input: ListShardsInput, _ call: Call) async throws -> ListShardsOutput {
    let (name, token) = try listed(input, call)
    let loaded = try await existing(name)
    let (stream, now) = (loaded.stream, ambient.now)
    if let wanted = input.streamCreationTimestamp, wanted.seconds != stream.created.seconds { throw KinesisError.noStream(name) }
    guard stream.isUsable else { throw KinesisError.notActive(name, stream.status) }
    let filter = token.map { $0.scope.split(separator: " ").dropFirst(2).first.map(String.init) ?? "" }
    let selection =
      try filter.map { try ShardSelection(tokenText: $0) }
      ?? ShardSelection(input.shardFilter, exclusiveStart: input.exclusiveStartShardId, created: stream.created, now: now)
    let start = token.flatMap { Int($0.last) } ?? -1
    let limit = input.maxResults ?? KinesisLimits.shardPage
    let found = selection.of(loaded.shards, created: stream.created, horizon: stream.horizon(now)).filter { $0.id.index > start }
    var output = ListShardsOutput()
    output.shards = found.prefix(limit).map { KinesisShard($0) }
    if found.count > limit {
      output.nextToken = ListToken(
        of: "shards \(name.arn) \(selection.tokenText)", last: String(found[limit - 1].id.index), made: now
      ).text
    }
    return output
  }
}

extension ShardSelection {
  /// In a token, so that a list goes on as it began.
  var tokenText: String {
    switch self {
    case .all: "all"
    case .after(let id): "after:\(id.index)"
    case .atTrimHorizon: "horizon"
    case .atLatest: "latest"
    case .at(let time): "at:\(time.milliseconds)"
    case .from(let time): "from:\(time.milliseconds)"
    }
  }

  init(tokenText: String) throws(AWSError) {
    let parts = tokenText.split(separator: ":").map(String.init)
    let number = parts.count == 2 ? Int64(parts[1]) : nil
    switch (parts.first, number) {
    case ("all", nil): self = .all
    case ("horizon", nil): self = .atTrimHorizon
    case ("latest", nil): self = .atLatest
    case ("after", .some(let index)) where (0...Int64(Int32.max)).contains(index): self = .after(ShardID(Int(index)))
    case ("at", .some(let time)): self = .at(Instant(milliseconds: time))
    case ("from", .some(let time)): self = .from(Instant(milliseconds: time))
    default: throw KinesisError.invalidToken
    }
  }
}

extension KinesisShard {
  init(_ shard: Shard) {
    self.init()
    shardId = "\(shard.id)"
    parentShardId = shard.parent.map { "\($0)" }
    adjacentParentShardId = shard.adjacentParent.map { "\($0)" }
    hashKeyRange = HashKeyRange(shard.range)
    var numbers = SequenceNumberRange()
    numbers.startingSequenceNumber = SequenceNumber.start(of: shard).text
    numbers.endingSequenceNumber = SequenceNumber.end(of: shard)?.text
    sequenceNumberRange = numbers
  }
}

extension HashKeyRange {
  init(_ range: HashRange) {
    self.init()
    (startingHashKey, endingHashKey) = (String(range.first), String(range.last))
  }
}

extension EnhancedMetrics {
  init(_ stream: Stream) {
    self.init()
    shardLevelMetrics = stream.shardMetrics
  }
}

extension WarmThroughputObject {
  init(_ mebibytes: Int) {
    self.init()
    (targetMiBps, currentMiBps) = (mebibytes, mebibytes)
  }
}
