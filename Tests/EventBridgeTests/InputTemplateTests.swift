import Base
import Testing

@testable import EventBridge

private let event = """
  {"id": "1", "source": "shop", "resources": [], "detail": {"instance": "i-1", "count": 3, "on": true, "none": null, \
  "quote": "say \\"hi\\"", "list": ["a", "b"], "object": {"k": "v"}}}
  """
private let paths = [
  "instance": "$.detail.instance", "count": "$.detail.count", "on": "$.detail.on", "none": "$.detail.none", "quote": "$.detail.quote",
  "list": "$.detail.list", "object": "$.detail.object", "missing": "$.detail.missing",
]
private let surroundings = InputTemplate.Surroundings(
  ruleARN: "arn:aws:events:us-east-1:111111111111:rule/r", ruleName: "r", ingested: Instant(seconds: 0))

// Template and what becomes of it: the examples of "Amazon EventBridge input transformation", and recorded answers.
private let filled: [(String, String)] = [
  (#""instance <instance> is up""#, #""instance i-1 is up""#),
  (#""instance \"<instance>\" is up""#, #""instance \"i-1\" is up""#),
  (#"{"instance": <instance>, "count": <count>}"#, #"{"instance": "i-1", "count": 3}"#),
  (#"{"instance": "<instance>", "count": "<count>"}"#, #"{"instance": "i-1", "count": "3"}"#),
  (#"{"instance": <instance>, "state": [9, <on>, true], "Transformed": "Yes"}"#, #"{"instance": "i-1", "state": [9, true, true], "Transformed": "Yes"}"#),
  (#""missing <missing>.""#, #""missing .""#),
  (#"{"a": <missing>}"#, #"{"a": ""}"#),
  (#"{"a": <none>}"#, #"{"a": null}"#),
  (#"{"a": <list>, "b": "<list>"}"#, #"{"a": ["a","b"], "b": "[a,b]"}"#),
  (#"{"a": <object>}"#, #"{"a": {"k":"v"}}"#),
  (#""<object>""#, #""{\"k\":\"v\"}""#),
  (#"{"a": <quote>, "b": "<quote>"}"#, #"{"a": "say \"hi\"", "b": "say \"hi\""}"#),
  (#""<aws.events.rule-name> <aws.events.rule-arn>""#, #""r arn:aws:events:us-east-1:111111111111:rule/r""#),
  (#"{"at": <aws.events.event.ingestion-time>}"#, #"{"at": "1970-01-01T00:00:00Z"}"#),
  (#"{"e": <aws.events.event>}"#, #"{"e": {"id":"1","source":"shop","resources":[]}}"#),
  (#""a < b and <> and <no such>""#, #""a < b and <> and <no such>""#),
  ("\"<instance>\"\n\"<count>\"", "\"i-1\"\n\"3\""),
]

@Test(arguments: filled)
func `variables are filled in`(template: String, text: String) throws {
  let parsed = try InputTemplate(template, paths: paths, target: "t")
  #expect(parsed.filled(with: try JSON.parse(event), surroundings) == text)
  #expect(InputTemplate(known: template, paths: paths).filled(with: try JSON.parse(event), surroundings) == text)
}

@Test func `the whole event may be a value`() throws {
  let template = try InputTemplate(#"{"all": <aws.events.event.json>}"#, paths: [:], target: "t")
  let event = try JSON.parse(event)
  #expect(try JSON.parse(template.filled(with: event, surroundings))["all"] == event)
}

private let refused: [(String, [String: String], String)] = [
  (#"{"a": <other>}"#, [:], "InputTemplate for target t contains invalid placeholder other."),
  (#"{"a": <aws.events.other>}"#, [:], "InputTemplate for target t contains invalid placeholder aws.events.other."),
  ("<a> is up", ["a": "$.a"], #"Invalid InputTemplate for target t : [Source: (String)"null is up"; line: 1, column: 6]."#),
  ("{\"a\": 1\n  \"b\": 2}", [:], "Invalid InputTemplate for target t : [Source: (String)\"{\"a\": 1\n  \"b\": 2}\"; line: 2, column: 3]."),
  (#""a""#, ["a": "detail"], "InputPathsMap for target t contains invalid JSON path detail."),
]

@Test(arguments: refused)
func `a template that makes no JSON or has unknown variables is refused`(template: String, paths: [String: String], text: String) {
  #expect { try InputTemplate(template, paths: paths, target: "t") } throws: { error in
    #expect((error as? AWSError)?.message == text)
    return (error as? AWSError)?.code == "ValidationException"
  }
}
