import Base
import Store

/// Versions that were published with SnapStart and have not been initialised yet.
struct SnapshotRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// Of all accounts. A version that was deleted meanwhile is left out.
  func waiting() throws -> [FunctionVersion] {
    try reader.entries(KeyRange(prefix: Keys.snapshots)).compactMap { entry in
      var key = KeyReader(entry.key, after: Keys.snapshots)
      guard let account = AccountID(try key.string()), let region = Region(try key.string()) else {
        throw StoreError.corrupt("function id")
      }
      let id = FunctionID(account: account, region: region, name: try key.string())
      guard let number = Int(try key.string()) else { throw StoreError.corrupt("version number") }
      return try FunctionRows(reader).version(id, number)
    }
  }

  /// Notes that a version is not active before it has been initialised.
  static func begin(_ version: FunctionVersion, in tx: any Transaction) throws {
    try tx.set(Keys.snapshot(version.id, version.version), [])
  }

  static func finish(_ version: FunctionVersion, _ state: FunctionVersion.State, in tx: any Transaction) throws {
    try tx.delete(Keys.snapshot(version.id, version.version))
    guard let number = Int(version.version), var current = try FunctionRows(tx).version(version.id, number) else { return }
    // The revision stays: the environment that waits to be restored belongs to it.
    (current.state, current.updateStatus) = (state, .successful)
    try FunctionRows.save(current, number: number, in: tx)
  }
}
