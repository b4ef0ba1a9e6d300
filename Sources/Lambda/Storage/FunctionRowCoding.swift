import Base
import Store

extension StoredFunction {
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    latest = try FunctionVersion(from: &row)
    serving = try row.optional { try FunctionVersion(from: &$0) }
    tags = try row.map()
    reservedConcurrency = try row.optionalInt()
    lastVersion = try row.int()
    versionInProgress = try row.optionalInt()
  }

  var row: [UInt8] {
    var row = RowWriter(capacity: 512)
    latest.write(to: &row)
    row.optional(serving) { $1.write(to: &$0) }
    row.map(tags)
    row.optional(reservedConcurrency)
    row.int(lastVersion)
    row.optional(versionInProgress)
    return row.bytes
  }
}

extension Alias {
  init(row bytes: [UInt8], function: FunctionID, name: String) throws {
    var row = try RowReader(bytes)
    self.init(
      function: function, name: name, version: try row.string(), description: try row.string(), revisionID: try row.string())
  }

  var row: [UInt8] {
    var row = RowWriter()
    for text in [version, description, revisionID] { row.string(text) }
    return row.bytes
  }
}

extension EventInvokeSettings {
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    maximumRetryAttempts = try row.optionalInt()
    maximumEventAge = try row.optionalInt().map { .seconds($0) }
    lastModified = try row.instant()
  }

  var row: [UInt8] {
    var row = RowWriter()
    row.optional(maximumRetryAttempts)
    row.optional(maximumEventAge.map { Int($0.components.seconds) })
    row.instant(lastModified)
    return row.bytes
  }
}
