import Base

/// Whether a condition holds for an item. A missing item is an empty one.
struct Evaluator {
  let item: Item
  let bindings: Bindings

  func holds(_ condition: Condition) -> Bool {
    switch condition {
    case .and(let parts): return parts.allSatisfy(holds)
    case .or(let parts): return parts.contains(where: holds)
    case .not(let inner): return !holds(inner)
    case .exists(let path): return value(path) != nil
    case .notExists(let path): return value(path) == nil
    case .compare(let comparator, let a, let b): return compare(comparator, value(a), value(b))
    case .between(let a, let low, let high):
      guard let a = value(a), let low = value(low), let high = value(high) else { return false }
      return [.greater, .equal].contains(a.order(low)) && [.less, .equal].contains(a.order(high))
    case .in(let a, let list):
      guard let a = value(a) else { return false }
      return list.contains { value($0) == a }
    case .beginsWith(let a, let b):
      guard let a = value(a), let b = value(b), a.type == b.type, a.type == .string || a.type == .binary else { return false }
      return a.payload.starts(with: b.payload)
    case .contains(let a, let b):
      guard let a = value(a), let b = value(b) else { return false }
      return a.contains(b)
    case .hasType(let a, let b):
      guard let a = value(a), let b = value(b) else { return false }
      return a.typeName.utf8.elementsEqual(b.payload)
    }
  }

  private func compare(_ comparator: Comparator, _ a: AttributeValue?, _ b: AttributeValue?) -> Bool {
    // What is missing equals nothing, not even what is missing, too.
    guard let a, let b else { return comparator == .notEqual }
    switch comparator {
    case .equal: return a == b
    case .notEqual: return a != b
    case .less: return a.order(b) == .less
    case .lessOrEqual: return [.less, .equal].contains(a.order(b))
    case .greater: return a.order(b) == .greater
    case .greaterOrEqual: return [.greater, .equal].contains(a.order(b))
    }
  }

  func value(_ operand: Operand) -> AttributeValue? {
    switch operand {
    case .path(let path): value(path)
    case .value(let place): bindings.values[place]
    case .size(let inner): value(inner).flatMap(\.sizeFunction).map { AttributeValue(Number($0)) }
    }
  }
  func value(_ path: DocumentPath) -> AttributeValue? {
    var value = item[bindings.name(path.head)]
    for step in path.steps {
      switch step {
      case .name(let reference): value = value?[bindings.name(reference)]
      case .index(let index): value = value?.element(index)
      }
    }
    return value
  }
}

extension AttributeValue {
  /// The element of a list.
  func element(_ index: Int) -> AttributeValue? {
    guard type == .list else { return nil }
    for (place, element) in elements.enumerated() where place == index { return AttributeValue(element) }
    return nil
  }

  /// What `size` gives: bytes, or the number of elements.
  var sizeFunction: Int? {
    switch type {
    case .string, .binary: return payload.count
    case .stringSet, .numberSet, .binarySet, .list: return elements.reduce(0) { count, _ in count + 1 }
    case .map:
      var count = 0
      Item.forEach(payload) { _, _ in count += 1 }
      return count
    case .number, .true, .false, .null: return nil
    }
  }

  func contains(_ other: AttributeValue) -> Bool {
    switch type {
    case .string: return other.type == .string && payload.containsPiece(other.payload)
    case .binary: return other.type == .binary && payload.containsPiece(other.payload)
    case .stringSet, .numberSet, .binarySet: return type.element == other.type && elements.contains { $0 == other.payload }
    case .list: return elements.contains { $0 == other.bytes }
    case .number, .true, .false, .null, .map: return false
    }
  }
}

extension ArraySlice<UInt8> {
  /// Knuth, Morris and Pratt: a long piece that nearly fits everywhere costs no more than any other.
  fileprivate func containsPiece(_ piece: ArraySlice<UInt8>) -> Bool {
    guard !piece.isEmpty else { return true }
    guard count >= piece.count else { return false }
    let piece = Array(piece)
    // How much of the piece stays matched behind so much of it.
    var fallback = [Int](repeating: 0, count: piece.count)
    var length = 0
    for place in 1..<piece.count {
      while length > 0, piece[place] != piece[length] { length = fallback[length - 1] }
      if piece[place] == piece[length] { length += 1 }
      fallback[place] = length
    }
    length = 0
    for byte in self {
      while length > 0, byte != piece[length] { length = fallback[length - 1] }
      if byte == piece[length] { length += 1 }
      if length == piece.count { return true }
    }
    return false
  }
}
