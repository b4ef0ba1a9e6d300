import Base

/// An item in its stored form: its attributes in the order of their names, name and value each after its length, so that one
/// attribute is read without looking into the others, and equal items have equal bytes.
struct Item: Equatable, Sendable {
  var bytes: [UInt8]

  init(bytes: [UInt8] = []) { self.bytes = bytes }
  init(_ attributes: [(name: [UInt8], value: AttributeValue)]) {
    bytes = []
    for (name, value) in attributes.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      Lengths.append(name, to: &bytes)
      Lengths.append(value.bytes, to: &bytes)
    }
  }

  subscript(name: some Collection<UInt8>) -> AttributeValue? { Self.find(name, in: bytes[...]).map(AttributeValue.init) }
  subscript(name: String) -> AttributeValue? { Self.find(name.utf8, in: bytes[...]).map(AttributeValue.init) }

  var isEmpty: Bool { bytes.isEmpty }
  var size: Int {
    var total = 0
    Self.forEach(bytes[...]) { name, value in total += name.count + AttributeValue(value).size }
    return total
  }
  var attributes: [(name: [UInt8], value: AttributeValue)] {
    var out: [(name: [UInt8], value: AttributeValue)] = []
    Self.forEach(bytes[...]) { out.append((Array($0), AttributeValue($1))) }
    return out
  }

  /// Only the attributes that have these names.
  func picking(_ isPicked: (ArraySlice<UInt8>) -> Bool) -> Item {
    var out = Item()
    Self.forEach(bytes[...]) { name, value in
      guard isPicked(name) else { return }
      Lengths.append(name, to: &out.bytes)
      Lengths.append(value, to: &out.bytes)
    }
    return out
  }

  /// With attributes set (a value) or taken away (nil).
  func replacing(_ changes: [(name: [UInt8], value: AttributeValue?)]) -> Item {
    let changes = changes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    var out = Item()
    out.bytes.reserveCapacity(bytes.count + 64)
    var next = 0
    func put(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
      Lengths.append(name, to: &out.bytes)
      Lengths.append(value, to: &out.bytes)
    }
    Self.forEach(bytes[...]) { name, value in
      while next < changes.count, changes[next].name.lexicographicallyPrecedes(name) {
        if let value = changes[next].value { put(changes[next].name, value.bytes) }
        next += 1
      }
      if next < changes.count, changes[next].name.elementsEqual(name) {
        if let value = changes[next].value { put(name, value.bytes) }
        next += 1
      } else {
        put(name, value)
      }
    }
    for change in changes[next...] { if let value = change.value { put(change.name, value.bytes) } }
    return out
  }

  static func find(_ name: some Collection<UInt8>, in entries: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var at = entries.startIndex
    while let found = Lengths.read(entries, &at), let value = Lengths.read(entries, &at) {
      if found.count == name.count, found.elementsEqual(name) { return value }
    }
    return nil
  }
  static func forEach(_ entries: ArraySlice<UInt8>, _ body: (_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> Void) {
    var at = entries.startIndex
    while let name = Lengths.read(entries, &at), let value = Lengths.read(entries, &at) { body(name, value) }
  }
}
