import Base

/// Writes records as the XML of awsQuery and restXml.
struct XMLEncoding {
  private let isREST: Bool
  private init(isREST: Bool) { self.isREST = isREST }

  /// The members of a result in awsQuery.
  static func members(_ record: Record, _ writer: inout XMLWriter) { XMLEncoding(isREST: false).members(record, &writer) }

  /// A whole document of restXml, with the members that belong in its body.
  static func document(_ record: Record, root: String, namespace: String?) -> [UInt8] {
    var writer = XMLWriter()
    writer.declaration()
    let encoding = XMLEncoding(isREST: true)
    writer.open(root, attributes: (namespace.map { [("xmlns", $0)] } ?? []) + encoding.attributes(record))
    encoding.members(record, &writer)
    writer.close(root)
    return writer.bytes
  }

  /// A document whose root is the only member (S3's `LocationConstraint`); empty without a value.
  static func unwrapped(_ record: Record, namespace: String?) -> [UInt8] {
    var writer = XMLWriter()
    writer.declaration()
    guard let place = record.shape.members.firstIndex(where: { $0.location == .body }) else { return writer.bytes }
    let name = record.shape.members[place].wireName
    writer.open(name, attributes: namespace.map { [("xmlns", $0)] } ?? [])
    writer.text(record.slots[place].flatMap { ScalarText.text($0, .iso8601) } ?? "")
    writer.close(name)
    return writer.bytes
  }

  private func members(_ record: Record, _ writer: inout XMLWriter) {
    let members = record.shape.members
    for (place, slot) in record.slots.enumerated() {
      guard let value = slot else { continue }
      if isREST, members[place].location != .body || members[place].isXMLAttribute { continue }
      write(value, members[place], &writer)
    }
  }

  /// Only restXml has attributes. Their prefix is declared where it is used.
  private func attributes(_ record: Record) -> [(name: String, value: String)] {
    guard isREST else { return [] }
    var attributes: [(name: String, value: String)] = []
    for (place, member) in record.shape.members.enumerated() where member.isXMLAttribute {
      guard let text = record.slots[place].flatMap({ ScalarText.text($0, .iso8601) }) else { continue }
      if member.wireName.hasPrefix("xsi:") { attributes.append(("xmlns:xsi", XMLElement.schemaInstance)) }
      attributes.append((member.wireName, text))
    }
    return attributes
  }

  private func write(_ value: Value, _ member: Member, _ writer: inout XMLWriter) {
    let name = isREST ? member.wireName : member.queryName
    switch (value, member.type) {
    case (.list(let values), .list(let element)) where member.isFlattened:
      for value in values { write(value, element.type, name, .iso8601, &writer) }
    case (.map(let entries), .map(let key, let element)) where member.isFlattened:
      for entry in entries { write(entry, name, key, element, &writer) }
    default: write(value, member.type, name, member.timestampFormat ?? .iso8601, &writer)
    }
  }

  private func write(_ value: Value, _ type: ShapeType, _ name: String, _ format: TimestampFormat, _ writer: inout XMLWriter) {
    switch (value, type) {
    case (.record(let record), _):
      writer.open(name, attributes: attributes(record))
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

  private func write(_ entry: MapEntry, _ name: String, _ key: ElementShape, _ element: ElementShape, _ writer: inout XMLWriter) {
    writer.open(name)
    writer.element(key.wireName ?? "key", entry.key)
    write(entry.value, element.type, element.wireName ?? "value", .iso8601, &writer)
    writer.close(name)
  }
}
