import Base
import Fabric
import Store

extension DynamoDBService {
  /// Removes every table and stream of the account in every Region. The rows of items go in the background.
  public func removeAll(of account: AccountID) async throws {
    try await store.transact { rows in
      for (key, bytes) in try rows.entries(Keys.tables(of: account)) {
        try Self.remove(try Table(bytes, name: Keys.tableName(key)), rows, at: .epoch)
      }
      for (key, bytes) in try rows.entries(Keys.streams.of(account)) {
        try Log(Keys.changes(try StreamRow(bytes).id)).removeAll(rows)
        try rows.delete(key)
      }
      for (key, bytes) in try rows.entries(Keys.backups.of(account)) {
        let (table, label) = try Keys.backups.name(key)
        try TableImage.discard(Backup(bytes, table, label: label, images: rows).image, rows)
        try rows.delete(key)
      }
      for (key, bytes) in try rows.entries(Keys.exports.of(account)) {
        let (table, label) = try Keys.exports.name(key)
        let export = try Export(bytes, table, label: label)
        if export.status == .inProgress { try TableImage.discard(export.image, rows) }
      }
      for range in [Keys.exports.of(account), Keys.imports.of(account), Keys.tokens(of: account)] { try rows.deleteAll(range) }
    }
    tables.forgetAll()
    for worker in workers { worker.nudge.nudge() }
  }

  /// How many items each of the first 200 tables has.
  public func measurements() async -> [Measurement] {
    // A store that is closing has nothing to tell; a scrape is no place to fail.
    guard
      let counts = try? await store.read({ rows in
        var (total, out): (Int, [(TableName, Tally.Count)]) = (0, [])
        try rows.scan(Keys.allTables) { key, bytes in
          total += 1
          guard out.count < 200 else { return true }
          let name = try Keys.tableName(key)
          out.append((name, try Tally(rows.get(Keys.tally(try Table(bytes, name: name).id)))[0]))
          return true
        }
        return (total, out)
      })
    else { return [] }
    var out = [
      Measurement("dewpoint_dynamodb_tables", .gauge, Double(counts.0), help: "Tables of all accounts and Regions.")
    ]
    for (name, count) in counts.1 {
      let labels = [("account", name.account.text), ("region", name.region.text), ("table", name.name)]
      out.append(Measurement("dewpoint_dynamodb_items", .gauge, Double(count.items), labels: labels, help: "Items of a table."))
      out.append(
        Measurement("dewpoint_dynamodb_item_bytes", .gauge, Double(count.bytes), labels: labels, help: "Size of a table's items, as AWS counts it."))
    }
    return out
  }
}
