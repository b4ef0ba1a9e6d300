import Base
import Fabric

/// How a pipe reads its stream.
struct StreamSettings: Sendable, Equatable {
  var batchSize: Int
  var window: Duration
  /// Nil: until the stream forgets the record.
  var maximumAge: Duration?
  /// Retries; nil: for as long as the record lives.
  var maximumRetries: Int?
  var bisects: Bool
  var deadLetter: String?
  var start: StreamPosition
  /// Batches of one shard that are under way at the same time: 1 to 10. Records of a key are in one of them at a time.
  var parallelism: Int

  /// - Parameter parameters: of the kind of the source, as they were given.
  init(_ parameters: JSON?) {
    func number(_ name: String) -> Int? { parameters?[name]?.int.map { Int($0) } }
    batchSize = number("BatchSize") ?? 100
    window = .seconds(number("MaximumBatchingWindowInSeconds") ?? 0)
    maximumAge = number("MaximumRecordAgeInSeconds").flatMap { $0 < 0 ? nil : .seconds($0) }
    maximumRetries = number("MaximumRetryAttempts").flatMap { $0 < 0 ? nil : $0 }
    parallelism = max(1, number("ParallelizationFactor") ?? 1)
    bisects = parameters?["OnPartialBatchItemFailure"]?.string == "AUTOMATIC_BISECT"
    deadLetter = parameters?["DeadLetterConfig"]?["Arn"]?.string
    switch parameters?["StartingPosition"]?.string {
    case "LATEST": start = .latest
    case "AT_TIMESTAMP":
      start = .timestamp(parameters?["StartingPositionTimestamp"]?.string.flatMap { Instant(iso8601: $0) } ?? .epoch)
    default: start = .trimHorizon
    }
  }
}

extension StreamSettings {
  /// Shares records out to lanes by their keys (FNV-1a), so that those of one key keep their order.
  func lanes(_ records: [StreamRecord]) -> [[StreamRecord]] {
    guard parallelism > 1 else { return [records] }
    var lanes: [[StreamRecord]] = Array(repeating: [], count: parallelism)
    for record in records {
      let hash = record.partitionKey.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
      lanes[Int(hash % UInt64(parallelism))].append(record)
    }
    return lanes.filter { !$0.isEmpty }
  }
}

/// The records of a shard that are under way, in their order. Pure: it says what to try next and what to give up.
struct StreamLane: Sendable {
  enum Condition: String, Sendable {
    case retries = "RetryAttemptsExhausted"
    case age = "RecordAgeExceeded"
  }
  private let settings: StreamSettings
  /// Parts of a batch; what comes first is tried first.
  private var parts: [[StreamRecord]] = []
  private(set) var attempts = 0

  init(_ settings: StreamSettings) { self.settings = settings }

  /// What to try now.
  var next: [StreamRecord]? { parts.first }

  mutating func load(_ records: [StreamRecord]) { if !records.isEmpty { parts.append(records) } }

  mutating func succeeded() {
    parts.removeFirst()
    attempts = 0
  }

  /// Records that have become too old to be tried.
  mutating func expired(at now: Instant) -> [StreamRecord] {
    guard let age = settings.maximumAge, let first = parts.first else { return [] }
    let old = Array(first.prefix { $0.arrival + age < now })
    replaceFirst(first.dropFirst(old.count))
    return old
  }

  /// The first part failed, from a record on.
  /// - Returns: what is given up.
  mutating func failed(from place: Int) -> [StreamRecord] {
    guard let first = parts.first else { return [] }
    let rest = first.dropFirst(place)
    if settings.bisects, rest.count > 1 {
      // Halving is no retry of its own.
      let half = rest.startIndex + rest.count / 2
      parts[0] = Array(rest[half...])
      parts.insert(Array(rest[..<half]), at: 0)
      return []
    }
    attempts += 1
    guard let most = settings.maximumRetries, attempts > most else {
      replaceFirst(rest)
      return []
    }
    attempts = 0
    parts.removeFirst()
    return Array(rest)
  }

  private mutating func replaceFirst(_ rest: ArraySlice<StreamRecord>) {
    if rest.isEmpty {
      parts.removeFirst()
      attempts = 0
    } else {
      parts[0] = Array(rest)
    }
  }
}

extension PipeEvent {
  /// A record as the pipe shows it: flat, unlike that of a mapping.
  init(_ record: StreamRecord, shard: String, from source: ARN, role: String) {
    let place: [(String, JSON)] = [("awsRegion", .string(source.region)), ("eventSourceARN", .string(source.text))]
    switch record.content {
    case .data(let bytes):
      self.init(
        .object(
          JSONObject(
            [
              ("kinesisSchemaVersion", "1.0"), ("partitionKey", .string(record.partitionKey)),
              ("sequenceNumber", .string(record.sequenceNumber)), ("data", .string(bytes.base64)),
              ("approximateArrivalTimestamp", .double(Double(record.arrival.milliseconds) / 1000)), ("eventSource", "aws:kinesis"),
              ("eventVersion", "1.0"), ("eventID", .string("\(shard):\(record.sequenceNumber)")), ("eventName", "aws:kinesis:record"),
              ("invokeIdentityArn", .string(role)),
            ] + place)))
      setContent("data", bytes.utf8Text)
    case .change(let id, let name, let image, let isExpiry):
      let identity: [(String, JSON)] =
        isExpiry ? [("userIdentity", ["principalId": "dynamodb.amazonaws.com", "type": "Service"])] : []
      self.init(
        .object(
          JSONObject(
            [
              ("eventID", .string(id)), ("eventName", .string(name)), ("eventVersion", "1.1"), ("eventSource", "aws:dynamodb"),
              ("dynamodb", (try? JSON.parse(image)) ?? [:]),
            ] + identity + place)))
      contentIsObject = true
    }
  }

  private mutating func setContent(_ member: String, _ text: String) {
    guard var object = json.object else { return }
    let content = try? JSON.parse(text)
    object[member] = content ?? .string(text)
    parsed = .object(object)
    contentIsObject = content?.object != nil
  }
}
