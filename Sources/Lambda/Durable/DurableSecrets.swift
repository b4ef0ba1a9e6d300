import Base
import Store

/// Makes the tokens of checkpoints and the ids of callbacks. Both begin with what they belong to and end with 128 random
/// bits; what is stored decides whether one is good.
struct DurableSecrets: Sendable {
  let ambient: Ambient

  func uuid() -> String { ambient.uuid() }

  /// Of the next checkpoint of an execution.
  func token(_ id: DurableExecutionID) -> String {
    var row = RowWriter(capacity: 64)
    row.string(id.id)
    row.blob(ambient.random.bytes(16))
    return row.bytes.base64
  }

  /// The execution that a token says it is for; nil for what is no token.
  static func execution(ofToken text: String) -> String? {
    guard let bytes = decodeBase64(text), var row = try? RowReader(bytes), let id = try? row.string(),
      (try? row.blob())?.count == 16, row.isAtEnd
    else { return nil }
    return id
  }

  func callback(_ id: DurableExecutionID, _ operation: String) -> String {
    var row = RowWriter(capacity: 160)
    id.write(to: &row)
    row.string(operation)
    row.blob(ambient.random.bytes(16))
    return row.bytes.base64
  }

  /// The operation that a callback id names; nil for what is none.
  static func place(ofCallback text: String) -> (id: DurableExecutionID, operation: String)? {
    guard let bytes = decodeBase64(text), var row = try? RowReader(bytes), let id = try? DurableExecutionID(from: &row),
      let operation = try? row.string(), (try? row.blob())?.count == 16, row.isAtEnd
    else { return nil }
    return (id, operation)
  }
}
