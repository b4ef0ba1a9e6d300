import Base
import Store
import Wire

extension Pipe {
  var row: [UInt8] {
    var w = RowWriter(capacity: 512)
    w.instant(createdAt)
    w.instant(modifiedAt)
    w.optional(description)
    w.bool(isWanted)
    w.string(state.rawValue)
    w.string(source)
    w.optional(enrichment)
    w.string(target)
    w.string(role)
    w.map(tags)
    for parameters in [sourceParameters, enrichmentParameters, targetParameters, logConfiguration] { w.optional(parameters?.text) }
    return w.bytes
  }
  init(row: [UInt8], _ name: PipeName) throws {
    var r = try RowReader(row)
    self.name = name
    createdAt = try r.instant()
    modifiedAt = try r.instant()
    description = try r.optionalString()
    isWanted = try r.bool()
    guard let state = PipeState(rawValue: try r.string()) else { throw StoreError.corrupt("state of a pipe") }
    self.state = state
    source = try r.string()
    enrichment = try r.optionalString()
    target = try r.string()
    role = try r.string()
    tags = try r.map()
    sourceParameters = try r.optionalString().map { try JSON.parse($0) }
    enrichmentParameters = try r.optionalString().map { try JSON.parse($0) }
    targetParameters = try r.optionalString().map { try JSON.parse($0) }
    logConfiguration = try r.optionalString().map { try JSON.parse($0) }
  }
}

extension Reader {
  func pipe(_ name: PipeName) throws -> Pipe? { try get(Keys.pipe(name)).map { try Pipe(row: $0, name) } }
  /// Throws NotFoundException.
  func existingPipe(_ name: PipeName) throws -> Pipe {
    guard let pipe = try pipe(name) else { throw PipesError.noPipe(name.name) }
    return pipe
  }
  func allPipes() throws -> [Pipe] { try entries(Keys.all).map { try Pipe(row: $0.value, try Keys.name($0.key)) } }
}

extension Transaction {
  func put(_ pipe: Pipe) throws { try set(Keys.pipe(pipe.name), pipe.row) }
}

/// Parameters of many kinds are kept as they were given.
extension Record {
  /// With the names of the API; what is empty is left out.
  var json: JSON {
    .object(
      JSONObject(
        zip(shape.members, slots).compactMap { member, value in value.map { (member.name, $0.json) } }))
  }
}

extension Value {
  fileprivate var json: JSON {
    switch self {
    case .bool(let flag): .bool(flag)
    case .integer(let number): .int(number)
    case .double(let number): .double(number)
    case .string(let text): .string(text)
    case .blob(let bytes): .string(bytes.base64)
    case .timestamp(let instant): .string(instant.iso8601Milliseconds)
    case .document(let json): json
    // No member of a pipe is of this kind.
    case .rawJSON: .null
    case .list(let values): .array(values.map(\.json))
    case .map(let entries): .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
    case .record(let record): record.json
    }
  }
}
