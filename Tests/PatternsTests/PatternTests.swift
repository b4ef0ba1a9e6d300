import Base
import Testing

@testable import Patterns

/// Pattern, event, whether it matches.
private let cases: [(String, String, Bool)] = [
  // Exact values
  (#"{"a":["x"]}"#, #"{"a":"x","b":1}"#, true),
  (#"{"a":["x"]}"#, #"{"a":"X"}"#, false),
  (#"{"a":["x","y"]}"#, #"{"a":"y"}"#, true),
  (#"{"a":["x"],"b":["y"]}"#, #"{"a":"x","b":"z"}"#, false),
  (#"{"a":[1]}"#, #"{"a":1}"#, true),
  (#"{"a":[300]}"#, #"{"a":300.0}"#, false),
  (#"{"a":[1]}"#, #"{"a":"1"}"#, false),
  (#"{"a":[null]}"#, #"{"a":null}"#, true),
  (#"{"a":[null]}"#, #"{}"#, false),
  (#"{"a":[true,""]}"#, #"{"a":""}"#, true),
  (#"{"a":{"b":["x"]}}"#, #"{"a":{"b":"x"}}"#, true),
  (#"{"a":{"b":["x"]}}"#, #"{"a":"x"}"#, false),
  (#"{"a":["x"]}"#, #"{"a":{"x":"x"}}"#, false),
  // A name that comes twice: the last one counts
  (#"{"a":["x"],"a":["y"]}"#, #"{"a":"y"}"#, true),
  // Lists
  (#"{"a":["x"]}"#, #"{"a":["y","x"]}"#, true),
  (#"{"a":["x"]}"#, #"{"a":[]}"#, false),
  (#"{"a":{"b":["x"],"c":["y"]}}"#, #"{"a":[{"b":"x","c":"y"}]}"#, true),
  (#"{"a":{"b":["x"],"c":["y"]}}"#, #"{"a":[{"b":"x","c":"n"},{"b":"m","c":"y"}]}"#, false),
  // Texts
  (#"{"a":[{"prefix":"ab"}]}"#, #"{"a":"abc"}"#, true),
  (#"{"a":[{"prefix":"ab"}]}"#, #"{"a":"ABC"}"#, false),
  (#"{"a":[{"prefix":{"equals-ignore-case":"ab"}}]}"#, #"{"a":"ABC"}"#, true),
  (#"{"a":[{"suffix":".png"}]}"#, #"{"a":"x.png"}"#, true),
  (#"{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}"#, #"{"a":"x.png"}"#, true),
  (#"{"a":[{"equals-ignore-case":"Grün"}]}"#, #"{"a":"GRÜN"}"#, true),
  (#"{"a":[{"prefix":"1"}]}"#, #"{"a":12}"#, false),
  // Wildcards
  (#"{"a":[{"wildcard":"a*c"}]}"#, #"{"a":"abbbc"}"#, true),
  (#"{"a":[{"wildcard":"a*c"}]}"#, #"{"a":"ac"}"#, true),
  (#"{"a":[{"wildcard":"a*c"}]}"#, #"{"a":"acd"}"#, false),
  (#"{"a":[{"wildcard":"*ab*ab*"}]}"#, #"{"a":"xaabab"}"#, true),
  (#"{"a":[{"wildcard":"aba*aba"}]}"#, #"{"a":"ababa"}"#, false),
  (#"{"a":[{"wildcard":"a\\*b"}]}"#, #"{"a":"a*b"}"#, true),
  (#"{"a":[{"wildcard":"a\\*b"}]}"#, #"{"a":"axb"}"#, false),
  (#"{"a":[{"wildcard":"*abcdefghijklmnopqrstuvwxyz0123456789"}]}"#, #"{"a":"abcdefghijklmnopqrstuvwxyz0123456789"}"#, true),
  // Anything but
  (#"{"a":[{"anything-but":"x"}]}"#, #"{"a":"y"}"#, true),
  (#"{"a":[{"anything-but":"x"}]}"#, #"{"a":"x"}"#, false),
  (#"{"a":[{"anything-but":"x"}]}"#, #"{}"#, false),
  (#"{"a":[{"anything-but":[1,2]}]}"#, #"{"a":2}"#, false),
  (#"{"a":[{"anything-but":[1,2]}]}"#, #"{"a":3}"#, true),
  (#"{"a":[{"anything-but":1}]}"#, #"{"a":1.0}"#, false),
  (#"{"a":[{"anything-but":1}]}"#, #"{"a":"1"}"#, true),
  (#"{"a":[{"anything-but":1}]}"#, #"{"a":null}"#, true),
  (#"{"a":[{"anything-but":{"prefix":"x"}}]}"#, #"{"a":"xy"}"#, false),
  (#"{"a":[{"anything-but":{"suffix":["x","y"]}}]}"#, #"{"a":"ay"}"#, false),
  (#"{"a":[{"anything-but":{"equals-ignore-case":["x"]}}]}"#, #"{"a":"X"}"#, false),
  (#"{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#, #"{"a":"usr/lib/x"}"#, false),
  (#"{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}"#, #"{"a":"usr/bin"}"#, true),
  // Numbers
  (#"{"a":[{"numeric":[">",0,"<=",5]}]}"#, #"{"a":5}"#, true),
  (#"{"a":[{"numeric":[">",0,"<=",5]}]}"#, #"{"a":0}"#, false),
  (#"{"a":[{"numeric":["=",300]}]}"#, #"{"a":300.0}"#, true),
  (#"{"a":[{"numeric":["<",10]}]}"#, #"{"a":"9"}"#, false),
  (#"{"a":[{"numeric":[">=",1.5]}]}"#, #"{"a":[1,2]}"#, true),
  // Existence
  (#"{"a":[{"exists":true}]}"#, #"{"a":null}"#, true),
  (#"{"a":[{"exists":true}]}"#, #"{"a":{"b":1}}"#, false),
  (#"{"a":[{"exists":true}]}"#, #"{"a":[]}"#, false),
  (#"{"a":[{"exists":false}]}"#, #"{"b":1}"#, true),
  (#"{"a":{"b":[{"exists":false}]}}"#, #"{"c":1}"#, true),
  (#"{"a":{"b":[{"exists":false}]}}"#, #"{"a":{"b":0}}"#, false),
  // Addresses
  (#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.0.255"}"#, true),
  (#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.1.0"}"#, false),
  (#"{"a":[{"cidr":"10.0.0.0/0"}]}"#, #"{"a":"200.1.1.1"}"#, true),
  (#"{"a":[{"cidr":"10.1.2.3/32"}]}"#, #"{"a":"10.1.2.3"}"#, true),
  (#"{"a":[{"cidr":"2001:db8::/33"}]}"#, #"{"a":"2001:db8:7fff::1"}"#, true),
  (#"{"a":[{"cidr":"2001:db8::/33"}]}"#, #"{"a":"2001:db8:8000::1"}"#, false),
  (#"{"a":[{"cidr":"::ffff:1.2.3.0/120"}]}"#, #"{"a":"::ffff:1.2.3.4"}"#, true),
  (#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.0.256"}"#, false),
  // Alternatives
  (#"{"$or":[{"a":["x"]},{"b":["y"]}]}"#, #"{"b":"y"}"#, true),
  (#"{"$or":[{"a":["x"]},{"b":["y"]}]}"#, #"{"b":"z"}"#, false),
  (#"{"c":[1],"$or":[{"a":["x"]},{"b":["y"]}]}"#, #"{"b":"y"}"#, false),
  (#"{"d":{"$or":[{"a":[{"numeric":[">",10]}]},{"b":["y"]}]}}"#, #"{"d":{"a":11}}"#, true),
  (#"{"$or":["x"]}"#, #"{"$or":"x"}"#, true),
]

@Test(arguments: cases)
func `an event matches its pattern as on AWS`(pattern: String, event: String, isMatch: Bool) throws {
  #expect(try EventPattern(pattern).matches(JSON.parse(event)) == isMatch, "\(pattern) on \(event)")
}

private let invalid: [(String, String)] = [
  ("[]", "Filter is not an object"),
  ("{}", "Empty objects are not allowed"),
  (#"{"a":"x"}"#, #""a" must be an object or an array"#),
  (#"{"a":[]}"#, "Empty arrays are not allowed"),
  (#"{"a":[["x"]]}"#, "Match value must be String, number, true, false, or null"),
  (#"{"a":[{"Prefix":"x"}]}"#, "Unrecognized match type Prefix"),
  (#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression"),
  (#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
  (#"{"a":[{"wildcard":"a**b"}]}"#, "Consecutive wildcard characters at pos 1"),
  (#"{"a":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 2"),
  (#"{"a":[{"anything-but":[null]}]}"#, "Inside anything but list, start|null|boolean is not supported."),
  (#"{"a":[{"anything-but":true}]}"#, "Value of anything-but must be an array or single string/number value."),
  (
    #"{"a":[{"anything-but":["x",1]}]}"#,
    "Inside anything but list, either all values are number or string, mixed type is not supported"
  ),
  (#"{"a":[{"numeric":["<","x"]}]}"#, "Value of < must be numeric"),
  (#"{"a":[{"numeric":["<"]}]}"#, "Value of < must be numeric"),
  (#"{"a":[{"numeric":[">",1,">",2]}]}"#, "Bad numeric range operator: >"),
  (#"{"a":[{"numeric":["!",1]}]}"#, "Unrecognized numeric range operator: !"),
  (#"{"a":[{"numeric":[">",2,"<",1]}]}"#, "Bottom must be less than top"),
  (#"{"a":[{"exists":"x"}]}"#, "exists match pattern must be either true or false."),
  (#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
  (#"{"a":[{"cidr":5}]}"#, "prefix match pattern must be a string"),
  (#"{"a":[{"cidr":"10.0.0.0/33"}]}"#, "Malformed CIDR, invalid address or mask bits: 10.0.0.0/33"),
  (#"{"a":[{}]}"#, "Match expression name not found"),
  (#"{"a":[{"exists":true,"x":1}]}"#, "Only one key allowed in match expression"),
  (#"{"a":[{"anything-but":"x","y":1}]}"#, "Too many elements in numeric expression"),
  (#"{"a":[{"anything-but":{"prefix":"x","y":1}}]}"#, "Too many elements in numeric expression"),
  (#"{"a":[{"anything-but":{"prefix":""}}]}"#, "Null prefix/suffix not allowed"),
  (#"{"a":[{"anything-but":{"suffix":["x",1]}}]}"#, "prefix/suffix match pattern must be a string"),
  (#"{"a":[{"anything-but":{"wildcard":7}}]}"#, "wildcard match pattern must be a string"),
  (
    #"{"a":[{"anything-but":{"equals-ignore-case":[7]}}]}"#,
    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
  ),
  (#"{"a":[{"anything-but":{"exists":"x"}}]}"#, "Unsupported anything-but pattern: exists"),
  (#"{"a":[{"anything-but":{"prefix":null}}]}"#, "Value of anything-but must be an array or single string/number value."),
  (#"{"a":[{"prefix":{"wildcard":"x"}}]}"#, "Unsupported prefix pattern: wildcard"),
  (#"{"a":[{"suffix":{"equals-ignore-case":5}}]}"#, "equals-ignore-case match pattern must be a string"),
  (#"{"a":[{"prefix":{"equals-ignore-case":"x","y":"z"}}]}"#, "Only one key allowed in match expression"),
  (#"{"a":[{"numeric":5}]}"#, "Value of numeric must be an array."),
  (#"{"a":[{"numeric":[5]}]}"#, "Invalid member in numeric match: 5"),
  (#"{"a":[{"numeric":["=","x"]}]}"#, "Value of equals must be numeric"),
  (#"{"a":[{"numeric":["=",1,"<",2]}]}"#, "Too many elements in numeric expression"),
  (#"{"a":[{"numeric":["<",1,">",2]}]}"#, "Too many elements in numeric expression"),
  (#"{"a":[{"numeric":[">",1,5]}]}"#, "Bad value in numeric range: 5"),
  (#"{"a":[{"numeric":[">",1,"<"]}]}"#, "Value of < must be numeric"),
  (#"{"a":[{"numeric":[">",1,"<",2,"<",3]}]}"#, "Too many terms in numeric range expression"),
  (#"{"a":[{"wildcard":"*a*a*a*a*a*a*a*a*a*a*a*"}]}"#, tooComplex),
  (#"{"a":[{"wildcard":"*aaaaaaaaaaaa"}]}"#, tooComplex),
  (#"{"a":[{"wildcard":"*1"},{"wildcard":"*2"},{"wildcard":"*3"},{"wildcard":"*4"},{"wildcard":"*5"},{"wildcard":"*6"}]}"#, tooComplex),
]
private let tooComplex =
  "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"

@Test(arguments: invalid)
func `what is no pattern is refused with AWS's reason`(pattern: String, reason: String) {
  let error = #expect(throws: PatternError.self) { try EventPattern(pattern) }
  #expect(error?.reason == reason)
}

@Test(arguments: ["", "{", "nonsense", String(repeating: #"{"a":"#, count: 100_000)])
func `text that is no JSON is refused`(text: String) {
  #expect(throws: PatternError.self) { try EventPattern(text) }
}

@Test func `filters know no wildcards and only values in anything-but`() throws {
  for operators in [#"{"wildcard":"a*"}"#, #"{"anything-but":{"prefix":"a"}}"#] {
    _ = try EventPattern(#"{"a":[\#(operators)]}"#)
    #expect(throws: PatternError.self) { try EventPattern(#"{"a":[\#(operators)]}"#, dialect: .filter) }
  }
  _ = try EventPattern(#"{"a":[{"anything-but":["x"]}]}"#, dialect: .filter)
}

@Test func `a thousand combinations of alternatives are allowed, and no more`() throws {
  func pattern(_ counts: [Int]) -> String {
    let parts = counts.enumerated().map { place, count in
      #""l\#(place)":{"$or":[\#((0..<count).map { #"{"a\#($0)":["x"]}"# }.joined(separator: ","))]}"#
    }
    return "{\(parts.joined(separator: ","))}"
  }
  _ = try EventPattern(pattern([10, 10, 10]))
  #expect(throws: PatternError.self) { try EventPattern(pattern([10, 10, 11])) }
}

@Test func `a hostile wildcard costs no more than reading it`() throws {
  let stars = try Wildcard("*" + String(repeating: "a*", count: 1000) + "b")
  let piece = try Wildcard("*\(String(repeating: "a", count: 2000))b*")
  let text = String(repeating: "a", count: 200_000)
  let clock = ContinuousClock()
  let time = clock.measure {
    #expect(!stars.matches(text))
    #expect(!piece.matches(text))
  }
  // A matcher that tries each place anew takes minutes.
  #expect(time < .seconds(20))
}
