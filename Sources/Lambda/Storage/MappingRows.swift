import Base
import Store

/// Event source mappings.
struct MappingRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func mapping(_ account: AccountID, _ region: Region, _ uuid: String) throws -> StoredMapping? {
    try reader.get(Keys.mapping(account, region, uuid)).map { try withResult(StoredMapping(row: $0, account, region, uuid)) }
  }

  private func withResult(_ stored: StoredMapping) throws -> StoredMapping {
    guard stored.mapping.kind.isStream else { return stored }
    var stored = stored
    stored.lastResult = try reader.get(Keys.mappingResult(stored.mapping.uuid))?.utf8Text
    return stored
  }

  /// A mapping of whatever account and Region.
  func mapping(uuid: String) throws -> StoredMapping? {
    guard let bytes = try reader.get(Keys.mappingPlace(uuid)) else { return nil }
    var row = try RowReader(bytes)
    guard let account = AccountID(try row.string()), let region = Region(try row.string()) else {
      throw StoreError.corrupt("place of a mapping")
    }
    return try mapping(account, region, uuid)
  }

  /// The mapping that already joins the same source and function.
  func twin(of mapping: EventSourceMapping) throws -> String? {
    try reader.get(Keys.pair(mapping))?.utf8Text
  }

  func page(
    _ account: AccountID, _ region: Region, after marker: String?, limit: Int, where isWanted: (EventSourceMapping) -> Bool
  ) throws -> Page<StoredMapping> {
    let prefix = Keys.mappings(account, region)
    return try Marker.page(reader, prefix, after: marker, limit: limit) { key, value in
      var key = KeyReader(key, after: prefix)
      let stored = try StoredMapping(row: value, account, region, try key.string())
      return isWanted(stored.mapping) ? try withResult(stored) : nil
    }
  }

  /// The mappings of all accounts and Regions.
  func all() throws -> [EventSourceMapping] {
    try reader.entries(KeyRange(prefix: Keys.mappings)).map { entry in
      var key = KeyReader(entry.key, after: Keys.mappings)
      guard let account = AccountID(try key.string()), let region = Region(try key.string()) else {
        throw StoreError.corrupt("mapping key")
      }
      return try StoredMapping(row: entry.value, account, region, try key.string()).mapping
    }
  }

  static func save(_ stored: StoredMapping, replacing old: StoredMapping?, in tx: any Transaction) throws {
    let mapping = stored.mapping
    if let old { try tx.delete(Keys.pair(old.mapping)) }
    try tx.set(Keys.mapping(mapping.account, mapping.region, mapping.uuid), stored.row)
    try tx.set(Keys.pair(mapping), Array(mapping.uuid.utf8))
    guard old == nil else { return }
    var place = RowWriter(capacity: 32)
    place.string(mapping.account.text)
    place.string(mapping.region.text)
    try tx.set(Keys.mappingPlace(mapping.uuid), place.bytes)
  }

  static func delete(_ mapping: EventSourceMapping, in tx: any Transaction) throws {
    try tx.delete(Keys.mapping(mapping.account, mapping.region, mapping.uuid))
    try tx.delete(Keys.pair(mapping))
    try tx.delete(Keys.mappingPlace(mapping.uuid))
    try tx.delete(Keys.mappingResult(mapping.uuid))
    try tx.deleteAll(KeyRange(prefix: Keys.shards(mapping.uuid)))
  }
}

/// A mapping with what only the API shows.
struct StoredMapping: Sendable, Equatable {
  var mapping: EventSourceMapping
  var tags: [String: String] = [:]
  /// What the last batch of a stream came to; nil before the first. It has a row of its own.
  var lastResult: String?
}

extension StoredMapping {
  init(row bytes: [UInt8], _ account: AccountID, _ region: Region, _ uuid: String) throws {
    var row = try RowReader(bytes)
    mapping = EventSourceMapping(
      uuid: uuid, account: account, region: region, source: try row.arn(), function: try FunctionID(from: &row),
      qualifier: try row.optionalString(), batchSize: try row.int(), batchingWindow: .milliseconds(try row.int64()),
      reportsBatchItemFailures: try row.bool(), maximumConcurrency: try row.optionalInt(), isWanted: try row.bool(),
      state: try row.raw(), lastModified: try row.instant())
    tags = try row.map()
    mapping.filters = try row.ifPresent { try $0.strings() } ?? []
    mapping.countsEvents = try row.ifPresent { try $0.bool() } ?? false
    mapping.provisionedPollers = try row.ifPresent { row in
      try row.optional { ProvisionedPollers(minimum: try $0.int(), maximum: try $0.int()) }
    } ?? nil
    mapping.stream = try row.ifPresent { row in try row.optional { try StreamSettings(from: &$0) } } ?? nil
  }

  var row: [UInt8] {
    var row = RowWriter(capacity: 256)
    row.arn(mapping.source)
    mapping.function.write(to: &row)
    row.optional(mapping.qualifier)
    row.int(mapping.batchSize)
    row.int(mapping.batchingWindow.inMilliseconds)
    row.bool(mapping.reportsBatchItemFailures)
    row.optional(mapping.maximumConcurrency)
    row.bool(mapping.isWanted)
    row.string(mapping.state.rawValue)
    row.instant(mapping.lastModified)
    row.map(tags)
    row.strings(mapping.filters)
    row.bool(mapping.countsEvents)
    row.optional(mapping.provisionedPollers) { row, pollers in
      row.int(pollers.minimum)
      row.int(pollers.maximum)
    }
    row.optional(mapping.stream) { $1.write(to: &$0) }
    return row.bytes
  }
}

extension StreamSettings {
  fileprivate init(from row: inout RowReader) throws {
    switch try row.int() {
    case 0: start = .trimHorizon
    case 1: start = .latest
    case 2: start = .timestamp(try row.instant())
    default: throw StoreError.corrupt("starting position of a mapping")
    }
    parallelizationFactor = try row.int()
    maximumRecordAge = try row.optional { .milliseconds(try $0.int64()) }
    maximumRetryAttempts = try row.optionalInt()
    bisectsOnError = try row.bool()
    tumblingWindow = try row.optional { .milliseconds(try $0.int64()) }
    onFailure = try row.optional { try $0.arn() }
  }

  fileprivate func write(to row: inout RowWriter) {
    switch start {
    case .trimHorizon: row.int(0)
    case .latest: row.int(1)
    case .timestamp(let time):
      row.int(2)
      row.instant(time)
    }
    row.int(parallelizationFactor)
    row.optional(maximumRecordAge) { $0.int($1.inMilliseconds) }
    row.optional(maximumRetryAttempts)
    row.bool(bisectsOnError)
    row.optional(tumblingWindow) { $0.int($1.inMilliseconds) }
    row.optional(onFailure) { $0.arn($1) }
  }
}
