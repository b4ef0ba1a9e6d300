import Base

/// Writes records as the JSON of awsJson and restJson1. Absent members are left out.
enum JSONEncoding {
  static func body(_ record: Record, isRESTBody: Bool) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    write(record, &writer, isRESTBody: isRESTBody)
    return writer.bytes
  }

  private static func write(_ record: Record, _ writer: inout JSONWriter, isRESTBody: Bool = false) {
    writer.beginObject()
    let members = record.shape.members
    for (place, slot) in record.slots.enumerated() {
      guard let value = slot else { continue }
      let member = members[place]
      if isRESTBody, member.location != .body { continue }
      writer.name(member.wireName)
      write(value, member.timestampFormat ?? .epochSeconds, &writer)
    }
    writer.endObject()
  }

  private static func write(_ value: Value, _ format: TimestampFormat, _ writer: inout JSONWriter) {
    switch value {
    case .string(let text): writer.string(text)
    case .bool(let flag): writer.bool(flag)
    case .integer(let number): writer.int(number)
    case .double(let number): writer.double(number)
    case .blob(let bytes): writer.string(bytes.base64)
    case .timestamp(let instant):
      if format == .epochSeconds { writer.epochSeconds(instant) } else { writer.string(ScalarText.text(value, format) ?? "") }
    case .document(let json): writer.value(json)
    case .rawJSON(let raw): writer.verbatim(raw.bytes)
    case .record(let record): write(record, &writer)
    case .list(let values):
      writer.beginArray()
      for value in values { write(value, .epochSeconds, &writer) }
      writer.endArray()
    case .map(let entries):
      writer.beginObject()
      for entry in entries {
        writer.name(entry.key)
        write(entry.value, .epochSeconds, &writer)
      }
      writer.endObject()
    }
  }
}
