import Base

/// Reads the input of awsQuery: form fields with dotted names, in the body or in the query string of a GET.
struct QueryDecoding {
  /// Dots in one name; AWS's deepest input has six.
  private static let maximumDepth = 32

  private struct Key: Hashable { var parent: Int; var name: Substring }
  private struct Node { var value: String?; var children: [(name: Substring, node: Int)] = [] }

  private var nodes = [Node()]
  private var places: [Key: Int] = [:]

  static func record(_ shape: StructureShape, _ request: WireRequest) throws(AWSError) -> Record {
    var fields = try FormFields(request.query.utf8, isForm: true)
    fields.append(try FormFields(request.body, isForm: true))
    var tree = QueryDecoding()
    for (name, value) in fields.pairs { try tree.insert(name, value) }
    return try tree.record(shape, 0)
  }

  /// A name that comes twice keeps its last value.
  private mutating func insert(_ name: String, _ value: String) throws(AWSError) {
    let steps = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Substring($0) }
    guard steps.count <= Self.maximumDepth else {
      throw .malformedInput("The parameter name \(name.prefix(256)) is nested too deeply.")
    }
    var at = 0
    for step in steps {
      let key = Key(parent: at, name: step)
      if let known = places[key] {
        at = known
      } else {
        nodes.append(Node())
        nodes[at].children.append((step, nodes.count - 1))
        at = nodes.count - 1
        places[key] = at
      }
    }
    nodes[at].value = value
  }

  private func child(_ node: Int, _ name: String) -> Int? { places[Key(parent: node, name: name[...])] }

  /// The children whose names are numbers, in the order of the numbers. Gaps are allowed.
  private func numbered(_ node: Int) -> [Int] {
    nodes[node].children.compactMap { child in Int(child.name).map { ($0, child.node) } }.sorted { $0.0 < $1.0 }.map(\.1)
  }

  private func record(_ shape: StructureShape, _ node: Int) throws(AWSError) -> Record {
    var record = Record(shape)
    for (place, member) in shape.members.enumerated() {
      guard let child = child(node, member.queryName) else { continue }
      record.slots[place] = try value(member, child)
    }
    return record
  }

  private func value(_ member: Member, _ node: Int) throws(AWSError) -> Value? {
    try value(member.type, node, isFlattened: member.isFlattened, member.timestampFormat ?? .iso8601, member.name)
  }

  private func value(
    _ type: ShapeType, _ node: Int, isFlattened: Bool, _ format: TimestampFormat, _ name: String
  ) throws(AWSError) -> Value? {
    switch type {
    case .structure(let reference): return .record(try record(reference.shape, node))
    case .list(let element):
      // An empty list is sent as an empty value.
      let parent = isFlattened ? node : child(node, element.wireName ?? "member") ?? node
      var values: [Value] = []
      for item in numbered(parent) {
        if let value = try value(element.type, item, isFlattened: false, .iso8601, name) { values.append(value) }
      }
      return .list(values)
    case .map(let key, let element):
      return .map(try entries(isFlattened ? node : child(node, "entry") ?? node, key, element, name))
    default:
      guard let text = nodes[node].value else { return nil }
      if let value = ScalarText.value(text, type, format) { return value }
      if text.isEmpty { return nil }
      throw .malformedInput("STRING_VALUE can not be converted to \(type.converted) at \(name)")
    }
  }

  private func entries(_ node: Int, _ key: ElementShape, _ element: ElementShape, _ name: String) throws(AWSError) -> [MapEntry] {
    var entries: [MapEntry] = []
    var seen: [String: Int] = [:]
    for item in numbered(node) {
      guard let keyText = child(item, key.wireName ?? "key").flatMap({ nodes[$0].value }) else {
        throw .malformedInput("An entry of the map \(name) has no key.")
      }
      guard let valueNode = child(item, element.wireName ?? "value"),
        let value = try value(element.type, valueNode, isFlattened: false, .iso8601, name)
      else { throw .malformedInput("The entry \(keyText) of the map \(name) has no value.") }
      if let place = seen[keyText] {
        entries[place].value = value
      } else {
        seen[keyText] = entries.count
        entries.append(MapEntry(keyText, value))
      }
    }
    return entries
  }
}
