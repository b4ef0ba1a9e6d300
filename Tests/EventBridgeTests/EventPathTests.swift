import Base
import Testing

@testable import EventBridge

private let event = """
  {"id": "1", "detail-type": "t", "resources": ["a", "b"], "detail": {"n": 1, "list": [{"x": "p"}, {"x": "q"}, 3], "a.b": true, "null": null}}
  """

private let found: [(String, String?)] = [
  ("$", event), ("$.id", "\"1\""), ("$.detail-type", "\"t\""), ("$['detail-type']", "\"t\""), ("$.resources[1]", "\"b\""),
  ("$.resources[2]", nil), ("$.detail.n", "1"), ("$.detail.list[0].x", "\"p\""), ("$.detail.list[*].x", "[\"p\",\"q\"]"),
  ("$.detail['a.b']", "true"), ("$.detail.null", "null"), ("$.detail.missing", nil), ("$.missing.more", nil), ("$.id.more", nil),
  ("$.missing[*]", nil), ("$.resources.*", "[\"a\",\"b\"]"),
]

@Test(arguments: found)
func `a path finds what lies there`(path: String, text: String?) throws {
  let value = try #require(EventPath(path)).value(in: try JSON.parse(event))
  #expect(value == (try text.map { try JSON.parse($0) }), "\(path) found \(value?.text ?? "nothing")")
}

@Test(arguments: ["", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$.a b", "$[]", "$.a[''", "$$"])
func `what is no path is refused`(text: String) {
  #expect(EventPath(text) == nil)
}
