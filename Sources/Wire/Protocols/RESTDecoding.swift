import Base

/// Reads the input of restJson1 and restXml from its five places: labels, query, headers, payload and body.
enum RESTDecoding {
  static func record(_ shape: StructureShape, _ request: WireRequest, _ labels: [String: String], isXML: Bool) throws -> Record {
    let table = shape.memberTable
    var record = try bodyRecord(shape, table, request, isXML: isXML)
    guard !table.unbodied.isEmpty else { return record }
    let query = try FormFields(request.query.utf8, isForm: true)
    for place in table.unbodied {
      let member = table.members[place]
      switch member.location {
      case .body, .payload, .statusCode: break
      case .label, .greedyLabel: record.slots[place] = try labels[member.wireName].flatMap { try scalar($0, member, .iso8601) }
      case .query: record.slots[place] = try values(query.all(member.wireName), member, .iso8601)
      case .queryMap: record.slots[place] = unboundQuery(query, table, member)
      case .header: record.slots[place] = try header(request.headers, member)
      case .prefixHeaders: record.slots[place] = prefixed(request.headers, member.wireName.lowercased())
      }
    }
    return record
  }

  private static func bodyRecord(_ shape: StructureShape, _ table: MemberTable, _ request: WireRequest, isXML: Bool) throws -> Record {
    if let place = table.unbodied.first(where: { table.members[$0].location == .payload }) {
      var record = Record(shape)
      record.slots[place] = try payload(table.members[place], request.body, isXML: isXML)
      return record
    }
    guard !request.body.isEmpty, table.unbodied.count < table.members.count else { return Record(shape) }
    if isXML { return try XMLDecoding.body(shape, request.body) }
    return try JSONDecoding.record(shape, request.body, isRESTBody: true)
  }

  private static func payload(_ member: Member, _ body: [UInt8], isXML: Bool) throws -> Value? {
    guard !body.isEmpty else {
      // S3 has words of its own for it.
      if isXML, member.isRequired, case .structure = member.type { throw AWSError.missingXMLBody }
      return nil
    }
    switch member.type {
    case .structure(let reference) where isXML: return .record(try XMLDecoding.payload(member, reference.shape, body))
    case .structure(let reference): return .record(try JSONDecoding.record(reference.shape, body, isRESTBody: false))
    case .document: return try JSONDecoding.document(body)
    case .string: return .string(body.utf8Text)
    default: return .blob(body)
    }
  }

  private static func scalar(_ text: String, _ member: Member, _ format: TimestampFormat) throws -> Value {
    try scalar(text, member.type, member.timestampFormat ?? format, member.name)
  }

  private static func scalar(_ text: String, _ type: ShapeType, _ format: TimestampFormat, _ name: String) throws -> Value {
    guard let value = ScalarText.value(text, type, format) else {
      throw AWSError.serialization("STRING_VALUE can not be converted to \(type.converted) at \(name)")
    }
    return value
  }

  private static func values(_ texts: [String], _ member: Member, _ format: TimestampFormat) throws -> Value? {
    guard let first = texts.first else { return nil }
    if case .list(let element) = member.type {
      return .list(try texts.map { try scalar($0, element.type, member.timestampFormat ?? format, member.name) })
    }
    // A number or time that was left empty (`?MaxItems=`) is as good as absent; a string may be empty.
    if first.isEmpty, !member.type.isText { return nil }
    return try scalar(first, member, format)
  }

  private static func header(_ headers: HeaderFields, _ member: Member) throws -> Value? {
    let texts = headers.all(member.wireName.lowercased())
    guard !texts.isEmpty else { return nil }
    guard case .list = member.type else { return try values(texts, member, .httpDate) }
    return try values(texts.flatMap(HeaderList.items), member, .httpDate)
  }

  private static func prefixed(_ headers: HeaderFields, _ prefix: String) -> Value? {
    let entries = headers.filter { $0.name.hasPrefix(prefix) }.map {
      MapEntry(String($0.name.dropFirst(prefix.count)), .string($0.value))
    }
    return entries.isEmpty ? nil : .map(entries)
  }

  /// The parameters that no member names.
  private static func unboundQuery(_ query: FormFields, _ table: MemberTable, _ member: Member) -> Value? {
    let bound = Set(table.unbodied.map { table.members[$0] }.filter { $0.location == .query }.map(\.wireName))
    var entries: [MapEntry] = []
    let isListed = if case .map(_, let element) = member.type, case .list = element.type { true } else { false }
    for (name, value) in query.pairs where !bound.contains(name) {
      let place = entries.firstIndex { $0.key == name }
      switch (place, isListed) {
      case (nil, false): entries.append(MapEntry(name, .string(value)))
      case (nil, true): entries.append(MapEntry(name, .list([.string(value)])))
      case (let place?, true): entries[place].value = .list((entries[place].value.list ?? []) + [.string(value)])
      case (_?, false): break
      }
    }
    return entries.isEmpty ? nil : .map(entries)
  }
}

extension ShapeType {
  fileprivate var isText: Bool {
    switch self {
    case .string, .blob: true
    default: false
    }
  }
}

/// Lists in one header: parted by commas; items with a comma or a quote stand in quotes.
enum HeaderList {
  static func items(_ text: String) -> [String] {
    var items: [String] = []
    var item: [UInt8] = []
    var (isQuoted, isEscaped) = (false, false)
    for byte in text.utf8 {
      if isEscaped {
        item.append(byte)
        isEscaped = false
      } else if isQuoted, byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if byte == UInt8(ascii: ","), !isQuoted {
        items.append(item.utf8Text.trimmed)
        item = []
      } else {
        item.append(byte)
      }
    }
    items.append(item.utf8Text.trimmed)
    return items
  }

  static func text(_ items: [String]) -> String {
    items.map { item in
      guard item.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else { return item }
      return "\"" + item.replacing("\\", by: "\\\\").replacing("\"", by: "\\\"") + "\""
    }.joined(separator: ", ")
  }
}
