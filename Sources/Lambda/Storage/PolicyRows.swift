import Base
import Store

/// Resource policies of functions, versions and aliases.
struct PolicyRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// - Parameter qualifier: nil for the function itself.
  func policy(_ id: FunctionID, _ qualifier: String?) throws -> ResourcePolicy? {
    try reader.get(Keys.policy(id, qualifier)).map { bytes in
      var row = try RowReader(bytes)
      let revision = try row.string()
      let statements = try row.array { ResourcePolicy.Statement(sid: try $0.string(), text: try $0.string()) }
      return ResourcePolicy(statements: statements, revisionID: revision)
    }
  }

  /// A policy without statements is no policy.
  static func save(_ policy: ResourcePolicy, of id: FunctionID, _ qualifier: String?, in tx: any Transaction) throws {
    guard !policy.statements.isEmpty else { return try tx.delete(Keys.policy(id, qualifier)) }
    var row = RowWriter(capacity: 512)
    row.string(policy.revisionID)
    row.array(policy.statements) { row, statement in
      row.string(statement.sid)
      row.string(statement.text)
    }
    try tx.set(Keys.policy(id, qualifier), row.bytes)
  }
}
