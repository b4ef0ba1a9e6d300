import Base
import Wire

/// What a request has consumed of one table and its indexes.
struct Capacity: Sendable, Equatable {
  /// Units by the id of the index; 0 is the table.
  private(set) var units: [(index: Int, units: Double)] = []
  static func == (a: Self, b: Self) -> Bool { a.units.elementsEqual(b.units) { $0 == $1 } }

  mutating func add(_ amount: Double, to index: Int = 0) {
    if let place = units.firstIndex(where: { $0.index == index }) {
      units[place].units += amount
    } else {
      units.append((index, amount))
    }
  }
  mutating func add(_ other: Capacity) { for entry in other.units { add(entry.units, to: entry.index) } }
  var total: Double { units.reduce(0) { $0 + $1.units } }

  static func write(_ size: Int) -> Double { Double(max(1, (size + DynamoDBLimits.writeUnit - 1) / DynamoDBLimits.writeUnit)) }
  static func read(_ size: Int, isConsistent: Bool) -> Double {
    Double(max(1, (size + DynamoDBLimits.readUnit - 1) / DynamoDBLimits.readUnit)) * (isConsistent ? 1 : 0.5)
  }

  enum Kind { case read, write }
  /// In the form that `ReturnConsumedCapacity` asks for; nil when it asks for none.
  /// - Parameter splits: reads and writes are told apart, as transactions do.
  func shape(_ wanted: String?, _ table: Table, splits: Kind? = nil) -> ConsumedCapacity? {
    guard let wanted, wanted != "NONE" else { return nil }
    var out = ConsumedCapacity()
    (out.tableName, out.capacityUnits) = (table.name.name, total)
    if splits == .read { out.readCapacityUnits = total }
    if splits == .write { out.writeCapacityUnits = total }
    guard wanted == "INDEXES" else { return out }
    func capacity(_ units: Double) -> DynamoDBCapacity {
      var out = DynamoDBCapacity()
      out.capacityUnits = units
      if splits == .read { out.readCapacityUnits = units }
      if splits == .write { out.writeCapacityUnits = units }
      return out
    }
    out.table = capacity(units.first { $0.index == 0 }?.units ?? 0)
    for index in table.indexes {
      guard let used = units.first(where: { $0.index == index.id })?.units else { continue }
      switch index.kind {
      case .local: out.localSecondaryIndexes = (out.localSecondaryIndexes ?? [:]).merging([index.name: capacity(used)]) { $1 }
      case .global: out.globalSecondaryIndexes = (out.globalSecondaryIndexes ?? [:]).merging([index.name: capacity(used)]) { $1 }
      }
    }
    return out
  }
}
