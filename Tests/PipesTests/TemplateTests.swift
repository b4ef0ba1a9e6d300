import Base
import Testing

@testable import Pipes

private let pipe = Pipe(
  name: PipeName(account: .local, region: .usEast1, name: "p"), createdAt: .epoch, modifiedAt: .epoch, isWanted: true, state: .running,
  source: "arn:aws:sqs:us-east-1:000000000000:s", target: "arn:aws:sqs:us-east-1:000000000000:t", role: "r", tags: [:])

/// Template, event, what becomes of it.
private let cases: [(String, String, String)] = [
  (#"{"a": <$.n>}"#, #"{"n": 5}"#, #"{"a":5}"#),
  (#"{"a": <$.s>}"#, #"{"s": "x\"y"}"#, #"{"a":"x\"y"}"#),
  (#"{"a": "<$.s>!"}"#, #"{"s": "x\"y"}"#, #"{"a":"x\"y!"}"#),
  (#"{"a": "n is <$.n>"}"#, #"{"n": 5}"#, #"{"a":"n is 5"}"#),
  (#"{"a": "<$.o>"}"#, #"{"o": {"b": "c"}}"#, #"{"a":"{\"b\":\"c\"}"}"#),
  (#"<$.o>"#, #"{"o": {"b": [1, 2]}}"#, #"{"b":[1,2]}"#),
  (#"[<$.list[1]>, <$.list[*].x>]"#, #"{"list": [{"x": 1}, {"x": 2}]}"#, #"[{"x":2},[1,2]]"#),
  (#"Order <$.n> by <$.s>"#, #"{"n": 5, "s": "ann"}"#, #""Order 5 by ann""#),
  (#"{"a": <$.missing>}"#, #"{}"#, #"{"a":""}"#),
  (#"{"a": <$.body.n>}"#, #"{"body": "{\"n\": 7}"}"#, #"{"a":7}"#),
  (#"{"a": <$.body>}"#, #"{"body": "plain"}"#, #"{"a":"plain"}"#),
  (#"{"a": "<aws.pipes.pipe-name>", "b": "<aws.pipes.source-arn>"}"#, "{}", #"{"a":"p","b":"arn:aws:sqs:us-east-1:000000000000:s"}"#),
  (#"{"a": <aws.pipes.event>}"#, #"{"body": "{}"}"#, #"{"a":{"body":"{}"}}"#),
  (#"{"a": <aws.pipes.event.json>}"#, #"{"body": "{}"}"#, #"{"a":{"body":{}}}"#),
  (#"a <<$.n>> <$.n"#, #"{"n": 5}"#, #""a <5> <$.n""#),
  (#"{"a": "1 < 2 and <b>"}"#, "{}", #"{"a":"1 < 2 and <b>"}"#),
]

@Test(arguments: cases)
func `a template is filled with values of the event`(template: String, event: String, expected: String) throws {
  let rendered = InputTemplate(template).render(PipeEvent(try JSON.parse(event)), .init(pipe: pipe, now: .epoch))
  let wanted = try JSON.parse(expected)
  #expect(rendered == wanted, "\(rendered.text)")
}

@Test(arguments: ["", "a", "$a", "$.", "$.a[", "$.a[x]", "$.a[-1]", "$..a"])
func `what is no path is none`(text: String) { #expect(ValuePath(text) == nil) }
