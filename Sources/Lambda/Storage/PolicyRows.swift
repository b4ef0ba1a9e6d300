import Base
import Store

/// Resource policies of functions, versions, aliases and layer versions.
struct PolicyRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// - Parameter qualifier: nil for the function itself.
  func policy(_ id: FunctionID, _ qualifier: String?) throws -> ResourcePolicy? {
    try policy(at: Keys.policy(id, qualifier))
  }

  func policy(at key: Key) throws -> ResourcePolicy? {
    try reader.get(key).map { bytes in
      var row = try RowReader(bytes)
      let revision = try row.string()
      let statements = try row.array { ResourcePolicy.Statement(sid: try $0.string(), text: try $0.string()) }
      return ResourcePolicy(statements: statements, revisionID: revision)
    }
  }

  static func save(_ policy: ResourcePolicy, of id: FunctionID, _ qualifier: String?, in tx: any Transaction) throws {
    try save(policy, at: Keys.policy(id, qualifier), in: tx)
  }

  /// A policy without statements is no policy.
  static func save(_ policy: ResourcePolicy, at key: Key, in tx: any Transaction) throws {
    guard !policy.statements.isEmpty else { return try tx.delete(key) }
    var row = RowWriter(capacity: 512)
    row.string(policy.revisionID)
    row.array(policy.statements) { row, statement in
      row.string(statement.sid)
      row.string(statement.text)
    }
    try tx.set(key, row.bytes)
  }
}
