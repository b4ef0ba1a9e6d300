import Base
import Store
import Wire

/// Records as rows: members by their names, so that a row outlives a newer model; what the model no longer knows is left out.
enum RecordRow {
  static func bytes(_ record: Record) -> [UInt8] {
    var row = RowWriter()
    let members = zip(record.shape.members, record.slots).compactMap { member, slot in slot.map { (member.name, $0) } }
    row.array(members) { row, member in
      row.string(member.0)
      row.blob(bytes(member.1))
    }
    return row.bytes
  }

  static func read(_ bytes: [UInt8], _ shape: StructureShape) throws -> Record {
    var row = try RowReader(bytes)
    var record = Record(shape)
    for (name, bytes) in try row.array({ (try $0.string(), try $0.blob()) }) {
      guard let place = shape.place(of: name) else { continue }
      record.slots[place] = try value(bytes, shape.members[place].type)
    }
    return record
  }

  private static func bytes(_ value: Value) -> [UInt8] {
    var row = RowWriter(capacity: 32)
    switch value {
    case .bool(let flag): row.bool(flag)
    case .integer(let number): row.int(number)
    case .double(let number): row.double(number)
    case .string(let text): row.string(text)
    case .blob(let bytes): row.blob(bytes)
    case .timestamp(let instant): row.instant(instant)
    case .document(let json): row.blob(json.bytes)
    case .rawJSON(let raw): row.blob(raw.bytes)
    case .list(let values): row.array(values) { $0.blob(bytes($1)) }
    case .map(let entries):
      row.array(entries) { row, entry in
        row.string(entry.key)
        row.blob(bytes(entry.value))
      }
    case .record(let record): row.blob(bytes(record))
    }
    return row.bytes
  }

  private static func value(_ bytes: [UInt8], _ type: ShapeType) throws -> Value {
    var row = try RowReader(bytes)
    switch type {
    case .boolean: return .bool(try row.bool())
    case .integer: return .integer(try row.int64())
    case .double: return .double(try row.double())
    case .string: return .string(try row.string())
    case .blob: return .blob(try row.blob())
    case .timestamp: return .timestamp(try row.instant())
    case .document: return .document(try JSON.parse(try row.blob()))
    case .rawJSON: return .rawJSON(RawJSON(try row.blob()))
    case .structure(let reference): return .record(try read(try row.blob(), reference.shape))
    case .list(let element): return .list(try row.array { try value(try $0.blob(), element.type) })
    case .map(_, let element): return .map(try row.array { MapEntry(try $0.string(), try value(try $0.blob(), element.type)) })
    }
  }
}
