import Base
import Testing
import Wire

@testable import DynamoDB

/// An item and a condition in plain terms, to compare the evaluator with.
private struct Plain {
  enum Value: Equatable {
    case text(String), number(Int), list([Int]), texts(Set<String>)
    var json: JSON {
      switch self {
      case .text(let text): ["S": .string(text)]
      case .number(let number): ["N": .string(String(number))]
      case .list(let numbers): ["L": .array(numbers.map { ["N": .string(String($0))] })]
      case .texts(let texts): ["SS": .array(texts.sorted().map { .string($0) })]
      }
    }
  }
  static let names = ["alpha", "beta", "gamma", "delta"]
  var item: [String: Value] = [:]
  let random: SeededRandom

  func number(_ bound: Int) -> Int { Int(random.number(below: UInt64(bound))) }
  func value() -> Value {
    switch number(4) {
    case 0: .text(["", "a", "ab", "abc", "b"][number(5)])
    case 1: .number(number(7) - 3)
    case 2: .list((0..<number(4)).map { _ in number(4) })
    default: .texts(Set((0...number(2)).map { _ in ["a", "b", "ab"][number(3)] }))
    }
  }
  mutating func fill() {
    item = [:]
    for name in Self.names where number(4) > 0 { item[name] = value() }
  }

  /// A condition as text, and whether it holds.
  func condition(_ depth: Int, _ values: inout [Value]) -> (text: String, holds: Bool) {
    if depth > 0, number(3) > 0 {
      let a = condition(depth - 1, &values)
      if number(3) == 0 { return ("NOT (\(a.text))", !a.holds) }
      let b = condition(depth - 1, &values)
      return number(2) == 0
        ? ("(\(a.text)) AND (\(b.text))", a.holds && b.holds) : ("\(a.text) OR (\(b.text))", a.holds || b.holds)
    }
    let name = Self.names[number(4)]
    let there = item[name]
    func placeholder(_ value: Value) -> String {
      values.append(value)
      return ":v\(values.count - 1)"
    }
    switch number(6) {
    case 0: return ("attribute_exists(\(name))", there != nil)
    case 1: return ("attribute_not_exists(\(name))", there == nil)
    case 2:
      let value = value()
      return number(2) == 0
        ? ("\(name) = \(placeholder(value))", there == value) : ("\(name) <> \(placeholder(value))", there != value)
    case 3:
      let bound = number(7) - 3
      let holds = if case .number(let n)? = there { n < bound } else { false }
      return ("\(name) < \(placeholder(.number(bound)))", holds)
    case 4:
      let prefix = ["a", "ab", "b"][number(3)]
      let holds = if case .text(let text)? = there { text.hasPrefix(prefix) } else { false }
      return ("begins_with(\(name), \(placeholder(.text(prefix))))", holds)
    default:
      let piece = ["a", "b", "ab"][number(3)]
      let holds =
        switch there {
        case .text(let text): text.contains(piece)
        case .texts(let texts): texts.contains(piece)
        default: false
        }
      return ("contains(\(name), \(placeholder(.text(piece))))", holds)
    }
  }
}


private func raw(_ json: JSON) -> RawJSON { RawJSON(json.bytes) }
private func item(_ json: JSON) throws -> Item { try ValueReader.item(raw(json)) }

struct ExpressionTests {
  @Test func `conditions hold when a naive reading of them does`() throws {
    var plain = Plain(random: SeededRandom(seed: 5))
    let cache = ExpressionCache()
    var held = 0
    for _ in 0..<3000 {
      plain.fill()
      var values: [Plain.Value] = []
      let (text, holds) = plain.condition(2, &values)
      let json = JSON.object(JSONObject(plain.item.map { ($0.key, $0.value.json) }))
      let given = JSON.object(JSONObject(values.enumerated().map { (":v\($0.offset)", $0.element.json) }))
      var substitutions = try Substitutions(names: nil, values: values.isEmpty ? nil : raw(given), hasExpressions: true)
      let condition: BoundCondition
      do {
        condition = try cache.condition(text, kind: "ConditionExpression", &substitutions)
      } catch let error as AWSError where error.message.contains("redundant parentheses") {
        continue
      }
      try substitutions.checkUnused()
      #expect(condition.holds(try item(json)) == holds, "\(text) \(json.text) \(given.text)")
      held += holds ? 1 : 0
    }
    #expect(held > 300)
  }

  private func updated(_ text: String, _ values: JSON, _ old: JSON) throws -> JSON {
    var substitutions = try Substitutions(names: nil, values: values == [:] ? nil : raw(values), hasExpressions: true)
    let update = try ExpressionCache().update(text, &substitutions)
    return try JSON.parse(ValueText.json(try update(item(old))).bytes)
  }

  @Test(arguments: [
    ("SET n = n + :a - :a", #"{":a":{"N":"2"}}"#, nil),
    ("SET n = n + :a", #"{":a":{"N":"2"}}"#, #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"3"},"s":{"SS":["a","b"]}}"#),
    ("SET a = n, n = :a", #"{":a":{"N":"2"}}"#, #"{"a":{"N":"1"},"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"2"},"s":{"SS":["a","b"]}}"#),
    ("REMOVE l[0], l[2]", "{}", #"{"l":{"L":[{"N":"2"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"1"},"s":{"SS":["a","b"]}}"#),
    ("REMOVE m.x, absent", "{}", #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{}},"n":{"N":"1"},"s":{"SS":["a","b"]}}"#),
    ("SET l[9] = :a, l[7] = n", #"{":a":{"N":"9"}}"#, #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"1"},{"N":"9"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"1"},"s":{"SS":["a","b"]}}"#),
    ("ADD s :s DELETE m.y :s", #"{":s":{"SS":["c","a"]}}"#, #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"1"},"s":{"SS":["a","b","c"]}}"#),
    ("DELETE s :s", #"{":s":{"SS":["a","b"]}}"#, #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"n":{"N":"1"}}"#),
    ("SET m.z = if_not_exists(m.x, :a), l = list_append(l, l)", #"{":a":{"N":"5"}}"#, #"{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"},"z":{"N":"1"}}},"n":{"N":"1"},"s":{"SS":["a","b"]}}"#),
  ] as [(String, String, String?)])
  func `every operand of an update sees the item as it was`(text: String, values: String, expected: String?) throws {
    let old = try JSON.parse(#"{"n":{"N":"1"},"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]},"m":{"M":{"x":{"N":"1"}}},"s":{"SS":["b","a"]}}"#)
    guard let expected else {
      #expect(throws: AWSError.self) { try updated(text, JSON.parse(values), old) }
      return
    }
    #expect(try updated(text, JSON.parse(values), old).text == expected)
  }

  private func projection(_ text: String) throws -> Projection {
    var substitutions = try Substitutions(names: nil, values: nil, hasExpressions: true)
    return try ExpressionCache().projection(text, &substitutions)
  }

  @Test func `an update does not nest deeper than an item may`() throws {
    func nested(_ levels: Int) -> JSON { (0..<levels).reduce(["S": ""]) { inner, _ in ["M": .object(JSONObject([("a", inner)]))] } }
    let text = "SET " + Array(repeating: "a", count: 31).joined(separator: ".") + " = b"
    #expect(try updated(text, [:], ["a": nested(31), "b": nested(1)])["b"] == nested(1))
    let error = #expect(throws: AWSError.self) { try updated(text, [:], ["a": nested(31), "b": nested(31)]) }
    #expect(error?.message.hasPrefix("Nesting Levels have exceeded supported limits") == true)
    for statement in ["INSERT INTO tab VALUE {'h': 'k', 'l': \(String(repeating: "[", count: 40) + String(repeating: "]", count: 40))}",
      "UPDATE tab SET l = \(String(repeating: "[", count: 40) + String(repeating: "]", count: 40)) WHERE h = 'k'"]
    {
      let error = #expect(throws: AWSError.self) { try StatementParser.parse(statement, []) }
      #expect(error?.message.hasPrefix("Nesting Levels have exceeded supported limits") == true)
    }
  }

  @Test func `a long piece that nearly fits everywhere is soon found or not`() {
    let text = String(repeating: "a", count: 200_000), piece = String(repeating: "a", count: 100_000)
    // Looked for at every place anew it would be billions of comparisons.
    #expect(!AttributeValue(string: text).contains(AttributeValue(string: piece + "b")))
    #expect(AttributeValue(string: text).contains(AttributeValue(string: piece)))
    #expect(AttributeValue(string: "abababac").contains(AttributeValue(string: "ababac")))
  }

  @Test(arguments: [
    ("a, b.c, a.d", "overlap", "[a]", "[a, d]"), ("b[0], a, b.c", "conflict", "[b, [0]]", "[b, c]"), ("a.b, c, a.b", "overlap", "[a, b]", "[a, b]"),
    ("a[1].x, a[1]", "overlap", "[a, [1], x]", "[a, [1]]"),
  ])
  func `paths that lie in each other are refused, the first two are named`(text: String, fault: String, one: String, two: String) {
    let error = #expect(throws: AWSError.self) { try projection(text) }
    #expect(error?.message.contains("Two document paths \(fault) with each other") == true)
    #expect(error?.message.hasSuffix("path one: \(one), path two: \(two)") == true)
  }

  @Test func `a projection finds many attributes and elements in any order`() throws {
    let names = (0..<400).map { "n\($0 * 7 % 400)" }
    var members: [(String, JSON)] = names.map { ($0, ["S": .string($0)]) }
    members.append(("l", ["L": .array((0..<9).map { ["N": .string(String($0))] })]))
    let wanted = names.filter { $0.hasSuffix("3") }
    let pick = try projection((wanted + ["l[7]", "l[0]", "l[30]", "nosuch"]).joined(separator: ","))
    let picked = pick(try item(.object(JSONObject(members))))
    #expect(Set(picked.attributes.map(\.name.utf8Text)) == Set(wanted + ["l"]))
    #expect(try JSON.parse(ValueText.json(picked).bytes)["l"] == ["L": [["N": "0"], ["N": "7"]]])
  }

  @Test(arguments: [
    ("a, b", #"{"a":{"N":"1"}}"#), ("m.x[1], m.x[0].q", #"{"m":{"M":{"x":{"L":[{"M":{"q":{"S":"q"}}},{"S":"two"}]}}}}"#), ("m.nothing", "{}"),
    ("a.b", "{}"),
  ])
  func `a projection keeps the paths that are there`(text: String, expected: String) throws {
    var substitutions = try Substitutions(names: nil, values: nil, hasExpressions: true)
    let projection = try ExpressionCache().projection(text, &substitutions)
    let whole = try item(JSON.parse(
      #"{"a":{"N":"1"},"m":{"M":{"x":{"L":[{"M":{"q":{"S":"q"},"r":{"S":"r"}}},{"S":"two"},{"S":"three"}]}}}}"#))
    #expect(ValueText.json(projection(whole)).bytes.utf8Text == expected)
  }

  @Test(arguments: [
    ("a = b AND", #"Syntax error; token: "<EOF>", near: "AND""#), ("a ! b", #"Syntax error; token: "!", near: "a !""#),
    ("a IN ()", #"Syntax error; token: ")", near: "()""#), ("a.status = b", "Attribute name is a reserved keyword; reserved keyword: status"),
    ("contains(a)", "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1"),
    ("a = contains(a, b)", "The function is not allowed to be used this way in an expression; function: contains"),
    (String(repeating: "(", count: 2000) + "a", "The expression has too many nested parentheses;"),
  ])
  func `a faulty condition is refused`(text: String, reason: String) {
    let error = #expect(throws: AWSError.self) { try Parser.condition(text, kind: "ConditionExpression") }
    #expect(error?.message == "Invalid ConditionExpression: " + reason)
  }
}

struct ValueTests {
  @Test(arguments: [
    #"{"a":{"S":"x\"\\\u00e9😀"},"b":{"N":"-1.5"},"c":{"B":"AP8="},"d":{"BOOL":true},"e":{"NULL":true}}"#,
    #"{"l":{"L":[{"S":""},{"M":{"k":{"L":[]}}}]},"m":{"M":{}},"s":{"SS":["a","b"]},"t":{"NS":["1","2.5"]},"u":{"BS":["AA==","AQ=="]}}"#,
  ])
  func `values come back as they were`(text: String) throws {
    let json = try JSON.parse(text)
    let again = try JSON.parse(ValueText.json(try item(json)).bytes)
    #expect(again.text == json.text)
  }

  @Test func `long values and many attributes are found by name`() throws {
    var members: [(String, JSON)] = []
    for n in 0..<300 { members.append(("attribute\(n)", ["S": .string(String(repeating: "x", count: n * 7))])) }
    let item = try item(.object(JSONObject(members.reversed())))
    for (name, value) in members { #expect(item[name]?.payload.count == value["S"]?.string?.utf8.count) }
    #expect(item["attribute"] == nil)
    #expect(item.size == members.reduce(0) { $0 + $1.0.utf8.count + ($1.1["S"]?.string?.utf8.count ?? 0) })
  }

  @Test(arguments: [
    #"{"a":"x"}"#, #"{"a":{"S":1}}"#, #"{"a":{"L":{}}}"#, #"{"a":{"B":"?"}}"#, #"["a"]"#, #"{"a":{"SS":["a",1]}}"#, #"{"a":{"M":[]}}"#, #"{"a" {"S":"x"}}"#,
    #"{"a":{"BOOL":"true"}}"#,
  ])
  func `what is not the JSON of a value is a serialization error`(text: String) {
    let error = #expect(throws: AWSError.self) { try ValueReader.item(RawJSON(Array(text.utf8))) }
    #expect(error?.code == "SerializationException")
  }

  @Test func `keys compare as their values do`() throws {
    let texts = ["", "a", "a\u{0}", "a\u{0}b", "a\u{1}", "ab", "b", "é", "😀"]
    func bytes(_ value: AttributeValue) -> [UInt8] {
      var out: [UInt8] = []
      KeyBytes.append(value, to: &out)
      return out
    }
    for (a, b) in zip(texts, texts.dropFirst()) {
      #expect(bytes(AttributeValue(string: a)).lexicographicallyPrecedes(bytes(AttributeValue(string: b))))
      #expect(!bytes(AttributeValue(string: b)).starts(with: bytes(AttributeValue(string: a))))
    }
  }
}
