import Base
import Testing

@Test(arguments: [
  ("null", JSON.null), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("42", 42), ("-7", -7), ("1.5", 1.5), ("1e2", 100.0),
  ("-2.5E-1", -0.25), ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
  ("9223372036854775808", .number("9223372036854775808")), ("-9223372036854775809", .number("-9223372036854775809")),
  ("0.12345678901234567890", .number("0.12345678901234567890")), ("1e400", .number("1e400")), ("1e-400", .number("1e-400")),
  ("0e-400", .double(0)), ("\"\"", ""),
  ("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\u{8}\u{c}\n\r\t"), ("\"\\u0041\\u00e9\"", "Aé"),
  ("\"\\ud83d\\ude00\"", "😀"), ("\"\\ud83d\"", "\u{FFFD}"), ("\"\\ude00x\"", "\u{FFFD}x"), ("\"\\ud83d\\u0041\"", "\u{FFFD}A"),
  ("\"\\ud83d\\ud83d\\ude00\"", "\u{FFFD}😀"), ("\"\\u0000\"", "\0"), ("\"é😀\"", "é😀"), ("[]", []), ("[ ]", []), ("{}", [:]),
  ("{ }", [:]), ("[1,[2,{\"a\":null}]]", [1, [2, ["a": nil]]]), ("{\"a\":1,\"b\":2,\"a\":3}", ["a": 3, "b": 2]),
  ("\t\r\n {\"\" : [ ] }\n", ["": []]),
] as [(String, JSON)])
func `text is read as its value`(_ text: String, _ value: JSON) throws {
  #expect(try JSON.parse(text) == value)
  #expect(throws: Never.self) { try JSON.check(Array(text.utf8)) }
}

@Test(arguments: [
  "", " ", "nul", "nulll", "True", "tru", "fals", "+1", "01", "-", "-a", "1.", ".5", "1e", "1e+", "0x10", "1_000", "NaN", "Infinity",
  "\"", "\"\\", "\"\\u", "\"\\u12", "\"\\u12g4\"", "\"\\x41\"", "\"a\nb\"", "\"\u{1}\"", "'a'", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
  "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{1:2}", "{\"a\":1}}", "1 2", "// c\n1",
  "\"\\ud83d\\u\"", "\u{FEFF}1",
])
func `what is not JSON is refused`(_ text: String) {
  #expect(throws: JSONError.self) { try JSON.parse(text) }
  #expect(throws: JSONError.self) { try JSON.check(Array(text.utf8)) }
}

@Test(arguments: [
  [0x22, 0xff, 0x22], [0x22, 0xc3, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0x5c, 0x6e, 0xff, 0x22],
] as [[UInt8]])
func `ill-formed UTF-8 is refused`(_ bytes: [UInt8]) {
  #expect(throws: JSONError.self) { try JSON.parse(bytes) }
}

@Test func `nesting has a limit and never ends the process`() throws {
  let limit = JSONScanner.maximumDepth
  let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
  #expect(throws: Never.self) { try JSON.parse(deepest) }
  for (open, count) in [("[", limit + 1), ("[", 1_000_000), ("{\"a\":", 1_000_000), ("[{\"a\":", 500_000)] {
    let text = String(repeating: open, count: count)
    #expect(throws: JSONError.self) { try JSON.parse(text) }
    #expect(throws: JSONError.self) { try JSON.check(Array(text.utf8)) }
  }
  // Depth counts what is open, not what has been.
  #expect(try JSON.parse("[" + Array(repeating: "[]", count: 1000).joined(separator: ",") + "]").array?.count == 1000)
}

@Test func `a text cut at any byte is refused and any changed byte is survived`() throws {
  let text = #"{"a":[1,-2.5e3,true,false,null,"x\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"],"b":{"c":{},"d":[]},"e":12345678901234567890}"#
  let bytes = Array(text.utf8)
  #expect(throws: Never.self) { try JSON.parse(bytes) }
  for end in bytes.indices { #expect(throws: JSONError.self) { try JSON.parse(Array(bytes[..<end])) } }
  let random = SeededRandom(seed: 99)
  for _ in 0..<20_000 {
    var damaged = bytes
    for change in random.bytes(3) { damaged[Int(random.number(below: UInt64(bytes.count)))] = change }
    // What can be read can be written and read again.
    guard let value = try? JSON.parse(damaged) else { continue }
    #expect(try JSON.parse(value.bytes) == value)
  }
}

@Test func `every value survives writing and reading`() throws {
  var source = JSONSource(random: SeededRandom(seed: 4242))
  for _ in 0..<3000 {
    let value = source.value(depth: 0)
    #expect(try JSON.parse(value.bytes) == value)
    #expect(try JSON.parse(value.text) == value)
  }
}

/// Values of every kind, with the ends of each range more often than chance would have them.
private struct JSONSource {
  let random: SeededRandom
  func below(_ bound: UInt64) -> Int { Int(random.number(below: bound)) }

  mutating func value(depth: Int) -> JSON {
    switch below(depth > 4 ? 6 : 8) {
    case 0: .null
    case 1: .bool(below(2) == 0)
    case 2: .int([0, 1, -1, .max, .min, .max - 1][below(6)])
    case 3: .int(Int64(truncatingIfNeeded: random.number(below: .max)))
    case 4: .double([0.5, -1e300, .leastNonzeroMagnitude, 1e15, 123456.789, -0.1, 1e21, Double(below(1 << 50)) / 1024][below(8)])
    case 5: .string(text())
    case 6: .array((0..<below(5)).map { _ in value(depth: depth + 1) })
    default: .object(JSONObject((0..<below(5)).map { ("\($0)" + text(), value(depth: depth + 1)) }))
    }
  }
  func text() -> String {
    let alphabet: [Unicode.Scalar] = ["a", "\"", "\\", "/", "\n", "\0", "\u{1f}", "\u{7f}", "é", "\u{2028}", "😀", "\u{10FFFF}"]
    var text = String.UnicodeScalarView()
    for _ in 0..<below(12) { text.append(alphabet[below(12)]) }
    return String(text)
  }
}

@Test(arguments: [
  (JSON.double(1), "1.0"), (.double(-0.5), "-0.5"), (.double(.nan), "\"NaN\""), (.double(.infinity), "\"Infinity\""),
  (.double(-.infinity), "\"-Infinity\""), (.number("1E400"), "1E400"), ("a\u{1}\"\\\n\r\t/é", #""a\u0001\"\\\n\r\t/é""#),
  (["b": 1, "a": [nil, true]], #"{"b":1,"a":[null,true]}"#), ([], "[]"), ([:], "{}"),
] as [(JSON, String)])
func `values are written compactly and in their order`(_ value: JSON, _ text: String) {
  #expect(value.text == text)
}

@Test(arguments: [(0, "0"), (1500, "1.5"), (1001, "1.001"), (1_795_234_920_120, "1795234920.12"), (-1, "-0.001"), (-2000, "-2")] as [(Int64, String)])
func `epoch seconds never have an exponent`(_ milliseconds: Int64, _ text: String) throws {
  var writer = JSONWriter()
  writer.epochSeconds(Instant(milliseconds: milliseconds))
  #expect(Double(writer.bytes.utf8Text) == Double(text))
  #expect(!writer.bytes.utf8Text.contains("e"))
}

@Test func `members are found by name and places by number`() throws {
  let value = try JSON.parse(#"{"list":[1,"two",3.5],"flag":true}"#)
  #expect(value["list"]?[0]?.int == 1)
  #expect(value["list"]?[1]?.string == "two")
  #expect(value["list"]?[2]?.double == 3.5)
  #expect(value["list"]?[2]?.int == nil)
  #expect(value["list"]?[9] == nil)
  #expect(value["flag"]?.bool == true)
  #expect(value["none"] == nil)
  #expect(JSON.double(3).int == 3)
  #expect(JSON.double(1e300).int == nil)
  #expect(JSON.int(3) == .double(3))
}

@Test func `an object keeps its order, and equality does not mind it`() {
  var object = JSONObject([("a", 1), ("b", 2)])
  object["c"] = 3
  object["a"] = 9
  object["b"] = nil
  #expect(object.names == ["a", "c"])
  #expect(JSON.object(object) == ["c": 3, "a": 9])
  #expect(JSON.object(object) != ["c": 3, "a": 8])
  #expect(JSON.object(object) != ["c": 3])
}

@Test func `many names in one object cost no more than their count`() throws {
  let text = "{" + (0..<20_000).map { "\"n\($0)\":\($0)" }.joined(separator: ",") + ",\"n0\":-1}"
  let object = try #require(try JSON.parse(text).object)
  #expect(object.count == 20_000)
  #expect(object["n0"] == -1)
}

@Test func `names and strings are told apart by their bytes, not by how they look`() throws {
  let text = "{\"\u{e9}\":1,\"e\u{301}\":2}"
  let value = try JSON.parse(text)
  #expect(value.object?.count == 2)
  #expect(value["\u{e9}"] == 1)
  #expect(value["e\u{301}"] == 2)
  #expect(value.text.utf8.elementsEqual(text.utf8))
  #expect(JSON.string("\u{e9}") != JSON.string("e\u{301}"))
}

@Test func `large objects are compared without regard to order, too`() throws {
  let members = (0..<1000).map { ("n\($0)", JSON($0)) }
  #expect(JSON.object(JSONObject(members)) == JSON.object(JSONObject(members.reversed())))
  #expect(JSON.object(JSONObject(members)) != JSON.object(JSONObject(members.dropLast() + [("n999", 0)])))
  #expect(JSON.object(JSONObject(members)) != JSON.object(JSONObject(members.dropLast() + [("m", 999)])))
}

@Test func `a scanner goes along and passes over what it does not want`() throws {
  let bytes = Array(#"{"skip":{"deep":[1,{"x":"}"}]},"take":[true,null,"s",-1]}"#.utf8)
  var seen: [String] = []
  try bytes.withUnsafeBufferPointer { buffer in
    var scanner = JSONScanner(buffer)
    try scanner.object { name, scanner in
      guard name == "take" else { return try scanner.skip() }
      try scanner.array { scanner in
        switch try scanner.peek() {
        case .bool: seen.append("\(try scanner.bool())")
        case .null: try scanner.null(); seen.append("null")
        case .string: seen.append(try scanner.string())
        default: seen.append("\(try scanner.number())")
        }
      }
    }
    try scanner.end()
  }
  #expect(seen == ["true", "null", "s", "int(-1)"])
}
