import Base
import Fabric
import Store

// The keys of DynamoDB. Every key begins with "ddb" and a letter.
//
//   table      "t" account region name                → Table           tables are found and listed by name
//   number     "n"                                    → -               the last id of a table; one counter, moved by CreateTable only
//   item       "i" table, hash, partition, sort       → Item            a partition in the order of its sort key
//   tally      "c" table                              → Tally           how many items and bytes, of each index too
//   local      "l" table index, hash, partition, index sort, sort   → Item, as far as it is projected
//   global     "g" table index, hash, index partition, index sort, partition, sort   → Item, as far as it is projected
//   collection "m" table, partition                   → -               bytes of a partition of a table with local indexes
//   expiry     "e" when, table, item's key            → -               items that end, by the second
//   fill       "f" table index                        → key             how far a new index is filled
//   garbage    "x" table index                        → attribute     rows that a worker removes; index 0 is the table, with its expiry
//   token      "k" account region token               → Token           what an idempotent transaction was
//   forget     "o" when account region token          → -               when tokens end
//   stream     "s" account region table label         → StreamRow       streams, also of tables that are gone
//   change     "r" stream, sequence                   → Change          what happened, in order
//   destination "d" destination                       → TableName       streams of Kinesis that tables write to, or have changes for
//   streamed   "q" destination, number                → Change          what is to go to such a stream, in order
//   image      "b" image                              → TableImage      pictures of tables, for backups and for jobs
//   open       "v" image                              → -               images that are not complete
//   imaged     "w" image, item's key                  → Item            what is in an image; 1 and the item, or 0 for none
//   history    "h" table, number                      → PastItem        what items were before each change, while recovery is on
//   backup     "y" account region table label         → Backup
//   export     "E" account region table label         → Export
//   import     "I" account region table label         → Import
//   job        "J" kind account region table label    → -               exports and imports that are not over
//   restore    "z" table                              → RestoreJob      tables that are being filled from an image
//
// `hash` is two bytes made of the partition key: scans and their segments go by it, so that a table is spread evenly. Partition and
// sort keys are not parts of a tuple but bytes that compare as their values do and end unambiguously (`KeyBytes`).

enum Keys {
  private static let root = Key("ddb")
  private static let tables = root.appending("t")
  private static let items = root.appending("i")
  private static let locals = root.appending("l")
  private static let globals = root.appending("g")
  private static let expiries = root.appending("e")
  private static let garbages = root.appending("x")
  private static let fills = root.appending("f")
  private static let tokens = root.appending("k")
  private static let forgets = root.appending("o")

  static let inventory = [InventoryItem("tables", below: tables)]
  static let tableNumber = root.appending("n")

  static func table(_ name: TableName) -> Key { tables.appending(name.account, name.region, name.name) }
  static func tables(_ account: AccountID, _ region: Region, after last: String?) -> KeyRange {
    let home = tables.appending(account, region)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func tables(of account: AccountID) -> KeyRange { KeyRange(prefix: tables.appending(account)) }
  static let allTables = KeyRange(prefix: tables)
  static func tableName(_ key: Key) throws -> TableName { try name(key, after: tables) }
  fileprivate static func name(_ key: Key, after prefix: Key) throws -> TableName {
    var reader = KeyReader(key, after: prefix)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("table key")
    }
    return TableName(account: account, region: region, name: try reader.string())
  }

  private static func home(_ prefix: Key, _ table: Int, _ extra: Int) -> Key {
    var key = Key(bytes: [])
    key.bytes.reserveCapacity(prefix.bytes.count + 9 + extra)
    key.bytes.append(contentsOf: prefix.bytes)
    table.append(to: &key.bytes)
    return key
  }
  static func items(_ table: Int) -> Key { home(items, table, 0) }
  static func item(_ table: Int, _ item: ItemKey) -> Key {
    var key = home(items, table, item.bytes.count)
    key.bytes.append(contentsOf: item.bytes)
    return key
  }
  static func itemKey(_ key: Key, _ table: Int) -> ItemKey { ItemKey(bytes: Array(key.bytes.dropFirst(items.bytes.count + 9))) }
  static func collection(_ table: Int, _ hash: AttributeValue) -> Key {
    KeyBytes.partition(home(collections, table, hash.bytes.count + 4), hash)
  }
  private static let collections = root.appending("m")
  static func tally(_ table: Int) -> Key { home(tallies, table, 0) }
  private static let tallies = root.appending("c")

  /// The rows of an index.
  static func index(_ table: Int, _ index: SecondaryIndex) -> Key { self.index(table, index.id, index.kind) }
  static func index(_ table: Int, _ index: Int, _ kind: SecondaryIndex.Kind) -> Key {
    home(kind == .local ? locals : globals, table, 9).appending(index)
  }
  /// The row of an item in an index; the item has all of the index's key.
  static func entry(_ table: Table, _ index: SecondaryIndex, hash: AttributeValue, range: AttributeValue?, _ item: ItemKey) -> Key {
    var key = self.index(table.id, index)
    key.bytes.reserveCapacity(key.bytes.count + hash.bytes.count + (range?.bytes.count ?? 0) + item.bytes.count + 8)
    KeyBytes.appendHash(hash, to: &key.bytes)
    KeyBytes.append(hash, to: &key.bytes)
    if let range { KeyBytes.append(range, to: &key.bytes) }
    key.bytes.append(contentsOf: item.bytes)
    return key
  }
  /// Those of a segment of a parallel scan.
  static func segment(_ home: Key, _ segment: Int, of total: Int) -> KeyRange {
    func bound(_ number: Int) -> Key {
      let hash = number * 65_536 / total
      guard hash < 65_536 else { return home.end }
      var key = home
      key.bytes.append(UInt8(hash >> 8))
      key.bytes.append(UInt8(hash & 255))
      return key
    }
    return total == 1 ? KeyRange(prefix: home) : KeyRange(bound(segment), bound(segment + 1))
  }

  static func expiry(_ when: Int64, _ table: Int, _ item: ItemKey) -> Key {
    var key = expiries.appending(when, table)
    key.bytes.append(contentsOf: item.bytes)
    return key
  }
  static func expiries(before when: Int64) -> KeyRange { KeyRange(expiries, expiries.appending(when)) }
  static let allExpiries = KeyRange(prefix: expiries)
  static func expiry(_ key: Key) throws -> (when: Int64, table: Int, item: ItemKey) {
    var reader = KeyReader(key, after: expiries)
    let (when, table) = (try reader.int(), try reader.int())
    return (when, Int(table), ItemKey(bytes: Array(key.bytes.dropFirst(expiries.bytes.count + 18))))
  }

  static func fill(_ table: Int, _ index: Int) -> Key { fills.appending(table, index) }
  static let fillHome = fills
  static let allFills = KeyRange(prefix: fills)
  static func garbage(_ table: Int, _ index: Int, _ kind: Int) -> Key { garbages.appending(table, index, kind) }
  static let allGarbage = KeyRange(prefix: garbages)
  /// What is left of a table says by which attribute its items were to end.
  static func garbageRow(expiry attribute: String?) -> [UInt8] {
    var row = RowWriter(capacity: 32)
    row.optional(attribute)
    return row.bytes
  }
  static func garbageExpiry(_ bytes: [UInt8]) throws -> String? {
    var row = try RowReader(bytes)
    return row.isAtEnd ? nil : try row.optionalString()
  }
  static func garbage(_ key: Key) throws -> (table: Int, index: Int, kind: Int) {
    var reader = KeyReader(key, after: garbages)
    return (Int(try reader.int()), Int(try reader.int()), Int(try reader.int()))
  }
  static let imageGarbage = 9
  /// Everything of a table but its row.
  static func everything(_ table: Int) -> [KeyRange] {
    [items, locals, globals, fills, collections].map { KeyRange(prefix: home($0, table, 0)) } + [KeyRange(prefix: tally(table))]
  }

  static func token(_ account: AccountID, _ region: Region, _ token: String) -> Key { tokens.appending(account, region, token) }
  static func forget(_ when: Instant, _ account: AccountID, _ region: Region, _ token: String) -> Key {
    forgets.appending(when, account, region, token)
  }
  static func forgets(before when: Instant) -> KeyRange { KeyRange(forgets, forgets.appending(when)) }
  static let allForgets = KeyRange(prefix: forgets)
  static func forgotten(_ key: Key) throws -> (when: Instant, token: Key) {
    var reader = KeyReader(key, after: forgets)
    let when = try reader.instant()
    return (when, tokens.appending(try reader.string(), try reader.string(), try reader.string()))
  }
  static func tokens(of account: AccountID) -> KeyRange { KeyRange(prefix: tokens.appending(account)) }

  static let streams = LabelledRows(root.appending("s"))
  static let backups = LabelledRows(root.appending("y"))
  static let exports = LabelledRows(root.appending("E"))
  static let imports = LabelledRows(root.appending("I"))
  /// Of exports and imports that are not over: nothing is in them.
  static let openExports = LabelledRows(root.appending("J", "export"))
  static let openImports = LabelledRows(root.appending("J", "import"))

  private static let images = root.appending("b")
  static func image(_ id: Int) -> Key { images.appending(id) }
  private static let opens = root.appending("v")
  static let openImages = KeyRange(prefix: opens)
  static func openImage(_ id: Int) -> Key { opens.appending(id) }
  static func openImage(_ key: Key) throws -> Int { try id(key, after: opens) }
  private static let imaged = root.appending("w")
  static func imaged(_ image: Int) -> Key { home(imaged, image, 0) }
  static func imaged(_ image: Int, _ item: ItemKey) -> Key {
    var key = home(imaged, image, item.bytes.count)
    key.bytes.append(contentsOf: item.bytes)
    return key
  }
  static func history(_ table: Int) -> Key { home(histories, table, 2) }
  private static let histories = root.appending("h")
  private static let restores = root.appending("z")
  static let allRestores = KeyRange(prefix: restores)
  static func restore(_ table: Int) -> Key { restores.appending(table) }
  private static func id(_ key: Key, after prefix: Key) throws -> Int {
    var reader = KeyReader(key, after: prefix)
    return Int(try reader.int())
  }

  private static let destinations = root.appending("d")
  static let allDestinations = KeyRange(prefix: destinations)
  static func destination(_ id: Int) -> Key { destinations.appending(id) }
  static func destination(_ key: Key) throws -> Int { try id(key, after: destinations) }
  /// The changes that are to go to a destination.
  static func streamed(_ destination: Int) -> Key { home(queues, destination, 2) }
  private static let queues = root.appending("q")

  /// The changes of a stream.
  static func changes(_ stream: Int) -> Key { home(logs, stream, 2) }
  private static let logs = root.appending("r")
}

/// Rows of tables that have several of a kind, told apart by labels: account, region, table, label. They stay when the table is gone.
struct LabelledRows: Sendable {
  private let root: Key

  init(_ root: Key) { self.root = root }

  var all: KeyRange { KeyRange(prefix: root) }
  func of(_ account: AccountID) -> KeyRange { KeyRange(prefix: root.appending(account)) }
  func of(_ account: AccountID, _ region: Region) -> Key { root.appending(account, region) }
  func of(_ table: TableName) -> Key { root.appending(table.account, table.region, table.name) }
  func row(_ table: TableName, _ label: String) -> Key { of(table).appending(label) }

  func name(_ key: Key) throws -> (table: TableName, label: String) {
    var reader = KeyReader(key, after: root)
    let table = try Keys.name(key, after: root)
    for _ in 0..<3 { _ = try reader.string() }
    return (table, try reader.string())
  }
}
