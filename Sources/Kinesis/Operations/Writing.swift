import Base
import Fabric
import Store
import Wire

extension PutRecordInput: StreamInput {}
extension PutRecordsInput: StreamInput {}

/// Records come in.
extension KinesisService {
  var writeOperations: [Operation] {
    [
      Operation("PutRecord", access: access("PutRecord", isShared: true), run: putRecord),
      Operation("PutRecords", access: access("PutRecords", isShared: true), run: putRecords),
    ]
  }

  /// A record that is to be written.
  private struct Draft: Sendable {
    var hash: UInt128
    var record: StoredRecord
    var size: Int { record.data.count + record.partitionKey.utf8.count }

    /// Throws InvalidArgumentException for a hash key that is none.
    init(_ partitionKey: String, _ explicitHash: String?, _ data: [UInt8], of stream: Stream, trace: String?) throws(AWSError) {
      record = StoredRecord(partitionKey: partitionKey, data: data, isEncrypted: stream.keyID != nil, trace: trace)
      guard let explicitHash else { hash = HashRange.key(of: partitionKey); return }
      guard let key = HashRange.key(explicitHash) else {
        throw KinesisError.invalid(
          "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(explicitHash)")
      }
      hash = key
    }
  }

  private struct Written: Sendable {
    var shard: ShardID
    var sequenceNumber: String
  }

  /// Writes drafts in one transaction; those of one shard keep their order.
  private func write(_ drafts: [Draft], to name: StreamName) async throws -> [Written] {
    let now = ambient.now
    return try await store.transact { [cache] rows in
      guard let loaded = try cache.load(name, rows), loaded.stream.isUsable else { throw KinesisError.noStream(name) }
      var written = [Written?](repeating: nil, count: drafts.count)
      if drafts.count == 1 {
        let shard = loaded.shards.shard(for: drafts[0].hash)
        return [try Self.append(drafts[0], to: shard, loaded, rows, now)]
      }
      var byShard: [ShardID: [Int]] = [:]
      for (place, draft) in drafts.enumerated() { byShard[loaded.shards.shard(for: draft.hash).id, default: []].append(place) }
      for (id, places) in byShard {
        guard let shard = loaded.shards[id] else { continue }
        let (numbers, time) = try loaded.log(id).append(places.map { drafts[$0].record.row }, at: now, rows)
        for (place, number) in zip(places, numbers) {
          written[place] = Written(shard: id, sequenceNumber: SequenceNumber(shard, number: number, at: time).text)
        }
      }
      return written.compactMap { $0 }
    }
  }

  private static func append(
    _ draft: Draft, to shard: Shard, _ loaded: LoadedStream, _ rows: any Transaction, _ now: Instant
  ) throws -> Written {
    let (numbers, time) = try loaded.log(shard.id).append([draft.record.row], at: now, rows)
    let number = SequenceNumber(shard, number: numbers.lowerBound, at: time)
    return Written(shard: shard.id, sequenceNumber: number.text)
  }

  /// The hop of a put that is a step of a trace. Its records carry it; others carry nothing, and their readers begin anew. What is
  /// behind a stream does not count as a loop, as on AWS.
  private func begin(_ call: Call) -> OpenPut? {
    guard call.isTraced else { return nil }
    let id = hops.newID()
    var trace = call.trace.under(id)
    trace.lineage = nil
    return OpenPut(id: id, trace: trace)
  }
  private func end(_ put: OpenPut?, _ call: Call, _ name: StreamName) {
    guard let put else { return }
    hops.record(
      Hop(
        id: put.id, parent: call.trace.parent, trace: call.trace.root, at: call.now, account: name.account, region: name.region,
        service: "kinesis", action: call.operation, source: call.principal.hopSource, target: name.arn.text, outcome: .accepted))
  }
  private struct OpenPut {
    var id: String
    var trace: TraceContext
  }

  /// Whether the shard of a draft takes it now. A stream on demand gets more shards when one does not.
  private func admits(_ draft: Draft, _ loaded: LoadedStream, _ now: RateTime) -> (shard: ShardID, isTaken: Bool) {
    let shard = loaded.shards.shard(for: draft.hash).id
    return (shard, rates.takesRecord(.init(stream: loaded.stream.id, shard: shard), size: draft.size, now))
  }

  private func putRecord(_ input: PutRecordInput, _ call: Call) async throws -> PutRecordOutput {
    let began = ambient.clock.monotonic()
    let name = try name(input, call)
    let loaded = try await usable(name)
    if let number = input.sequenceNumberForOrdering, SequenceNumber(number) == nil {
      throw KinesisError.invalid("ExclusiveMinimumSequenceNumber \(number) used in PutRecord on stream \(name.name) is invalid.")
    }
    let hop = begin(call)
    let draft = try Draft(input.partitionKey, input.explicitHashKey, input.data, of: loaded.stream, trace: hop?.trace.header)
    guard draft.size <= loaded.stream.maximumRecordBytes else {
      throw KinesisError.recordTooLarge(draft.size, maximum: loaded.stream.maximumRecordBytes)
    }
    let meter = metrics.meter(loaded.stream, ambient.now)
    let (shard, isTaken) = admits(draft, loaded, RateTime(ambient.clock))
    guard isTaken else {
      if loaded.stream.mode == .onDemand { changes.note(hot: [shard], of: name) }
      meter.throttledWrite([shard: 1])
      meter.put(.putRecordSuccess, 0)
      throw KinesisError.throttled(shard, name)
    }
    let written = try await write([draft], to: name)[0]
    end(hop, call, name)
    meter.incoming([written.shard: (records: 1, bytes: draft.size)])
    meter.wrote(bytes: draft.size, latency: ambient.clock.monotonic() - began)
    var output = PutRecordOutput()
    (output.shardId, output.sequenceNumber) = ("\(written.shard)", written.sequenceNumber)
    if loaded.stream.keyID != nil { output.encryptionType = "KMS" }
    return output
  }

  private func putRecords(_ input: PutRecordsInput, _ call: Call) async throws -> PutRecordsOutput {
    let began = ambient.clock.monotonic()
    let name = try name(input, call)
    let loaded = try await usable(name)
    let maximum = loaded.stream.maximumRecordBytes
    let hop = begin(call), header = hop?.trace.header
    var drafts: [Draft] = [], total = 0
    for entry in input.records {
      let draft = try Draft(entry.partitionKey, entry.explicitHashKey, entry.data, of: loaded.stream, trace: header)
      guard draft.size <= maximum else { throw KinesisError.recordTooLarge(draft.size, maximum: maximum) }
      total += draft.size
      drafts.append(draft)
    }
    guard total <= KinesisLimits.bytesPerPut else {
      throw KinesisError.invalid("Records size exceeds \(KinesisLimits.bytesPerPut / 1_048_576) MB limit")
    }
    let now = RateTime(ambient.clock)
    let admitted = drafts.map { admits($0, loaded, now) }
    let taken = zip(drafts, admitted).filter { $1.isTaken }.map(\.0)
    let written = taken.isEmpty ? [] : try await write(taken, to: name)
    if !taken.isEmpty { end(hop, call, name) }
    let refused = admitted.filter { !$0.isTaken }.map(\.shard)
    if !refused.isEmpty, loaded.stream.mode == .onDemand { changes.note(hot: Set(refused), of: name) }
    count(written, taken, refused, loaded.stream, since: began)
    return Self.output(admitted, written, loaded.stream)
  }

  private func count(_ written: [Written], _ taken: [Draft], _ refused: [ShardID], _ stream: Stream, since began: Duration) {
    let meter = metrics.meter(stream, ambient.now)
    var byShard: [ShardID: (records: Int, bytes: Int)] = [:]
    for (result, draft) in zip(written, taken) {
      let sum = byShard[result.shard] ?? (0, 0)
      byShard[result.shard] = (sum.records + 1, sum.bytes + draft.size)
    }
    meter.incoming(byShard)
    if !refused.isEmpty { meter.throttledWrite(Dictionary(refused.map { ($0, 1) }, uniquingKeysWith: +)) }
    meter.wroteMany(
      bytes: byShard.values.reduce(0) { $0 + $1.bytes }, written: written.count, throttled: refused.count,
      latency: ambient.clock.monotonic() - began)
  }

  private static func output(_ admitted: [(shard: ShardID, isTaken: Bool)], _ written: [Written], _ stream: Stream) -> PutRecordsOutput {
    var rest = written[...]
    var output = PutRecordsOutput()
    output.failedRecordCount = admitted.count - written.count
    output.records = admitted.map { admitted in
      var entry = PutRecordsResultEntry()
      if admitted.isTaken, let written = rest.popFirst() {
        (entry.shardId, entry.sequenceNumber) = ("\(written.shard)", written.sequenceNumber)
      } else {
        entry.errorCode = "ProvisionedThroughputExceededException"
        entry.errorMessage = KinesisError.throttledText(admitted.shard, stream.name)
      }
      return entry
    }
    if stream.keyID != nil { output.encryptionType = "KMS" }
    return output
  }
}
