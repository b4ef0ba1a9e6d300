import Base

/// Reads the JSON of awsJson and restJson1 straight into records, along the schema.
///
/// Unknown members are passed over and null is absence, as AWS does. Depth is bounded by the scanner.
enum JSONDecoding {
  /// The members of the body; those that REST binds elsewhere are unknown names here when `isRESTBody`.
  static func record(_ shape: StructureShape, _ bytes: [UInt8], isRESTBody: Bool) throws -> Record {
    try bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(buffer)
      guard try scanner.peek() == .object else { throw unexpected(try scanner.peek(), .structure(StructureReference(shape))) }
      let record = try record(shape, &scanner, isRESTBody: isRESTBody)
      try scanner.end()
      return record
    }
  }

  static func document(_ bytes: [UInt8]) throws -> Value { .document(try JSON.parse(bytes)) }

  private static func record(_ shape: StructureShape, _ scanner: inout JSONScanner, isRESTBody: Bool = false) throws -> Record {
    let table = shape.memberTable
    var record = Record(shape)
    try scanner.object { name, scanner in
      guard let place = table.place(ofWireName: name) else { return try scanner.skip() }
      let member = table.members[place]
      if isRESTBody, member.location != .body { return try scanner.skip() }
      record.slots[place] = try value(member.type, member.timestampFormat, &scanner)
    }
    return record
  }

  /// Nil for null.
  private static func value(_ type: ShapeType, _ format: TimestampFormat?, _ scanner: inout JSONScanner) throws -> Value? {
    let kind = try scanner.peek()
    switch (type, kind) {
    case (.document, _): return .document(try scanner.value())
    case (_, .null):
      try scanner.null()
      return nil
    case (.rawJSON, .object), (.rawJSON, .array): return .rawJSON(RawJSON(try scanner.verbatim()))
    case (.string, .string): return .string(try scanner.string())
    case (.boolean, .bool): return .bool(try scanner.bool())
    case (.integer, .number): return .integer(try integer(&scanner))
    case (.double, .number): return .double(try double(&scanner))
    case (.double, .string):
      guard let special = ScalarText.special(try scanner.string()) else { throw unexpected(.string, type) }
      return .double(special)
    case (.blob, .string):
      guard let bytes = decodeBase64(try scanner.string()) else { throw AWSError.serialization("A blob is not valid Base64.") }
      return .blob(bytes)
    case (.timestamp, .number):
      guard let instant = ScalarText.instant(seconds: try double(&scanner)) else { throw unexpected(.number, type) }
      return .timestamp(instant)
    case (.timestamp, .string):
      guard let instant = ScalarText.timestamp(try scanner.string(), format ?? .epochSeconds) else {
        throw unexpected(.string, type)
      }
      return .timestamp(instant)
    case (.structure(let reference), .object): return .record(try record(reference.shape, &scanner))
    case (.list(let element), .array): return .list(try list(element, &scanner))
    case (.map(_, let element), .object): return .map(try map(element, &scanner))
    default: throw unexpected(kind == .bool ? try boolKind(&scanner) : kind.token, type)
    }
  }

  private static func list(_ element: ElementShape, _ scanner: inout JSONScanner) throws -> [Value] {
    var values: [Value] = []
    try scanner.array { scanner in
      if let value = try value(element.type, nil, &scanner) { values.append(value) }
    }
    return values
  }

  /// A key that comes twice keeps its first place and its last value. Few keys are quicker compared than hashed.
  private static func map(_ element: ElementShape, _ scanner: inout JSONScanner) throws -> [MapEntry] {
    var entries: [MapEntry] = []
    var places: [String: Int] = [:]
    try scanner.object { key, scanner in
      guard let value = try value(element.type, nil, &scanner) else { return }
      if let place = places.isEmpty ? entries.firstIndex(where: { $0.key == key }) : places[key] {
        entries[place].value = value
        return
      }
      entries.append(MapEntry(key, value))
      if !places.isEmpty {
        places[key] = entries.count - 1
      } else if entries.count == 16 {
        for (place, entry) in entries.enumerated() { places[entry.key] = place }
      }
    }
    return entries
  }

  private static func integer(_ scanner: inout JSONScanner) throws -> Int64 {
    let number = try scanner.number()
    guard let whole = number.int else {
      if case .number = number { throw unexpected("NUMBER_VALUE", .integer) }
      throw unexpected("DECIMAL_VALUE", .integer)
    }
    return whole
  }

  private static func double(_ scanner: inout JSONScanner) throws -> Double {
    guard let number = try scanner.number().double, number.isFinite else { throw unexpected("NUMBER_VALUE", .double) }
    return number
  }

  private static func boolKind(_ scanner: inout JSONScanner) throws -> String {
    try scanner.bool() ? "TRUE_VALUE" : "FALSE_VALUE"
  }

  private static func unexpected(_ kind: JSONScanner.Kind, _ type: ShapeType) -> AWSError { unexpected(kind.token, type) }

  private static func unexpected(_ token: String, _ type: ShapeType) -> AWSError {
    switch (token, type) {
    case ("START_OBJECT", _): .serialization("Start of structure or map found where not expected.")
    case ("START_ARRAY", _): .serialization("Start of list found where not expected.")
    case (_, .structure): .serialization("Unexpected field type")
    case (_, .list): .serialization("Expected list or null")
    case (_, .map): .serialization("Expected map or null")
    default: .serialization("\(token) can not be converted to \(type.converted)")
    }
  }
}

extension JSONScanner.Kind {
  fileprivate var token: String {
    switch self {
    case .null: "NULL_VALUE"
    case .bool: "TRUE_VALUE"
    case .number: "NUMBER_VALUE"
    case .string: "STRING_VALUE"
    case .array: "START_ARRAY"
    case .object: "START_OBJECT"
    }
  }
}
