import Base
import Store

/// Layers with their versions and permissions.
struct LayerRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// The highest number that was ever published; 0 before the first.
  func lastNumber(_ id: LayerID) throws -> Int {
    guard let bytes = try reader.get(Keys.layer(id)) else { return 0 }
    var row = try RowReader(bytes)
    return try row.int()
  }

  func version(_ id: LayerID, _ number: Int) throws -> LayerVersion? {
    try reader.get(Keys.layerVersion(id, number)).map { try LayerVersion(row: $0, id, number) }
  }

  /// The newest version that fits.
  func latest(_ id: LayerID, where isWanted: (LayerVersion) -> Bool) throws -> LayerVersion? {
    var found: LayerVersion?
    try reader.scan(KeyRange(prefix: Keys.layerVersions(id))) { key, value in
      let version = try Self.version(key, value, id)
      if isWanted(version) { found = version }
      return found == nil
    }
    return found
  }

  /// The newest comes first.
  func versions(_ id: LayerID, after marker: String?, limit: Int, where isWanted: (LayerVersion) -> Bool) throws
    -> Page<LayerVersion>
  {
    try Marker.page(reader, Keys.layerVersions(id), after: marker, limit: limit) { key, value in
      let version = try Self.version(key, value, id)
      return isWanted(version) ? version : nil
    }
  }

  /// Of each layer the newest version that fits.
  func layers(
    _ account: AccountID, _ region: Region, after marker: String?, limit: Int, where isWanted: (LayerVersion) -> Bool
  ) throws -> Page<LayerVersion> {
    let prefix = Keys.layers(account, region)
    return try Marker.page(reader, prefix, after: marker, limit: limit) { key, _ in
      var key = KeyReader(key, after: prefix)
      return try latest(LayerID(account: account, region: region, name: try key.string()), where: isWanted)
    }
  }

  /// The bytes of all zips of an account and Region.
  func totalSize(_ account: AccountID, _ region: Region) throws -> Int {
    let prefix = Keys.layers(account, region)
    var sum = 0
    try reader.scan(KeyRange(prefix: prefix)) { key, _ in
      var key = KeyReader(key, after: prefix)
      let id = LayerID(account: account, region: region, name: try key.string())
      for version in try versions(id) { sum += version.codeSize }
      return true
    }
    return sum
  }

  /// All layers of an account, deleted ones too: their numbers are not given out again.
  func layers(of account: AccountID) throws -> [LayerID] {
    let prefix = Keys.layers(account)
    return try reader.entries(KeyRange(prefix: prefix)).map { entry in
      var key = KeyReader(entry.key, after: prefix)
      guard let region = Region(try key.string()) else { throw StoreError.corrupt("layer key") }
      return LayerID(account: account, region: region, name: try key.string())
    }
  }

  func versions(_ id: LayerID) throws -> [LayerVersion] {
    try reader.entries(KeyRange(prefix: Keys.layerVersions(id))).map { try Self.version($0.key, $0.value, id) }
  }

  private static func version(_ key: Key, _ value: [UInt8], _ id: LayerID) throws -> LayerVersion {
    var key = KeyReader(key, after: Keys.layerVersions(id))
    return try LayerVersion(row: value, id, -Int(try key.int()))
  }
}

extension LayerRows {
  static func add(_ version: LayerVersion, in tx: any Transaction) throws {
    var row = RowWriter(capacity: 16)
    row.int(version.number)
    try tx.set(Keys.layer(version.layer), row.bytes)
    try tx.set(Keys.layerVersion(version.layer, version.number), version.row)
    try PackageRows.use(version.codeHash, by: version, in: tx)
  }

  /// The number is not given out again, and functions that have the version keep its package.
  static func delete(_ version: LayerVersion, in tx: any Transaction, at now: Instant) throws {
    try tx.delete(Keys.layerVersion(version.layer, version.number))
    try tx.delete(Keys.layerPolicy(version.layer, version.number))
    try PackageRows.release(version.codeHash, by: version, in: tx, at: now)
  }
}

extension LayerVersion {
  init(row bytes: [UInt8], _ layer: LayerID, _ number: Int) throws {
    var row = try RowReader(bytes)
    self.init(
      layer: layer, number: number, description: try row.string(), license: try row.optionalString(),
      runtimes: try row.strings(), architectures: try row.strings(), codeHash: try row.string(), codeSize: try row.int(),
      unzippedSize: try row.int(), created: try row.instant())
  }

  var row: [UInt8] {
    var row = RowWriter(capacity: 256)
    row.string(description)
    row.optional(license)
    row.strings(runtimes)
    row.strings(architectures)
    row.string(codeHash)
    row.int(codeSize)
    row.int(unzippedSize)
    row.instant(created)
    return row.bytes
  }
}

extension LayerReference {
  func write(to row: inout RowWriter) {
    row.string(arn)
    row.string(codeHash)
    row.int(codeSize)
    row.int(unzippedSize)
  }
  init(from row: inout RowReader) throws {
    self.init(arn: try row.string(), codeHash: try row.string(), codeSize: try row.int(), unzippedSize: try row.int())
  }
}
