import Base
import Store

/// Who needs which package, and since when nobody does.
struct PackageRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func isUsed(_ hash: String) throws -> Bool { try reader.first(KeyRange(prefix: Keys.uses(of: hash))) != nil }
  func isGarbage(_ hash: String) throws -> Bool { try reader.get(Keys.garbage(hash)) != nil }

  func garbage() throws -> [(hash: String, since: Instant)] {
    try reader.entries(KeyRange(prefix: Keys.garbage)).map { entry in
      var key = KeyReader(entry.key, after: Keys.garbage)
      var row = try RowReader(entry.value)
      return (try key.string(), try row.instant())
    }
  }

  static func use(_ hash: String, by version: FunctionVersion, in tx: any Transaction) throws {
    try tx.set(Keys.use(of: hash, by: version), [])
  }

  static func use(_ hash: String, by version: LayerVersion, in tx: any Transaction) throws {
    try tx.set(Keys.use(of: hash, by: version), [])
  }

  static func release(_ hash: String, by version: LayerVersion, in tx: any Transaction, at now: Instant) throws {
    try tx.delete(Keys.use(of: hash, by: version))
    try markIfUnused(hash, in: tx, at: now)
  }

  /// A package that nobody else needs becomes garbage; the worker removes it later.
  static func release(_ hash: String, by version: FunctionVersion, in tx: any Transaction, at now: Instant) throws {
    try tx.delete(Keys.use(of: hash, by: version))
    try markIfUnused(hash, in: tx, at: now)
  }

  static func markIfUnused(_ hash: String, in tx: any Transaction, at now: Instant) throws {
    guard try !PackageRows(tx).isUsed(hash) else { return }
    var row = RowWriter()
    row.instant(now)
    try tx.set(Keys.garbage(hash), row.bytes)
  }

  static func unmark(_ hash: String, in tx: any Transaction) throws { try tx.delete(Keys.garbage(hash)) }
}
