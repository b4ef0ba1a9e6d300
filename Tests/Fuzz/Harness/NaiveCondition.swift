import Base
@testable import DynamoDB
@testable import Wire

/// Conditions as the developer guide tells them, on the JSON of an item: a value is an object of its type and its content.
struct NaiveCondition {
  let item: JSON
  let bindings: Bindings

  func holds(_ condition: Condition) -> Bool {
    switch condition {
    case .and(let parts): return !parts.contains { !holds($0) }
    case .or(let parts): return parts.contains { holds($0) }
    case .not(let inner): return !holds(inner)
    case .exists(let path): return value(path) != nil
    case .notExists(let path): return value(path) == nil
    case .compare(let comparator, let a, let b): return compare(comparator, value(a), value(b))
    case .between(let a, let low, let high):
      return compare(.greaterOrEqual, value(a), value(low)) && compare(.lessOrEqual, value(a), value(high))
    case .in(let a, let list): return list.contains { compare(.equal, value(a), value($0)) }
    case .beginsWith(let a, let b):
      guard let a = bytes(value(a)), let b = bytes(value(b)), a.type == b.type else { return false }
      return a.bytes.count >= b.bytes.count && Array(a.bytes[..<b.bytes.count]) == b.bytes
    case .contains(let a, let b): return contains(value(a), value(b))
    case .hasType(let a, let b): return value(a).flatMap { type($0) }.map { Array($0.utf8) == bytes(value(b))?.bytes } ?? false
    }
  }

  private func compare(_ comparator: Comparator, _ a: JSON?, _ b: JSON?) -> Bool {
    guard let a, let b else { return comparator == .notEqual }
    if comparator == .equal { return a == b }
    if comparator == .notEqual { return a != b }
    guard let difference = order(a, b) else { return false }
    return switch comparator {
    case .less: difference < 0
    case .lessOrEqual: difference <= 0
    case .greater: difference > 0
    default: difference >= 0
    }
  }

  private func order(_ a: JSON, _ b: JSON) -> Int? {
    if let a = a["N"]?.string, let b = b["N"]?.string { return order(a, b) }
    guard let a = bytes(a), let b = bytes(b), a.type == b.type else { return nil }
    for (x, y) in zip(a.bytes, b.bytes) where x != y { return x < y ? -1 : 1 }
    return a.bytes.count - b.bytes.count
  }

  /// Decimal numbers as they are written out: with the longer whole part, then digit by digit.
  private func order(_ a: String, _ b: String) -> Int {
    if a.hasPrefix("-") != b.hasPrefix("-") { return a.hasPrefix("-") ? -1 : 1 }
    if a.hasPrefix("-") { return order(String(b.dropFirst()), String(a.dropFirst())) }
    let (x, y) = (a.split(separator: "."), b.split(separator: "."))
    if x[0].utf8.count != y[0].utf8.count { return x[0].utf8.count - y[0].utf8.count }
    return a == b ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
  }

  private func contains(_ whole: JSON?, _ part: JSON?) -> Bool {
    guard let whole, let part else { return false }
    if let elements = whole["L"]?.array { return elements.contains(part) }
    for (set, element) in [("SS", "S"), ("NS", "N"), ("BS", "B")] {
      if let elements = whole[set]?.array { return part[element].map { elements.contains($0) } ?? false }
    }
    guard let a = bytes(whole), let b = bytes(part), a.type == b.type else { return false }
    // Only small ones, since this is not how one searches.
    guard a.bytes.count * b.bytes.count < 1 << 20 else { return AttributeValue.of(whole).contains(AttributeValue.of(part)) }
    return a.bytes.count >= b.bytes.count
      && (0...(a.bytes.count - b.bytes.count)).contains { Array(a.bytes[$0..<($0 + b.bytes.count)]) == b.bytes }
  }

  private func type(_ value: JSON) -> String? { value.object?.names.first }

  private func bytes(_ value: JSON?) -> (type: String, bytes: [UInt8])? {
    if let text = value?["S"]?.string { return ("S", Array(text.utf8)) }
    return value?["B"]?.string.flatMap { decodeBase64($0) }.map { ("B", $0) }
  }

  private func value(_ operand: Operand) -> JSON? {
    switch operand {
    case .path(let path): return value(path)
    case .value(let place): return try? JSON.parse(ValueText.json(bindings.values[place]).bytes)
    case .size(let inner):
      guard let value = value(inner), let name = type(value) else { return nil }
      let count = bytes(value)?.bytes.count ?? value[name]?.array?.count ?? value[name]?.object?.count
      return count.map { ["N": .string(String($0))] }
    }
  }

  private func value(_ path: DocumentPath) -> JSON? {
    var value = item[bindings.name(path.head).utf8Text]
    for step in path.steps {
      switch step {
      case .name(let name): value = value?["M"]?[bindings.name(name).utf8Text]
      case .index(let index): value = value?["L"]?[index]
      }
    }
    return value
  }
}

extension AttributeValue {
  fileprivate static func of(_ json: JSON) -> AttributeValue {
    (try? ValueReader.item(RawJSON(JSON.object(JSONObject([("v", json)])).bytes)))?["v"] ?? AttributeValue(.null, [])
  }
}
