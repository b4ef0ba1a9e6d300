import Base
import Store

extension Rule {
  var row: [UInt8] {
    var row = RowWriter(capacity: 512)
    row.bus(name.bus)
    row.string(name.name)
    row.optional(pattern)
    row.optional(schedule)
    row.string(state.rawValue)
    row.optional(description)
    row.optional(role)
    row.optional(managedBy)
    row.string(createdBy.text)
    row.map(tags)
    row.array(targets) { $0.blob($1.row) }
    row.optional(archive) { $0.int($1) }
    row.optional(scheduledSince)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let name = RuleName(try row.bus(), try row.string())
    self.init(name, createdBy: name.bus.account)
    pattern = try row.optionalString()
    schedule = try row.optionalString()
    state = State(rawValue: try row.string()) ?? .disabled
    description = try row.optionalString()
    role = try row.optionalString()
    managedBy = try row.optionalString()
    if let account = AccountID(try row.string()) { createdBy = account }
    tags = try row.map()
    targets = try row.array { try Target(row: try $0.blob()) }
    archive = try row.optional { try $0.int64() }
    scheduledSince = try row.optionalInstant()
  }
}

extension Target {
  var row: [UInt8] {
    var row = RowWriter(capacity: 256)
    row.string(id)
    row.string(arn)
    row.optional(role)
    switch input {
    case .event: row.int(0)
    case .constant(let text):
      row.int(1)
      row.string(text)
    case .path(let path):
      row.int(2)
      row.string(path)
    case .transformer(let paths, let template):
      row.int(3)
      row.map(paths)
      row.string(template)
    }
    row.optional(messageGroup)
    row.optional(partitionKeyPath)
    row.optional(http) { row, http in
      row.strings(http.path)
      row.map(http.headers)
      row.map(http.query)
    }
    row.optional(deadLetter)
    row.optional(maximumAttempts)
    row.optional(maximumAgeSeconds)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(id: try row.string(), arn: try row.string())
    role = try row.optionalString()
    switch try row.int() {
    case 0: input = .event
    case 1: input = .constant(try row.string())
    case 2: input = .path(try row.string())
    case 3: input = .transformer(paths: try row.map(), template: try row.string())
    case let kind: throw StoreError.corrupt("input of a target: \(kind)")
    }
    messageGroup = try row.optionalString()
    partitionKeyPath = try row.optionalString()
    http = try row.optional { row in HTTP(path: try row.strings(), headers: try row.map(), query: try row.map()) }
    deadLetter = try row.optionalString()
    maximumAttempts = try row.optionalInt()
    maximumAgeSeconds = try row.optionalInt()
  }
}
