import Base
import Testing

@testable import SNS

@Suite struct FilterPolicyTests {
  static let attributes: [MessageAttribute] = [
    .init(name: "store", dataType: "String", content: .string("example_corp")),
    .init(name: "price", dataType: "Number", content: .string("210.75")),
    .init(name: "colours", dataType: "String.Array", content: .string(#"["red", "blue", 5, null]"#)),
    .init(name: "picture", dataType: "Binary", content: .binary([1])),
    .init(name: "source", dataType: "String", content: .string("10.0.0.7")),
  ]

  @Test(arguments: [
    (#"{"store": ["example_corp"]}"#, true),
    (#"{"store": ["other", "example_corp"]}"#, true),
    (#"{"store": ["Example_corp"]}"#, false),
    (#"{"store": [{"prefix": "example"}]}"#, true),
    (#"{"store": [{"suffix": "corp"}]}"#, true),
    (#"{"store": [{"equals-ignore-case": "EXAMPLE_CORP"}]}"#, true),
    (#"{"store": [{"wildcard": "ex*corp"}]}"#, true),
    (#"{"store": [{"anything-but": ["other"]}]}"#, true),
    (#"{"store": [{"anything-but": "example_corp"}]}"#, false),
    (#"{"store": [{"anything-but": {"prefix": "example"}}]}"#, false),
    (#"{"price": [{"numeric": [">", 100, "<=", 210.75]}]}"#, true),
    (#"{"price": [{"numeric": ["<", 100]}]}"#, false),
    (#"{"price": ["210.75"]}"#, false),
    (#"{"colours": ["blue"]}"#, true),
    (#"{"colours": [5]}"#, true),
    (#"{"colours": ["green"]}"#, false),
    (#"{"source": [{"cidr": "10.0.0.0/24"}]}"#, true),
    (#"{"store": [{"exists": true}]}"#, true),
    (#"{"nothing": [{"exists": false}]}"#, true),
    (#"{"nothing": ["x"]}"#, false),
    (#"{"picture": [{"exists": true}]}"#, false),
    (#"{"store": ["example_corp"], "price": [{"numeric": ["<", 100]}]}"#, false),
    (#"{"$or": [{"store": ["no"]}, {"price": [{"numeric": [">", 1]}]}]}"#, true),
  ])
  func `a policy on attributes lets through what matches all its keys`(policy: String, passes: Bool) throws {
    let filter = try #require(try FilterPolicy(policy, scope: .attributes))
    #expect(filter.verdict(FilterSubject(Self.attributes, body: nil)) == (passes ? .passes : .attributesDiffer))
  }

  @Test(arguments: [
    (#"{"a": {"b": ["x"]}}"#, #"{"a": {"b": "x"}}"#, FilterPolicy.Verdict.passes),
    (#"{"a": {"b": ["x"]}}"#, #"{"a": {"b": ["y", "x"]}}"#, .passes),
    (#"{"a": {"b": ["x"]}}"#, #"{"a": {"b": "y"}}"#, .bodyDiffers),
    (#"{"a": {"b": ["x"]}}"#, "no JSON", .bodyIsNoJSON),
    (#"{"a": {"b": ["x"]}}"#, "[1]", .bodyIsNoJSON),
    (#"{"n": [{"numeric": ["=", 1]}]}"#, #"{"n": 1}"#, .passes),
  ])
  func `a policy on the body looks into nested objects`(policy: String, body: String, verdict: FilterPolicy.Verdict) throws {
    let filter = try #require(try FilterPolicy(policy, scope: .body))
    #expect(filter.verdict(FilterSubject([], body: body)) == verdict)
  }

  @Test func `a message without attributes is told apart`() throws {
    let filter = try #require(try FilterPolicy(#"{"a": ["x"]}"#, scope: .attributes))
    #expect(filter.verdict(FilterSubject([], body: "x")) == .noAttributes)
  }

  @Test func `an empty policy filters nothing`() throws { #expect(try FilterPolicy("{}", scope: .attributes) == nil) }

  @Test(arguments: [
    ("no", FilterScope.attributes, "Invalid parameter: FilterPolicy: failed to parse JSON."),
    (#"{"a": "x"}"#, .attributes, #"Invalid parameter: FilterPolicy: "a" must be an object or an array"#),
    (#"{"a": []}"#, .attributes, "Invalid parameter: FilterPolicy: Empty arrays are not allowed"),
    (#"{"a": [{"like": "x"}]}"#, .attributes, "Invalid parameter: FilterPolicy: Unrecognized match type like"),
    (#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, .attributes, "Invalid parameter: FilterPolicy: Only one key allowed in match expression"),
    (#"{"a": [{"numeric": [">", 5, "<", 1]}]}"#, .attributes, "Invalid parameter: FilterPolicy: Bottom must be less than top"),
    (#"{"a": [{"cidr": "10.0.0.0"}]}"#, .attributes, "Invalid parameter: FilterPolicy: Malformed CIDR, one '/' required"),
    (
      #"{"a": {"b": ["x"]}}"#, .attributes,
      "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
    ),
    (
      #"{"a": ["1"], "b": ["1"], "c": ["1"], "d": ["1"], "e": ["1"], "f": ["1"]}"#, .attributes,
      "Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys"
    ),
  ])
  func `what is no policy is refused in AWS's words`(policy: String, scope: FilterScope, message: String) {
    let error = #expect(throws: AWSError.self) { try FilterPolicy(policy, scope: scope) }
    #expect(error?.message == message)
  }

  @Test func `values of all keys multiply, and depth counts`() throws {
    func values(_ count: Int) -> String { "[" + (0..<count).map { "\"\($0)\"" }.joined(separator: ",") + "]" }
    // 150 is the limit: 10 × 15, and 5 × (15 at the second level) × 1.
    #expect(throws: Never.self) { try FilterPolicy(#"{"a": \#(values(10)), "b": \#(values(15))}"#, scope: .attributes) }
    #expect(throws: AWSError.self) { try FilterPolicy(#"{"a": \#(values(10)), "b": \#(values(16))}"#, scope: .attributes) }
    #expect(throws: Never.self) { try FilterPolicy(#"{"a": {"b": \#(values(75))}}"#, scope: .body) }
    #expect(throws: AWSError.self) { try FilterPolicy(#"{"a": {"b": \#(values(76))}}"#, scope: .body) }
  }
}
