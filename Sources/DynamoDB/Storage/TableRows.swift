import Base
import Store

/// The row of a table.
extension Table {
  var row: [UInt8] {
    var row = RowWriter(capacity: 512)
    row.int(id)
    row.string(uuid)
    row.instant(createdAt)
    row.array(definitions) { $0.attribute($1) }
    row.key(key)
    row.array(indexes) { $0.index($1) }
    row.int(nextIndex)
    row.optional(throughput) { $0.throughput($1) }
    row.optional(onDemandSince)
    row.optional(throughputChanges.increased)
    row.optional(throughputChanges.decreased)
    row.int(throughputChanges.decreases)
    row.optional(onDemand) { $0.onDemand($1) }
    row.optional(tableClass)
    row.bool(isProtected)
    row.map(tags)
    row.optional(policy)
    row.optional(policyRevision)
    row.optional(expiryAttribute)
    row.bool(expires)
    row.optional(stream) { row, stream in
      row.int(stream.id)
      row.string(stream.label)
      row.string(stream.view.rawValue)
      row.bool(stream.isEnabled)
    }
    row.optional(encryptionKey)
    row.bool(isEncryptionSet)
    row.array(destinations) { row, destination in
      row.int(destination.id)
      row.string(destination.stream)
      row.int(destination.status.rawValue)
      row.string(destination.precision.rawValue)
    }
    row.array(images) { $0.int($1) }
    row.optional(recovery) { row, recovery in
      row.instant(recovery.since)
      row.int(recovery.days)
    }
    row.optional(restoration) { row, restoration in
      row.optional(restoration.backup)
      row.string(restoration.source)
      row.instant(restoration.time)
    }
    row.bool(isBeingMade)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: TableName) throws {
    var row = try RowReader(bytes)
    let (id, uuid, createdAt) = (try row.int(), try row.string(), try row.instant())
    let definitions = try row.array { try $0.attribute() }
    let key = try row.key()
    self.init(
      name: name, id: id, uuid: uuid, createdAt: createdAt, definitions: definitions, key: key, indexes: try row.array { try $0.index() })
    nextIndex = try row.int()
    throughput = try row.optional { try $0.throughput() }
    onDemandSince = try row.optionalInstant()
    throughputChanges = (try row.optionalInstant(), try row.optionalInstant(), try row.int())
    onDemand = try row.optional { try $0.onDemand() }
    tableClass = try row.optionalString()
    isProtected = try row.bool()
    tags = try row.map()
    policy = try row.optionalString()
    policyRevision = try row.optionalString()
    expiryAttribute = try row.optionalString()
    expires = try row.bool()
    stream = try row.optional { row in
      TableStream(
        id: try row.int(), label: try row.string(), view: StreamView(rawValue: try row.string()) ?? .keysOnly, isEnabled: try row.bool())
    }
    encryptionKey = try row.optionalString()
    isEncryptionSet = try row.bool()
    destinations = try row.ifPresent { try $0.array { try $0.destination() } } ?? []
    images = try row.ifPresent { try $0.array { try $0.int() } } ?? []
    recovery = try row.ifPresent { try $0.optional { Recovery(since: try $0.instant(), days: try $0.int()) } } ?? nil
    restoration =
      try row.ifPresent {
        try $0.optional { Restoration(backup: try $0.optionalString(), source: try $0.string(), time: try $0.instant()) }
      } ?? nil
    isBeingMade = try row.ifPresent { try $0.bool() } ?? false
  }
}

extension RowWriter {
  fileprivate mutating func attribute(_ attribute: KeyAttribute) {
    string(attribute.text)
    int(Int(attribute.type.rawValue))
  }
  fileprivate mutating func key(_ key: KeySchema) {
    attribute(key.hash)
    optional(key.range) { $0.attribute($1) }
  }
  fileprivate mutating func throughput(_ throughput: Throughput) {
    int(throughput.read)
    int(throughput.write)
  }
  fileprivate mutating func onDemand(_ limits: OnDemandLimits) {
    optional(limits.read)
    optional(limits.write)
  }
  fileprivate mutating func index(_ index: SecondaryIndex) {
    int(index.id)
    string(index.name)
    int(index.kind.rawValue)
    int(index.status.rawValue)
    key(index.key)
    switch index.projection {
    case .all: int(0)
    case .keysOnly: int(1)
    case .include(let names):
      int(2)
      strings(names)
    }
    throughput(index.throughput)
    optional(index.onDemand) { $0.onDemand($1) }
  }
}

extension RowReader {
  fileprivate mutating func destination() throws -> StreamingDestination {
    let (id, stream) = (try int(), try string())
    guard let status = StreamingDestination.Status(rawValue: try int()) else { throw StoreError.corrupt("status of a destination") }
    return StreamingDestination(
      id: id, stream: stream, status: status, precision: StreamingDestination.Precision(rawValue: try string()) ?? .millisecond)
  }
  fileprivate mutating func attribute() throws -> KeyAttribute {
    let name = try string()
    guard let type = AttributeType(rawValue: UInt8(clamping: try int())) else { throw StoreError.corrupt("type of a key") }
    return KeyAttribute(name, type)
  }
  fileprivate mutating func key() throws -> KeySchema { KeySchema(hash: try attribute(), range: try optional { try $0.attribute() }) }
  fileprivate mutating func throughput() throws -> Throughput { Throughput(read: try int(), write: try int()) }
  fileprivate mutating func onDemand() throws -> OnDemandLimits { OnDemandLimits(read: try optionalInt(), write: try optionalInt()) }
  fileprivate mutating func index() throws -> SecondaryIndex {
    let (id, name) = (try int(), try string())
    guard let kind = SecondaryIndex.Kind(rawValue: try int()), let status = SecondaryIndex.Status(rawValue: try int()) else {
      throw StoreError.corrupt("kind of an index")
    }
    let key = try key()
    let projection: SecondaryIndex.Projection =
      switch try int() {
      case 0: .all
      case 1: .keysOnly
      default: .include(try strings())
      }
    return SecondaryIndex(
      id: id, name: name, kind: kind, status: status, key: key, projection: projection, throughput: try throughput(),
      onDemand: try optional { try $0.onDemand() })
  }
}

/// Where a table is found, as a row.
extension TableName {
  var row: [UInt8] {
    var row = RowWriter(capacity: 64)
    row.string(account.text)
    row.string(region.text)
    row.string(name)
    return row.bytes
  }
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    guard let account = AccountID(try row.string()), let region = Region(try row.string()) else { throw StoreError.corrupt("name of a table") }
    self.init(account: account, region: region, name: try row.string())
  }
}
