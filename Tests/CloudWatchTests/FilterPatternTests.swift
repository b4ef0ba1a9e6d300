import Testing

@testable import CloudWatch

struct PatternCase: Sendable, CustomTestStringConvertible {
  var pattern: String
  var matching: [String]
  var other: [String]
  init(_ pattern: String, _ matching: [String], not other: [String]) {
    (self.pattern, self.matching, self.other) = (pattern, matching, other)
  }
  var testDescription: String { pattern }
}

private func check(_ c: PatternCase) throws {
  let pattern = try FilterPattern(c.pattern)
  for message in c.matching { #expect(pattern.matches(Array(message.utf8)), "\(c.pattern) must match \(message)") }
  for message in c.other { #expect(!pattern.matches(Array(message.utf8)), "\(c.pattern) must not match \(message)") }
}

@Test(arguments: [
  PatternCase("", ["", "anything"], not: []),
  PatternCase("  ", ["anything"], not: []),
  PatternCase("ERROR", ["[ERROR] x", "an ERRORCODE: -1", "ERROR"], not: ["error", "ERRO R", ""]),
  PatternCase("ERROR ARGUMENTS", ["ARGUMENTS ERROR"], not: ["ERROR", "ARGUMENTS"]),
  PatternCase("?ERROR ?WARN", ["an ERROR", "a WARN"], not: ["INFO"]),
  PatternCase("ERROR -EXIT", ["ERROR"], not: ["ERROR EXIT", "EXIT", "x"]),
  PatternCase("-EXIT", ["ERROR", ""], not: ["EXIT"]),
  PatternCase("?ERROR ?WARN INFO", ["INFO", "INFO ERROR"], not: ["ERROR"]),
  PatternCase(#""INTERNAL SERVER""#, ["x INTERNAL SERVER y"], not: ["INTERNAL  SERVER", "SERVER INTERNAL"]),
  PatternCase(#"ERROR -"exit code 0""#, ["ERROR exit code 1"], not: ["ERROR exit code 0"]),
  PatternCase(#"?"a.b" ?"c-d""#, ["a.b", "c-d"], not: ["a-b"]),
  PatternCase(#""say \"hi\"""#, [#"say "hi""#], not: ["say hi"]),
  PatternCase(#""C:\dir""#, [#"in C:\dir"#], not: ["C:dir"]),
  PatternCase("größe", ["die größe"], not: ["die grosse"]),
  PatternCase("%ERROR%", ["an ERROR"], not: ["error"]),
  PatternCase("%4[0-9]{2}% -%404%", ["code 403"], not: ["code 404", "code 4"]),
])
func `plain terms are found anywhere, with case, and combine as AWS says`(_ c: PatternCase) throws { try check(c) }

@Test(arguments: [
  PatternCase("%^ab+c$%", ["abc", "abbbc", "abc\n"], not: ["xabc", "abcx", "ac", "abc\nx"]),
  PatternCase("%gr[ae]y|colou?r%", ["gray", "grey", "color", "colour"], not: ["groy", "colouur"]),
  PatternCase(#"%10\.10\.0\.1%"#, ["ip 10.10.0.1"], not: ["10x10.0.1"]),
  PatternCase("%[^a-c]%", ["d", "abd"], not: ["abc", ""]),
  PatternCase(#"%\d{3}-\d{2,3}%"#, ["123-45", "x123-456y"], not: ["12-45", "123-4"]),
  PatternCase(#"%\w+\s\S+%"#, ["a b"], not: ["a"]),
  PatternCase("%a{2,}%", ["aa", "baaa"], not: ["a", "aba"]),
  PatternCase("%a.c%", ["abc", "a c"], not: ["ac", "a\nc"]),
  PatternCase("%x*%", ["", "y"], not: []),
  PatternCase(#"%\x28\x29%"#, ["f()"], not: ["f"]),
  PatternCase("%^%", ["", "a"], not: []),
  PatternCase("%[a-]b%", ["-b", "ab"], not: ["cb"]),
])
func `regular expressions follow the supported subset`(_ c: PatternCase) throws { try check(c) }

private let access = #"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#
private let ok = #"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /image.gif HTTP/1.0" 200 934"#

@Test(arguments: [
  PatternCase("[ip, id, user, time, request, status, bytes]", [access, ok, access + "\n"], not: ["a b c"]),
  PatternCase("[ip, id, user, time, request, status = 404, bytes]", [access], not: [ok]),
  PatternCase("[ip, id, user, time, request, status = 4*, bytes > 1000]", [access], not: [ok]),
  PatternCase("[ip, id, user, time, request = *html*, status = 4*, bytes]", [access], not: [ok]),
  PatternCase("[..., status = 404 || status = 410, bytes]", [access], not: [ok]),
  PatternCase("[..., bytes <= 934]", [ok], not: [access, "a"]),
  PatternCase("[ip = 127.*, ...]", [access, ok], not: ["10.0.0.1 x"]),
  PatternCase("[ip, ..., bytes = 1534]", [access], not: [ok]),
  PatternCase(#"[ip, id, user, time, request = "GET /image.gif*", ...]"#, [ok], not: [access]),
  PatternCase("[w1 = ERROR, w2]", ["ERROR now"], not: ["ERROR", "ERROR a b", "WARN now"]),
  PatternCase("[w1 != ERROR && w1 != WARN, w2]", ["INFO x"], not: ["ERROR x", "WARN x"]),
  PatternCase("[(w1 = a || w1 = b) && w1 != a, w2]", ["b x"], not: ["a x", "c x"]),
  PatternCase("[w1 = %^[0-9]+$%, w2]", ["12 x"], not: ["1a x"]),
  PatternCase("[n >= 1e3]", ["1000", "1001.5"], not: ["999", "abc"]),
  PatternCase("[n = 5]", ["5", "5.0"], not: ["55"]),
  PatternCase("[ERROR]", ["one", "[one two]"], not: ["one two"]),
  PatternCase("[a, b, c]", ["[ [ x", "[one two] \"x y\" [", "] [a \"", "\"a\" \"b c"], not: ["[ x] y", "\"a b\" c"]),
])
func `space-delimited patterns test fields`(_ c: PatternCase) throws { try check(c) }

private let trail = #"""
  {"eventType":"UpdateTrail","source":"111.111.111.111","list":["a",{"x":null,"flag":true}],"n":3,"f":1.5,
   "user":{"id":1,"name":"Ann Lee"},"on":true,"off":false,"gone":null,"code":"400","a.b":7}
  """#

@Test(arguments: [
  (#"{ $.eventType = "UpdateTrail" }"#, true), (#"{$.eventType="UpdateTrail"}"#, true), (#"{ $.eventType = UpdateTrail }"#, true),
  (#"{ $.eventType = "update*" }"#, false), (#"{ $.eventType = "*Trail" }"#, true), (#"{ $.eventType = "U*T*l" }"#, true),
  (#"{ $.eventType != "UpdateTrail" }"#, false), (#"{ $.source != 123.123.* }"#, true), (#"{ $.source = 111.* }"#, true),
  ("{ $.n = 3 }", true), ("{ $.n >= 3 }", true), ("{ $.n > 3 }", false), ("{ $.n < 3.5 }", true), ("{ $.n <= 2e0 }", false),
  ("{ $.f = 1.5 }", true), ("{ $.f != 1.5 }", false), ("{ $.n = 30e-1 }", true), ("{ $.code = 400 }", true),
  ("{ $.code > 100 }", false), ("{ $.code = 4* }", true), ("{ $.user.id = 1 }", true), (#"{ $.user.name = "Ann *" }"#, true),
  (#"{ $.list[0] = "a" }"#, true), ("{ $.list[1].x IS NULL }", true), ("{ $.list[2] IS NULL }", false),
  ("{ $.list[1].flag IS TRUE }", true), ("{ $.list[*].flag IS TRUE }", true), (#"{ $.list = "a" }"#, false),
  ("{ $.on IS TRUE }", true), ("{ $.on IS FALSE }", false), ("{ $.off IS FALSE }", true), ("{ $.gone IS NULL }", true),
  ("{ $.gone NOT EXISTS }", false), ("{ $.missing NOT EXISTS }", true), ("{ $.n NOT EXISTS }", false), ("{ $.n EXISTS }", true),
  ("{ $.missing IS NULL }", false), (#"{ $.missing != "x" }"#, false), ("{ $.user IS NULL }", false),
  (#"{ $.['a.b'] = 7 }"#, true), (#"{ $.user.* = 1 }"#, true), ("{ $.source = %^111\\.1{3}% }", true),
  ("{ $.source = %222% }", false),
  (#"{ $.n = 3 && $.on IS TRUE }"#, true), (#"{ $.n = 4 || $.on IS TRUE }"#, true), (#"{ $.n = 4 && $.on IS TRUE }"#, false),
  (#"{ ($.n = 4 || $.n = 3) && ($.off IS FALSE) }"#, true), (#"{ $.n = 4 || $.n = 3 && $.off IS TRUE }"#, false),
  (#"{ $.eventType = "x\*" }"#, false), ("{ $.on = true }", true), (#"{ $.eventType = "" }"#, false),
])
func `JSON patterns test properties`(_ pattern: String, _ expected: Bool) throws {
  #expect(try FilterPattern(pattern).matches(Array(trail.utf8)) == expected)
}

@Test func `a JSON pattern selects no message that is not an object`() throws {
  let pattern = try FilterPattern("{ $.a NOT EXISTS }")
  for message in ["", "text", "[1]", "1", #"{"a":"#, #"{"b":1} trailing"#] { #expect(!pattern.matches(Array(message.utf8))) }
  #expect(pattern.matches(Array("  {}\n".utf8)))
}

@Test(arguments: [
  "{", "{}", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a = 1 } x", "{ $.a = 1 &&", "{ ($.a = 1 }", "{ $.a > b }", "{ $.a IS x }",
  "{ $.a[ = 1 }", "{ $. = 1 }", "{ $.a NOT x }", #"{ $.a = "open }"#, "{ $.a = %(x)% }", "[", "[a", "[a,]", "[a = ]",
  "[..., ...]",
  "[a = 1, b = 2 || c = 3]", "[]", #""open"#, "%open", "%(a)%", "%a!%", "%[%", "%[]%", "%a{3,1}%", "%a{9999}%", "%*%", "%a$b%",
  "?", "-", "a ? b", "%%", #"{ $.a = %a% || $.b = %b% || $.c = %c% }"#, "{ $.a[*].b[*].c[*].d[*] = 1 }",
  String(repeating: "(", count: 60),
  "{ " + String(repeating: "(", count: 60) + "$.a = 1" + String(repeating: ")", count: 60) + " }",
  String(repeating: "a", count: 1025),
])
func `a pattern that breaks the syntax is refused`(_ pattern: String) {
  #expect(throws: InvalidFilterPattern.self) { try FilterPattern(pattern) }
}

@Test func `an unquoted term with symbols is refused by name`() {
  #expect(throws: InvalidFilterPattern(reason: "Invalid character(s) in term 'a@b.c'")) { try FilterPattern("x a@b.c") }
  #expect(throws: InvalidFilterPattern(reason: "Invalid filter pattern")) { try FilterPattern("{ $.a }") }
}

@Test func `hostile patterns cost no more than length times states`() throws {
  let message = [UInt8](repeating: UInt8(ascii: "a"), count: 20_000)
  #expect(try !FilterPattern("%" + String(repeating: "a*", count: 100) + "b%").matches(message))
  #expect(try !FilterPattern("[w = \"" + String(repeating: "*a", count: 300) + "*b\"]").matches(message))
}

@Test(arguments: [
  ("ERROR", (0..<160).map { _ in "ERROR" }.joined(separator: " ")), ("%a%", "%a{0,200}%"),
  ("{ $.a = 1 }", "{ " + (0..<80).map { _ in "$.a = 1" }.joined(separator: " || ") + " }"), ("[a]", "[a = %b{0,200}%]"),
])
func `a pattern that looks at a message many times uses up the budget of a search sooner`(simple: String, dear: String) throws {
  #expect(try FilterPattern(dear).weight > FilterPattern(simple).weight + 8)
}

@Test func `a term that nearly occurs everywhere is found where it occurs`() throws {
  let pattern = try FilterPattern(String(repeating: "a", count: 500) + "b")
  let message = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
  #expect(!pattern.matches(message))
  #expect(pattern.matches(message + [UInt8(ascii: "b")]))
  #expect(!pattern.matches([]))
}
