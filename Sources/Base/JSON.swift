/// A JSON value. Objects keep the order of their members; a name that comes twice keeps the last value. Names and strings are
/// equal when their bytes are.
public enum JSON: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  /// A number that neither Int64 nor Double holds exactly, as it was written.
  case number(String)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  public var isNull: Bool { if case .null = self { true } else { false } }
  public var string: String? { if case .string(let s) = self { s } else { nil } }
  public var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
  public var array: [JSON]? { if case .array(let a) = self { a } else { nil } }
  public var object: JSONObject? { if case .object(let o) = self { o } else { nil } }
  public var int: Int64? {
    switch self {
    case .int(let n): n
    case .double(let d) where d == d.rounded() && abs(d) < 9e18: Int64(d)
    default: nil
    }
  }
  public var double: Double? {
    switch self {
    case .int(let n): Double(n)
    case .double(let d): d
    case .number(let text): Double(text)
    default: nil
    }
  }

  public subscript(name: String) -> JSON? { object?[name] }
  public subscript(index: Int) -> JSON? {
    // Not by `flatMap` and `? :`, where a nil literal would mean `JSON.null`.
    guard let array, array.indices.contains(index) else { return Optional.none }
    return array[index]
  }
}

extension JSON: Equatable {
  public static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.string(let x), .string(let y)): x.isExactly(y)
    case (.array(let x), .array(let y)): x == y
    case (.object(let x), .object(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.number(let x), .number(let y)): x == y
    case (.int, .double), (.double, .int), (.double, .double): a.double == b.double
    default: false
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
  public init(nilLiteral: ()) { self = .null }
  public init(_ value: String?) { self = value.map(JSON.string) ?? .null }
  public init(_ value: Int) { self = .int(Int64(value)) }
}

/// The members of a JSON object in their written order.
public struct JSONObject: Sendable, Equatable, Sequence {
  public private(set) var members: [(name: String, value: JSON)] = []

  public init() {}
  public init(_ members: [(String, JSON)]) { for (name, value) in members { self[name] = value } }
  /// For those who know already that no name comes twice.
  public init(unique members: [(name: String, value: JSON)]) { self.members = members }

  public subscript(name: String) -> JSON? {
    get { members.last(where: { $0.name.isExactly(name) })?.value }
    set {
      if let i = members.firstIndex(where: { $0.name.isExactly(name) }) {
        if let newValue { members[i].value = newValue } else { members.remove(at: i) }
      } else if let newValue {
        members.append((name, newValue))
      }
    }
  }
  public var count: Int { members.count }
  public var isEmpty: Bool { members.isEmpty }
  public var names: [String] { members.map(\.name) }
  public func makeIterator() -> IndexingIterator<[(name: String, value: JSON)]> { members.makeIterator() }

  /// Order does not count.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    guard a.count == b.count else { return false }
    if a.count <= 16 { return a.members.allSatisfy { b[$0.name] == $0.value } }
    let values = Dictionary(uniqueKeysWithValues: b.members.map { (ExactText($0.name), $0.value) })
    return a.members.allSatisfy { values[ExactText($0.name)] == $0.value }
  }
}
