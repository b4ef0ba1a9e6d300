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
    allowsRecursion = try row.ifPresent { try $0.bool() } ?? false
    codeSigning = try row.ifPresent { try $0.optionalString() } ?? nil
  }

  var row: [UInt8] {
    var row = RowWriter(version: FunctionVersion.rowVersion, capacity: 512)
    latest.write(to: &row)
    row.optional(serving) { $1.write(to: &$0) }
    row.map(tags)
    row.optional(reservedConcurrency)
    row.int(lastVersion)
    row.optional(versionInProgress)
    row.bool(allowsRecursion)
    row.optional(codeSigning)
    return row.bytes
  }
}

extension Alias {
  init(row bytes: [UInt8], function: FunctionID, name: String) throws {
    var row = try RowReader(bytes)
    self.init(
      function: function, name: name, version: try row.string(), description: try row.string(), revisionID: try row.string())
    routing = try row.ifPresent { try $0.optional { Routing(version: try $0.string(), weight: try $0.double()) } } ?? nil
  }

  var row: [UInt8] {
    var row = RowWriter()
    for text in [version, description, revisionID] { row.string(text) }
    row.optional(routing) { row, routing in
      row.string(routing.version)
      row.double(routing.weight)
    }
    return row.bytes
  }
}

extension EventInvokeSettings {
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    maximumRetryAttempts = try row.optionalInt()
    maximumEventAge = try row.optionalInt().map { .seconds($0) }
    lastModified = try row.instant()
    onSuccess = try row.ifPresent { try $0.optional { try $0.arn() } } ?? nil
    onFailure = try row.ifPresent { try $0.optional { try $0.arn() } } ?? nil
  }

  var row: [UInt8] {
    var row = RowWriter()
    row.optional(maximumRetryAttempts)
    row.optional(maximumEventAge.map { Int($0.components.seconds) })
    row.instant(lastModified)
    row.optional(onSuccess) { $0.arn($1) }
    row.optional(onFailure) { $0.arn($1) }
    return row.bytes
  }
}
