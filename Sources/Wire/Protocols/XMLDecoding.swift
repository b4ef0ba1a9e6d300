import Base

/// Reads the XML bodies of restXml along the schema.
///
/// S3 checks its bodies against its published schema: an element that the model does not know is refused like one that is
/// missing. The namespace may be left out, as many clients do.
enum XMLDecoding {
  /// The body whose root is the payload member.
  static func payload(_ member: Member, _ shape: StructureShape, _ body: [UInt8]) throws(AWSError) -> Record {
    let root = try parse(body)
    guard root.name == member.wireName else { throw .malformedXML("the root element is \(root.name), not \(member.wireName)") }
    return try record(shape, root)
  }

  /// The members of the body where there is no payload member; whatever its root is called.
  static func body(_ shape: StructureShape, _ body: [UInt8]) throws(AWSError) -> Record { try record(shape, try parse(body)) }

  private static func parse(_ body: [UInt8]) throws(AWSError) -> XMLElement {
    do { return try XMLDocument.parse(body).root } catch { throw .malformedXML(error.description, cause: error) }
  }

  private static func record(_ shape: StructureShape, _ element: XMLElement) throws(AWSError) -> Record {
    let table = shape.memberTable
    var record = Record(shape)
    // Grown here, since growing a list inside a slot would copy it for each element.
    var flattened: [Int: [XMLElement]] = [:]
    for child in element.children {
      guard let place = table.place(ofWireName: child.name), case let member = table.members[place], member.location == .body else {
        throw .malformedXML("the element \(child.name) is not known in \(element.name)")
      }
      if member.isFlattened {
        flattened[place, default: []].append(child)
      } else {
        guard record.slots[place] == nil else { throw .malformedXML("the element \(child.name) comes twice in \(element.name)") }
        record.slots[place] = try value(member.type, child, member.timestampFormat ?? .iso8601)
      }
    }
    for (place, children) in flattened { record.slots[place] = try flat(table.members[place], children) }
    for place in table.members.indices where table.members[place].isXMLAttribute {
      let member = table.members[place]
      if let text = element.attribute(member.wireName) { record.slots[place] = try scalar(text, member.type, .iso8601, member.wireName) }
    }
    for place in table.required where table.members[place].location == .body && record.slots[place] == nil {
      throw .malformedXML("the element \(table.members[place].wireName) is missing in \(element.name)")
    }
    return record
  }

  private static func value(_ type: ShapeType, _ element: XMLElement, _ format: TimestampFormat) throws(AWSError) -> Value {
    switch type {
    case .structure(let reference): return .record(try record(reference.shape, element))
    case .list(let item):
      let name = item.wireName ?? "member"
      for child in element.children where child.name != name {
        throw .malformedXML("the element \(child.name) is not known in \(element.name)")
      }
      return .list(try values(item, element.children))
    case .map(let key, let item): return .map(try entries(key, item, element.children(named: "entry")))
    default:
      guard element.children.isEmpty else { throw .malformedXML("\(element.name) must be text") }
      return try scalar(element.text, type, format, element.name)
    }
  }

  private static func flat(_ member: Member, _ children: [XMLElement]) throws(AWSError) -> Value {
    switch member.type {
    case .list(let item): .list(try values(item, children))
    case .map(let key, let item): .map(try entries(key, item, children))
    default: throw .malformedXML("\(member.wireName) is no list")
    }
  }

  private static func values(_ item: ElementShape, _ children: [XMLElement]) throws(AWSError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(children.count)
    for child in children { values.append(try value(item.type, child, .iso8601)) }
    return values
  }

  /// A key that comes twice keeps its last value.
  private static func entries(_ key: ElementShape, _ item: ElementShape, _ children: [XMLElement]) throws(AWSError) -> [MapEntry] {
    var entries: [MapEntry] = []
    var places: [String: Int] = [:]
    for child in children {
      guard let name = child.first(key.wireName ?? "key")?.text, let element = child.first(item.wireName ?? "value") else {
        throw .malformedXML("an entry of \(child.name) lacks its key or value")
      }
      let value = try value(item.type, element, .iso8601)
      if let place = places[name] {
        entries[place].value = value
      } else {
        places[name] = entries.count
        entries.append(MapEntry(name, value))
      }
    }
    return entries
  }

  private static func scalar(_ text: String, _ type: ShapeType, _ format: TimestampFormat, _ name: String) throws(AWSError) -> Value {
    if case .string = type { return .string(text) }
    guard let value = ScalarText.value(text.trimmed, type, format) else {
      throw .malformedXML("\(name) can not be converted to \(type.converted)")
    }
    return value
  }
}
