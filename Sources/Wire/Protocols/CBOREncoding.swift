import Base

/// Writes records as CBOR. Absent members are left out.
enum CBOREncoding {
  static func body(_ record: Record, _ time: CBORTime) -> [UInt8] {
    var writer = CBORWriter(capacity: 512)
    write(record, time, &writer)
    return writer.bytes
  }

  private static func write(_ record: Record, _ time: CBORTime, _ writer: inout CBORWriter) {
    let members = record.shape.members
    writer.map(record.slots.count { $0 != nil })
    for (place, slot) in record.slots.enumerated() {
      guard let value = slot else { continue }
      writer.text(members[place].wireName)
      write(value, time, &writer)
    }
  }

  private static func write(_ value: Value, _ time: CBORTime, _ writer: inout CBORWriter) {
    switch value {
    case .string(let text): writer.text(text)
    case .bool(let flag): writer.bool(flag)
    case .integer(let number): writer.int(number)
    case .double(let number): writer.double(number)
    case .blob(let bytes): writer.blob(bytes)
    case .timestamp(let instant): write(instant, time, &writer)
    case .document(let json): writer.json(json)
    case .rawJSON(let raw): writer.json((try? JSON.parse(raw.bytes)) ?? .null)
    case .record(let record): write(record, time, &writer)
    case .list(let values):
      writer.array(values.count)
      for value in values { write(value, time, &writer) }
    case .map(let entries):
      writer.map(entries.count)
      for entry in entries {
        writer.text(entry.key)
        write(entry.value, time, &writer)
      }
    }
  }

  private static func write(_ instant: Instant, _ time: CBORTime, _ writer: inout CBORWriter) {
    writer.tag(1)
    switch time {
    case .milliseconds: writer.int(instant.milliseconds)
    case .seconds where instant.milliseconds % 1000 == 0: writer.int(instant.milliseconds / 1000)
    case .seconds: writer.double(Double(instant.milliseconds) / 1000)
    }
  }
}

extension CBORWriter {
  mutating func json(_ value: JSON) {
    switch value {
    case .null: null()
    case .bool(let flag): bool(flag)
    case .int(let number): int(number)
    case .double(let number): double(number)
    case .number(let text): double(Double(text) ?? 0)
    case .string(let text): self.text(text)
    case .array(let values):
      array(values.count)
      for value in values { json(value) }
    case .object(let object):
      map(object.count)
      for member in object {
        text(member.name)
        json(member.value)
      }
    }
  }
}
