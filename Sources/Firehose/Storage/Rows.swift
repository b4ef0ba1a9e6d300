import Base
import Store

extension DeliveryStream {
  var row: [UInt8] {
    var row = RowWriter(capacity: 400)
    row.int(id)
    row.instant(created)
    row.optional(updated)
    row.int(version)
    row.string(status.rawValue)
    switch source {
    case .directPut: row.int(0)
    case .kinesis(let stream, let role):
      row.int(1)
      row.string(stream.text)
      row.string(role.text)
    }
    switch destination {
    case .bucket(let bucket):
      row.int(0)
      bucket.write(&row)
    case .endpoint(let endpoint):
      row.int(1)
      endpoint.write(&row)
    }
    row.map(tags)
    row.optional(encryptionKey)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: DeliveryStreamID) throws {
    var row = try RowReader(bytes)
    let (id, created, updated, version) = (try row.int64(), try row.instant(), try row.optionalInstant(), try row.int())
    guard let status = Status(rawValue: try row.string()) else { throw StoreError.corrupt("delivery stream") }
    let source: Source = try row.int() == 0 ? .directPut : .kinesis(stream: row.arn(), role: row.arn())
    let destination: Destination =
      try row.int() == 0 ? .bucket(BucketDestination(&row)) : .endpoint(EndpointDestination(&row))
    self.init(name: name, id: id, created: created, source: source, destination: destination)
    (self.updated, self.version, self.status) = (updated, version, status)
    (tags, encryptionKey) = (try row.map(), try row.optionalString())
  }
}

extension RowReader {
  fileprivate mutating func arn() throws -> ARN {
    guard let arn = ARN(try string()) else { throw StoreError.corrupt("ARN") }
    return arn
  }
}

extension BucketDestination {
  fileprivate func write(_ row: inout RowWriter) {
    row.string(role.text)
    row.string(bucket)
    row.optional(prefix)
    row.optional(errorPrefix)
    row.int(buffer.mebibytes)
    row.int(buffer.seconds)
    row.bool(isGzip)
    row.optional(fileExtension)
    row.optional(kmsKey)
    row.optional(logging) { $1.write(&$0) }
    row.optional(processing) { $1.write(&$0) }
    row.array(backup) { $1.write(&$0) }
  }

  fileprivate init(_ row: inout RowReader) throws {
    role = try row.arn()
    bucket = try row.string()
    prefix = try row.optionalString()
    errorPrefix = try row.optionalString()
    buffer = Buffer(stored: try row.int(), try row.int())
    isGzip = try row.bool()
    fileExtension = try row.optionalString()
    kmsKey = try row.optionalString()
    logging = try row.optional { try Logging(&$0) }
    processing = try row.optional { try Processing(&$0) }
    backup = try row.array { try BucketDestination(&$0) }
  }
}

extension EndpointDestination {
  fileprivate func write(_ row: inout RowWriter) {
    row.string(url)
    row.optional(name)
    row.optional(accessKey)
    row.bool(isGzip)
    row.map(attributes)
    row.optional(role?.text)
    row.int(buffer.mebibytes)
    row.int(buffer.seconds)
    row.int(patience)
    row.optional(logging) { $1.write(&$0) }
    row.optional(processing) { $1.write(&$0) }
    backup.write(&row)
    row.bool(keepsAll)
  }

  fileprivate init(_ row: inout RowReader) throws {
    url = try row.string()
    name = try row.optionalString()
    accessKey = try row.optionalString()
    isGzip = try row.bool()
    attributes = try row.map()
    role = try row.optionalString().flatMap { ARN($0) }
    buffer = Buffer(stored: try row.int(), try row.int())
    patience = try row.int()
    logging = try row.optional { try Logging(&$0) }
    processing = try row.optional { try Processing(&$0) }
    backup = try BucketDestination(&row)
    keepsAll = try row.bool()
  }
}

extension Logging {
  fileprivate func write(_ row: inout RowWriter) {
    row.string(group)
    row.string(stream)
  }
  fileprivate init(_ row: inout RowReader) throws { (group, stream) = (try row.string(), try row.string()) }
}

extension Processing {
  fileprivate func write(_ row: inout RowWriter) {
    row.bool(isOn)
    row.optional(function?.text)
    row.int(retries)
    row.int(bytes)
    row.map(parameters)
  }
  fileprivate init(_ row: inout RowReader) throws {
    isOn = try row.bool()
    function = try row.optionalString().flatMap { ARN($0) }
    (retries, bytes, parameters) = (try row.int(), try row.int(), try row.map())
  }
}

extension BufferedRecord {
  var row: [UInt8] {
    var row = RowWriter(capacity: data.count + 16)
    row.blob(data)
    row.optional(origin) { row, origin in
      row.string(origin.shard)
      row.string(origin.sequenceNumber)
      row.string(origin.partitionKey)
    }
    return row.bytes
  }

  init(_ entry: Log.Entry) throws {
    var row = try RowReader(entry.bytes)
    data = try row.blob()
    origin = try row.optional {
      Origin(shard: try $0.string(), sequenceNumber: try $0.string(), partitionKey: try $0.string())
    }
    (number, arrival) = (entry.number, entry.time)
  }
}

/// How far a shard of a stream of Kinesis is taken over.
struct FeedPosition: Sendable, Equatable {
  /// Nil: to its end.
  var iterator: String?

  init(_ iterator: String?) { self.iterator = iterator }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    iterator = try row.optionalString()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 300)
    row.optional(iterator)
    return row.bytes
  }
}

extension PinnedBatch {
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    (last, request, isBackedUp) = (try row.int64(), try row.string(), try row.bool())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 64)
    row.int(last)
    row.string(request)
    row.bool(isBackedUp)
    return row.bytes
  }
}

/// Delivery streams within one transaction.
extension Transaction {
  func put(_ stream: DeliveryStream) throws {
    try set(Keys.stream(stream.name), stream.row)
    if stream.status != .active { try set(Keys.pending(stream.name), []) }
  }

  func remove(_ stream: DeliveryStream) throws {
    try Log(Keys.log(stream.id)).removeAll(self)
    try deleteAll(KeyRange(prefix: Keys.shards(stream.id)))
    for key in [Keys.waiting(stream.id), Keys.batch(stream.id), Keys.stream(stream.name), Keys.pending(stream.name)] { try delete(key) }
  }

  /// Takes records in.
  /// - Returns: the number of the first, and whether nothing waited before.
  func take(_ records: [BufferedRecord], into stream: DeliveryStream, at now: Instant) throws -> (
    first: Int64, wasEmpty: Bool, bytes: Int64
  ) {
    let log = Log(Keys.log(stream.id))
    let wasEmpty = try log.extent(self).isEmpty
    let numbers = try log.append(records.map(\.row), at: now, self).numbers
    let bytes = try Counter(Keys.waiting(stream.id)).add(Int64(records.reduce(0) { $0 + $1.data.count }), self)
    return (numbers.lowerBound, wasEmpty, bytes)
  }
}

extension Reader {
  func deliveryStream(_ name: DeliveryStreamID) throws -> DeliveryStream? {
    try get(Keys.stream(name)).map { try DeliveryStream($0, name: name) }
  }
  func deliveryStreams(_ range: KeyRange, limit: Int = .max) throws -> [DeliveryStream] {
    try entries(range, limit: limit).map { try DeliveryStream($0.value, name: Keys.streamName($0.key)) }
  }
}
