import Base

/// An attribute value taken apart, to be changed in its inside.
indirect enum ValueTree {
  case leaf(AttributeValue)
  case list([ValueTree])
  case map([(name: [UInt8], value: ValueTree)])
  /// Goes when the tree is put together again, so that the places of a list stay what they were meanwhile.
  case removed

  /// Lists and maps are opened when a path goes through them.
  private mutating func open() {
    guard case .leaf(let value) = self else { return }
    switch value.type {
    case .list: self = .list(value.elements.map { .leaf(AttributeValue($0)) })
    case .map:
      var entries: [(name: [UInt8], value: ValueTree)] = []
      Item.forEach(value.payload) { entries.append((Array($0), .leaf(AttributeValue($1)))) }
      self = .map(entries)
    default: break
    }
  }

  /// Sets what the path names; throws when what should hold it is not there or of another type, and the tree is of no use then.
  mutating func set(_ path: ArraySlice<ResolvedStep>, _ value: AttributeValue) throws {
    guard let step = path.first else { return self = .leaf(value) }
    open()
    switch (self, step) {
    case (.map(var entries), .name(let name)):
      // Held here alone, so that it is not copied for each change.
      self = .removed
      if let place = entries.firstIndex(where: { $0.name == name }) {
        try entries[place].value.set(path.dropFirst(), value)
      } else if path.count == 1 {
        entries.append((name, .leaf(value)))
      } else {
        throw DynamoDBError.invalidPath
      }
      self = .map(entries)
    case (.list(var elements), .index(let index)):
      self = .removed
      if index < elements.count {
        if case .removed = elements[index], path.count > 1 { throw DynamoDBError.invalidPath }
        try elements[index].set(path.dropFirst(), value)
      } else if path.count == 1 {
        elements.append(.leaf(value))
      } else {
        throw DynamoDBError.invalidPath
      }
      self = .list(elements)
    default: throw DynamoDBError.invalidPath
    }
  }

  /// Takes away what the path names, if it is there.
  mutating func remove(_ path: ArraySlice<ResolvedStep>) throws {
    guard let step = path.first else { return self = .removed }
    open()
    switch (self, step) {
    case (.map(var entries), .name(let name)):
      guard let place = entries.firstIndex(where: { $0.name == name }) else {
        if path.count > 1 { throw DynamoDBError.invalidPath }
        return
      }
      self = .removed
      try entries[place].value.remove(path.dropFirst())
      self = .map(entries)
    case (.list(var elements), .index(let index)):
      guard index < elements.count else {
        if path.count > 1 { throw DynamoDBError.invalidPath }
        return
      }
      self = .removed
      try elements[index].remove(path.dropFirst())
      self = .list(elements)
    default: throw DynamoDBError.invalidPath
    }
  }

  /// Put together; nil when it is removed.
  var value: AttributeValue? {
    switch self {
    case .leaf(let value): return value
    case .removed: return nil
    case .list(let elements):
      var out = [AttributeType.list.rawValue]
      for element in elements { if let value = element.value { Lengths.append(value.bytes, to: &out) } }
      return AttributeValue(out[...])
    case .map(let entries):
      let item = Item(entries.compactMap { entry in entry.value.value.map { (entry.name, $0) } })
      return AttributeValue(.map, item.bytes)
    }
  }
}
