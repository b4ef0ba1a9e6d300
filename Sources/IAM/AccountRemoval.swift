import Base
import Fabric
import Store

extension IAMService {
  /// Removes all identities of an account. Sessions that were issued before are void, and its access keys stay known as
  /// deleted ones: in the local mode a key that IAM does not know would be root's.
  public func removeAll(of account: AccountID) async throws {
    try await change(account) { try $0.removeEverything() }
    record.removeAll(of: account)
    denials.removeAll(of: account)
  }

  public func measurements() async -> [Measurement] {
    let sizes = cache.sizes
    return [
      Measurement(
        "dewpoint_iam_denials_total", .counter, Double(denials.count), help: "Calls refused by a policy since the start."),
      Measurement(
        "dewpoint_iam_cached_principals", .gauge, Double(sizes.principals), help: "Users and roles whose policies are in memory."),
      Measurement(
        "dewpoint_iam_cached_documents", .gauge, Double(sizes.documents), help: "Policy documents that are compiled in memory."),
      Measurement(
        "dewpoint_iam_policy_lookups_total", .counter, Double(sizes.hits), labels: [("result", "hit")],
        help: "Decisions by whether the caller's policies were in memory."),
      Measurement(
        "dewpoint_iam_policy_lookups_total", .counter, Double(sizes.misses), labels: [("result", "miss")],
        help: "Decisions by whether the caller's policies were in memory."),
      Measurement(
        "dewpoint_iam_recorded_resources", .gauge, Double(record.size),
        help: "Resources of the access record that are in memory."),
    ]
  }
}

extension IAMChanges {
  fileprivate func removeEverything() throws {
    var entities: [Entity] = []
    for kind in Entity.Kind.allCases { entities += try self.entities(kind) }
    for entity in entities {
      try tx.delete(IAMKeys.owner(entity.id))
      try tx.delete(IAMKeys.lastUse(entity.id))
    }
    var keys: [AccessKey] = []
    try tx.scan(KeyRange(prefix: IAMKeys.accessKeys)) { _, row in
      let key = try AccessKey(row: row)
      if key.account == account { keys.append(key) }
      return true
    }
    for var key in keys {
      (key.status, key.secret) = (.deleted, "")
      try tx.set(IAMKeys.accessKey(key.id), key.row)
      try tx.delete(IAMKeys.lastUse(key.id))
    }
    for part in IAMKeys.splitByAccount { try tx.deleteAll(KeyRange(prefix: IAMKeys.all(part, account))) }
    try setEpoch(try epoch() + 1)
  }
}

extension IAMReading {
  /// Grows whenever the account is emptied; a session belongs to the epoch in which it was issued.
  func epoch() throws -> Int {
    guard let row = try reader.get(IAMKeys.epoch(account)) else { return 0 }
    var r = try RowReader(row)
    return try r.int()
  }
}

extension IAMChanges {
  fileprivate func setEpoch(_ epoch: Int) throws {
    var w = RowWriter()
    w.int(epoch)
    try tx.set(IAMKeys.epoch(account), w.bytes)
  }
}
