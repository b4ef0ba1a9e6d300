import Base
import Store

/// What versions and aliases have provisioned.
struct ProvisionedRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func config(_ id: FunctionID, _ qualifier: String) throws -> ProvisionedConcurrency? {
    try reader.get(Keys.provisioned(id, qualifier)).map { try ProvisionedConcurrency(row: $0) }
  }

  /// By qualifier.
  func configs(_ id: FunctionID) throws -> [String: ProvisionedConcurrency] {
    let prefix = Keys.provisioned(id)
    var found: [String: ProvisionedConcurrency] = [:]
    try reader.scan(KeyRange(prefix: prefix)) { key, value in
      var key = KeyReader(key, after: prefix)
      found[try key.string()] = try ProvisionedConcurrency(row: value)
      return true
    }
    return found
  }

  /// What the versions and aliases of each function of an account and Region have together.
  func sums(_ account: AccountID, _ region: Region) throws -> [String: Int] {
    let prefix = Keys.provisioned.appending(account, region)
    var sums: [String: Int] = [:]
    try reader.scan(KeyRange(prefix: prefix)) { key, value in
      var key = KeyReader(key, after: prefix)
      sums[try key.string(), default: 0] += try ProvisionedConcurrency(row: value).requested
      return true
    }
    return sums
  }

  /// Of all accounts, what is to be kept ready of which version. An alias with two versions keeps all of it ready of both, so that
  /// its weights can be moved at any time; a version that is not ready to run comes later.
  func requests() throws -> [Placement.PoolKey: ProvisionRequest] {
    var requests: [Placement.PoolKey: ProvisionRequest] = [:]
    let rows = FunctionRows(reader)
    try reader.scan(KeyRange(prefix: Keys.provisioned)) { key, value in
      var key = KeyReader(key, after: Keys.provisioned)
      guard let account = AccountID(try key.string()), let region = Region(try key.string()) else {
        throw StoreError.corrupt("function id")
      }
      let id = FunctionID(account: account, region: region, name: try key.string())
      let config = try ProvisionedConcurrency(row: value)
      for number in try rows.numbers(id, try key.string()) {
        guard let version = try rows.version(id, number), version.state == .active else { continue }
        requests[Placement.PoolKey(function: id, version: version.version)] =
          ProvisionRequest(version: version, count: config.requested, revision: config.revision)
      }
      return true
    }
    return requests
  }

  static func save(_ config: ProvisionedConcurrency, of id: FunctionID, _ qualifier: String, in tx: any Transaction) throws {
    try tx.set(Keys.provisioned(id, qualifier), config.row)
  }
}

extension FunctionRows {
  /// The published versions that a version or alias stands for.
  func numbers(_ id: FunctionID, _ qualifier: String) throws -> [Int] {
    if let number = Int(qualifier) { return [number] }
    guard let alias = try alias(id, qualifier) else { return [] }
    return ([alias.version] + (alias.routing.map { [$0.version] } ?? [])).compactMap { Int($0) }
  }
}

extension ProvisionedConcurrency {
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    (requested, revision, lastModified) = (try row.int(), try row.string(), try row.instant())
  }

  var row: [UInt8] {
    var row = RowWriter()
    row.int(requested)
    row.string(revision)
    row.instant(lastModified)
    return row.bytes
  }
}
