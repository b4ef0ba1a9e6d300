import Base

/// To AWS a name with dots is a path: `{"a.b": 1}` is `{"a": {"b": 1}}`, in patterns and in events.
enum NestedName {
  /// Dots beyond are part of the last name, so that nobody nests things deeper than a thread can follow.
  private static let maximumDots = 32
  fileprivate static let maximumDepth = 250

  static func parts(_ name: String) -> [String] {
    guard name.utf8.contains(UInt8(ascii: ".")) else { return [name] }
    return name.split(separator: ".", maxSplits: maximumDots, omittingEmptySubsequences: false).map(String.init)
  }

  /// Members by the first part of their names, in the order in which those come first.
  fileprivate static func grouped(_ members: [(path: ArraySlice<String>, value: JSON)]) -> JSON {
    var order: [String] = []
    var groups: [ExactText: (values: [JSON], deeper: [(path: ArraySlice<String>, value: JSON)])] = [:]
    for (path, value) in members {
      guard let name = path.first else { continue }
      let key = ExactText(name)
      if groups[key] == nil { order.append(name) }
      if path.count == 1 {
        groups[key, default: ([], [])].values.append(value)
      } else {
        groups[key, default: ([], [])].deeper.append((path.dropFirst(), value))
      }
    }
    return .object(
      JSONObject(unique: order.map { name in
        guard let group = groups[ExactText(name)] else { return (name, .null) }
        var values = group.values
        if !group.deeper.isEmpty { join(grouped(group.deeper), to: &values) }
        return (name, values.count == 1 ? values[0] : .array(values.flatMap { $0.array ?? [$0] }))
      }))
  }

  /// What comes by a path belongs to the object that is there, too.
  private static func join(_ object: JSON, to values: inout [JSON]) {
    if let place = values.firstIndex(where: { $0.object != nil }), let old = values[place].object, let new = object.object {
      let known = Set(old.members.map { ExactText($0.name) })
      values[place] = .object(JSONObject(unique: old.members + new.members.filter { !known.contains(ExactText($0.name)) }))
    } else {
      values.append(object)
    }
  }
}

extension JSON {
  /// The same with names taken apart at their dots.
  func withNestedNames() -> JSON { hasDottedNames ? nested(depth: 0) : self }

  private var hasDottedNames: Bool {
    switch self {
    case .object(let object): object.members.contains { $0.name.utf8.contains(UInt8(ascii: ".")) || $0.value.hasDottedNames }
    case .array(let elements): elements.contains(where: \.hasDottedNames)
    case .null, .bool, .int, .double, .number, .string: false
    }
  }

  private func nested(depth: Int) -> JSON {
    switch self {
    case .object(let object):
      let members = object.members.map { name, value in
        let path = depth < NestedName.maximumDepth ? NestedName.parts(name) : [name]
        return (path: path[...], value: value.nested(depth: depth + path.count))
      }
      return NestedName.grouped(members)
    case .array(let elements): return .array(elements.map { $0.nested(depth: depth + 1) })
    case .null, .bool, .int, .double, .number, .string: return self
    }
  }
}
