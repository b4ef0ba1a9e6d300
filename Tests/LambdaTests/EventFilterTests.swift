import Base
import Fabric
import Testing

@testable import Lambda

/// Pattern, body, whether the function gets the message. AWS: "Properly filtering Amazon SQS messages".
private let cases: [(String, String, Bool)] = [
  (#"{"body":{"kind":["order"]}}"#, #"{"kind":"order"}"#, true),
  (#"{"body":{"kind":["order"]}}"#, #"{"kind":"other"}"#, false),
  (#"{"body":{"kind":["order"]}}"#, "order", false),
  (#"{"body":["order"]}"#, "order", true),
  (#"{"body":["order"]}"#, #"{"order":"order"}"#, false),
  (#"{"body":[{"prefix":"or"}]}"#, "order", true),
  (#"{"body":{"n":[{"numeric":[">",5]}]}}"#, #"{"n":6}"#, true),
  // Without a pattern for the body only the rest counts.
  (#"{"attributes":{"SenderId":["me"]}}"#, "anything", true),
  (#"{"attributes":{"SenderId":["you"]}}"#, "anything", false),
  (#"{"messageAttributes":{"tone":{"stringValue":["loud"]}}}"#, "anything", true),
  // A text lacks no fields, and an object is not an absent text.
  (#"{"body":{"kind":[{"exists":false}]}}"#, "order", false),
  (#"{"body":{"kind":[{"exists":false}]}}"#, "[1]", false),
  (#"{"body":{"kind":[{"exists":false}]}}"#, "{}", true),
  (#"{"body":[{"exists":false}]}"#, "{}", false),
  (#"{"body":[{"exists":true}]}"#, "order", true),
  (#"{"$or":[{"body":["a"]},{"body":{"b":[{"exists":false}]}}]}"#, "b", false),
  (#"{"$or":[{"body":["a"]},{"body":{"b":[{"exists":false}]}}]}"#, "a", true),
  (#"{"$or":[{"body":["a"]},{"body":{"b":[1]}}]}"#, #"{"b":1}"#, true),
]

private func message(_ body: String) -> QueueMessage {
  QueueMessage(
    messageID: "m", receiptHandle: "h", body: body, md5OfBody: "", md5OfAttributes: nil, systemAttributes: ["SenderId": "me"],
    attributes: [("tone", QueueAttribute(dataType: "String", content: .string("loud")))])
}

@Test(arguments: cases)
func `a filter looks into a JSON body and at a plain one, but never takes one for the other`(
  pattern: String, body: String, isWanted: Bool
) throws {
  let filter = try EventFilter([pattern], of: .queue)
  #expect(filter.wants(message(body), from: ARN("sqs", .usEast1, .local, "q")) == isWanted, "\(pattern) on \(body)")
}

@Test func `one filter of several is enough, and none wants everything`() throws {
  let source = ARN("sqs", .usEast1, .local, "q")
  #expect(try EventFilter([#"{"body":["a"]}"#, #"{"body":["b"]}"#], of: .queue).wants(message("b"), from: source))
  #expect(try EventFilter([], of: .queue).wants(message("b"), from: source))
}
