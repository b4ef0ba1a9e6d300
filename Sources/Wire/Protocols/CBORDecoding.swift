import Base

/// What a time is in CBOR: tag 1 of seconds by the RFC, and of whole milliseconds in the older form of Kinesis.
enum CBORTime {
  case seconds, milliseconds
  init(_ proto: WireProtocol) { self = proto == .awsCbor11 ? .milliseconds : .seconds }
}

/// Reads the CBOR of rpcv2Cbor and of Kinesis's older clients into records, along the schema.
///
/// Unknown members are passed over; null and undefined are absence.
enum CBORDecoding {
  static func record(_ shape: StructureShape, _ bytes: [UInt8], _ time: CBORTime) throws -> Record {
    let body = try CBOR.parse(bytes)
    guard case .map(let entries) = body else { throw unexpected(.structure(StructureReference(shape))) }
    return try record(shape, entries, time)
  }

  private static func record(_ shape: StructureShape, _ entries: [CBOR.Entry], _ time: CBORTime) throws(AWSError) -> Record {
    let table = shape.memberTable
    var record = Record(shape)
    for entry in entries {
      guard let place = table.place(ofWireName: entry.key) else { continue }
      record.slots[place] = try value(table.members[place].type, entry.value, time)
    }
    return record
  }

  /// Nil for null.
  private static func value(_ type: ShapeType, _ cbor: CBOR, _ time: CBORTime) throws(AWSError) -> Value? {
    switch (type, cbor) {
    case (_, .null), (_, .undefined): return nil
    case (.string, .text(let text)): return .string(text)
    case (.boolean, .bool(let flag)): return .bool(flag)
    case (.integer, .unsigned), (.integer, .negative):
      guard let number = cbor.integer else { throw unexpected(type) }
      return .integer(number)
    case (.double, .double(let number)): return .double(number)
    case (.double, .unsigned(let number)): return .double(Double(number))
    case (.double, .negative(let number)): return .double(-1 - Double(number))
    case (.blob, .bytes(let bytes)): return .blob(bytes)
    case (.timestamp, _): return .timestamp(try instant(cbor, time))
    case (.structure(let reference), .map(let entries)): return .record(try record(reference.shape, entries, time))
    case (.list(let element), .array(let items)):
      var values: [Value] = []
      values.reserveCapacity(items.count)
      for item in items { if let value = try value(element.type, item, time) { values.append(value) } }
      return .list(values)
    case (.map(_, let element), .map(let entries)): return .map(try map(element, entries, time))
    default: throw unexpected(type)
    }
  }

  /// A key that comes twice keeps its first place and its last value.
  private static func map(_ element: ElementShape, _ entries: [CBOR.Entry], _ time: CBORTime) throws(AWSError) -> [MapEntry] {
    var found: [MapEntry] = []
    var places: [String: Int] = [:]
    for entry in entries {
      guard let value = try value(element.type, entry.value, time) else { continue }
      if let place = places[entry.key] {
        found[place].value = value
      } else {
        places[entry.key] = found.count
        found.append(MapEntry(entry.key, value))
      }
    }
    return found
  }

  /// The tag may be missing; any number will do.
  private static func instant(_ cbor: CBOR, _ time: CBORTime) throws(AWSError) -> Instant {
    var cbor = cbor
    if case .tagged(1, let inner) = cbor { cbor = inner }
    let number: Double? = if case .double(let number) = cbor { number } else { cbor.integer.map(Double.init) }
    guard let number, let instant = ScalarText.instant(seconds: time == .seconds ? number : number / 1000) else {
      throw unexpected(.timestamp)
    }
    return instant
  }

  private static func unexpected(_ type: ShapeType) -> AWSError {
    switch type {
    case .structure, .map: .serialization("Expected map or null")
    case .list: .serialization("Expected list or null")
    default: .serialization("The value can not be converted to \(type.converted)")
    }
  }
}

extension CBOR {
  /// Nil for what is no integer or does not fit.
  fileprivate var integer: Int64? {
    switch self {
    case .unsigned(let number): Int64(exactly: number)
    case .negative(let number): Int64(exactly: number).map { -1 - $0 }
    default: nil
    }
  }
}
