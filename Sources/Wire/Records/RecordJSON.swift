import Base

/// How bytes stand in JSON that people write.
public enum BlobText: Sendable {
  /// The text is the bytes; any other JSON value is its own text (the payload of an invocation).
  case text
  /// As in the protocols of the APIs.
  case base64
}

/// Input that people wrote for an operation of which we have only the model: universal targets, integrations, templates.
extension Record {
  /// Members have their names of the model, wherever a protocol puts them; the case of the first letter does not count, for those
  /// who write all names like `FunctionName`. Null is absence. Times are epoch seconds or ISO 8601 text. Numbers and truth values may
  /// stand where text is wanted.
  ///
  /// Throws `AWSError` `ValidationException` for what the model does not know or cannot hold. What it demands beyond types is
  /// not checked here.
  public init(_ shape: StructureShape, json: JSON, blobs: BlobText = .text) throws {
    guard let object = json.object else { throw JSONRecords.mismatch("the input", "an object") }
    self = try JSONRecords(blobs: blobs).record(shape, object, "")
  }
}

private struct JSONRecords {
  let blobs: BlobText

  func record(_ shape: StructureShape, _ object: JSONObject, _ path: String) throws -> Record {
    var record = Record(shape)
    for (name, value) in object where !value.isNull {
      guard let place = shape.place(of: name) ?? shape.place(of: Self.turned(name)) else {
        throw Self.invalid("The field \"\(path)\(name)\" is not known to \(shape.name).")
      }
      record.slots[place] = try self.value(shape.members[place].type, value, shape.members[place].timestampFormat, path + name)
    }
    return record
  }

  private func value(_ type: ShapeType, _ json: JSON, _ format: TimestampFormat?, _ path: String) throws -> Value {
    switch (type, json) {
    case (.document, _): return .document(json)
    case (.rawJSON, .object), (.rawJSON, .array): return .rawJSON(RawJSON(json.bytes))
    case (.string, .string(let text)): return .string(text)
    case (.string, .int), (.string, .double), (.string, .number), (.string, .bool): return .string(json.text)
    case (.boolean, .bool(let flag)): return .bool(flag)
    case (.boolean, .string("true")), (.boolean, .string("false")): return .bool(json.string == "true")
    case (.integer, _):
      if let whole = json.int ?? json.string.flatMap({ Int64($0) }) { return .integer(whole) }
    case (.double, _):
      if let number = json.double ?? json.string.flatMap({ Double($0) }) { return .double(number) }
    case (.blob, .string(let text)):
      if blobs == .text { return .blob(Array(text.utf8)) }
      if let bytes = decodeBase64(text) { return .blob(bytes) }
    case (.blob, _) where blobs == .text: return .blob(json.bytes)
    case (.timestamp, .string(let text)):
      if let instant = ScalarText.timestamp(text, .iso8601) ?? ScalarText.timestamp(text, format ?? .epochSeconds) {
        return .timestamp(instant)
      }
    case (.timestamp, _):
      if let seconds = json.double, let instant = ScalarText.instant(seconds: seconds) { return .timestamp(instant) }
    case (.structure(let reference), .object(let object)): return .record(try record(reference.shape, object, path + "."))
    case (.list(let element), .array(let values)):
      return .list(
        try values.enumerated().filter { !$0.element.isNull }.map { try value(element.type, $0.element, nil, "\(path)[\($0.offset)]") })
    case (.map(_, let element), .object(let object)):
      return .map(
        try object.filter { !$0.value.isNull }.map { MapEntry($0.name, try value(element.type, $0.value, nil, "\(path).\($0.name)")) })
    default: break
    }
    throw Self.mismatch("\"\(path)\"", type.expected)
  }

  /// The name with its first letter in the other case.
  private static func turned(_ name: String) -> String {
    guard let first = name.first else { return name }
    return (first.isUppercase ? first.lowercased() : first.uppercased()) + name.dropFirst()
  }

  static func mismatch(_ path: String, _ expected: String) -> AWSError { invalid("The value of \(path) must be \(expected).") }
  private static func invalid(_ text: String) -> AWSError { AWSError("ValidationException", text, status: 400) }
}

extension ShapeType {
  fileprivate var expected: String {
    switch self {
    case .boolean: "true or false"
    case .integer: "a whole number"
    case .double: "a number"
    case .string, .blob: "a string"
    case .timestamp: "a time"
    case .document: "JSON"
    case .structure, .map, .rawJSON: "an object"
    case .list: "a list"
    }
  }
}
