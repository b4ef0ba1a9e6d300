import Base

/// Writes records as the XML that awsQuery answers with. restXml will share it, with wire names for query names.
enum XMLEncoding {
  static func members(_ record: Record, _ writer: inout XMLWriter) {
    let members = record.shape.members
    for (place, slot) in record.slots.enumerated() {
      if let value = slot { write(value, members[place], &writer) }
    }
  }

  private static func write(_ value: Value, _ member: Member, _ writer: inout XMLWriter) {
    let name = member.queryName
    switch (value, member.type) {
    case (.list(let values), .list(let element)) where member.isFlattened:
      for value in values { write(value, element.type, name, .iso8601, &writer) }
    case (.map(let entries), .map(let key, let element)) where member.isFlattened:
      for entry in entries { write(entry, name, key, element, &writer) }
    default: write(value, member.type, name, member.timestampFormat ?? .iso8601, &writer)
    }
  }

  private static func write(
    _ value: Value, _ type: ShapeType, _ name: String, _ format: TimestampFormat, _ writer: inout XMLWriter
  ) {
    switch (value, type) {
    case (.record(let record), _):
      writer.open(name)
      members(record, &writer)
      writer.close(name)
    case (.list(let values), .list(let element)):
      writer.open(name)
      for value in values { write(value, element.type, element.wireName ?? "member", .iso8601, &writer) }
      writer.close(name)
    case (.map(let entries), .map(let key, let element)):
      writer.open(name)
      for entry in entries { write(entry, "entry", key, element, &writer) }
      writer.close(name)
    default:
      if let text = ScalarText.text(value, format) { writer.element(name, text) }
    }
  }

  private static func write(
    _ entry: MapEntry, _ name: String, _ key: ElementShape, _ element: ElementShape, _ writer: inout XMLWriter
  ) {
    writer.open(name)
    writer.element(key.wireName ?? "key", entry.key)
    write(entry.value, element.type, element.wireName ?? "value", .iso8601, &writer)
    writer.close(name)
  }
}
