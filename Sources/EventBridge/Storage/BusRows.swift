import Base
import Store

extension RowWriter {
  mutating func home(_ account: AccountID, _ region: Region) {
    string(account.text)
    string(region.text)
  }
  mutating func bus(_ bus: BusName) {
    home(bus.account, bus.region)
    string(bus.name)
  }
}

extension RowReader {
  mutating func home() throws -> (AccountID, Region) {
    guard let account = AccountID(try string()), let region = Region(try string()) else {
      throw StoreError.corrupt("account or Region in a row of EventBridge")
    }
    return (account, region)
  }
  mutating func bus() throws -> BusName {
    let (account, region) = try home()
    return BusName(account: account, region: region, name: try string())
  }
}

extension Bus {
  var row: [UInt8] {
    var row = RowWriter()
    row.bus(name)
    row.optional(created)
    row.optional(modified)
    row.optional(description)
    row.optional(deadLetter)
    row.optional(policy)
    row.map(tags)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(try row.bus(), created: try row.optionalInstant())
    modified = try row.optionalInstant()
    description = try row.optionalString()
    deadLetter = try row.optionalString()
    policy = try row.optionalString()
    tags = try row.map()
  }
}

extension Reader {
  /// Nil when there is no such bus. The default one is always there.
  func bus(_ name: BusName) throws -> Bus? {
    try Keys.buses.get(Keys.id(name), self) ?? (name.isDefault ? Bus(name) : nil)
  }
  /// Throws `ResourceNotFoundException`.
  func existingBus(_ name: BusName) throws -> Bus {
    guard let bus = try bus(name) else { throw EventBridgeError.noBus(name.name) }
    return bus
  }
  func rule(_ name: RuleName) throws -> Rule? { try Keys.rules.get(Keys.id(name), self) }
  /// Throws `ResourceNotFoundException`, also for the bus.
  func existingRule(_ name: RuleName) throws -> Rule {
    _ = try existingBus(name.bus)
    guard let rule = try rule(name) else { throw EventBridgeError.noRule(name) }
    return rule
  }
  func rules(of bus: BusName) throws -> [Rule] {
    try Keys.rules.list(idPrefix: Keys.id(bus), limit: .max, self).rows.map(\.row)
  }
  /// Zero for a bus that was never touched.
  func revision(of bus: BusName) throws -> Int64 {
    guard let bytes = try get(Keys.revision(bus)) else { return 0 }
    var row = try RowReader(bytes)
    return try row.int64()
  }
}

extension Transaction {
  /// - Parameter revision: a random number: what was compiled before is no longer good.
  func save(_ bus: Bus, revision: Int64) throws {
    try Keys.buses.put(Keys.id(bus.name), bus, self)
    try touch(bus.name, revision)
  }
  func save(_ rule: Rule, revision: Int64) throws {
    try Keys.rules.put(Keys.id(rule.name), rule, self)
    try touch(rule.name.bus, revision)
  }
  func touch(_ bus: BusName, _ revision: Int64) throws {
    var row = RowWriter(capacity: 12)
    row.int(revision)
    try set(Keys.revision(bus), row.bytes)
  }
}
