import Base
import Fabric
import TestCloud
import Testing

@testable import EventBridge

private let broken: [(JSON, String)] = [
  (["DetailType": "t", "Detail": "{}"], "InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument."),
  (["Source": "s", "Detail": "{}"], "InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument."),
  (["Source": "s", "DetailType": "t"], "InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument."),
  (["Source": "s", "DetailType": "t", "Detail": "x"], "MalformedDetail: Detail is malformed."),
  (["Source": "s", "DetailType": "t", "Detail": "[1]"], "MalformedDetail: Detail is malformed."),
  (["Source": "s", "DetailType": "t", "Detail": "\"{}\""], "MalformedDetail: Detail is malformed."),
  (["Source": "aws.s3", "DetailType": "t", "Detail": "{}"], "NotAuthorizedForSourceException: Not authorized for the source."),
]

@Test(arguments: broken)
func `a bad entry fails alone`(entry: JSON, text: String) async throws {
  let cloud = EventCloud()
  let good: JSON = ["Source": "s", "DetailType": "t", "Detail": "{}"]
  let answer = try await cloud.call("PutEvents", ["Entries": [good, entry, good]])
  #expect(answer["FailedEntryCount"]?.int == 1)
  let entries = try #require(answer["Entries"]?.array)
  #expect(entries.map { $0["EventId"] != nil } == [true, false, true])
  #expect("\(entries[1]["ErrorCode"]?.string ?? ""): \(entries[1]["ErrorMessage"]?.string ?? "")" == text)
}

@Test func `a target gets the event in AWS's form`() async throws {
  let cloud = EventCloud()
  try await cloud.rule()
  let answer = try await cloud.call("PutEvents", ["Entries": [[
    "Source": "shop", "DetailType": "order", "Detail": #"{ "id": 7, "price": 1.50 }"#, "Resources": ["a"], "Time": 1_700_000_000,
  ]]])
  let id = try #require(answer["Entries"]?[0]?["EventId"]?.string)
  let message = await cloud.sent(1)[0]
  #expect(message.queue == EventCloud.queue)
  #expect(message.principal == "events.amazonaws.com")
  #expect(message.message.body == """
    {"version":"0","id":"\(id)","detail-type":"order","source":"shop","account":"000000000000","time":"2023-11-14T22:13:20Z",\
    "region":"us-east-1","resources":["a"],"detail":{"id":7,"price":1.5}}
    """)
}

@Test func `an event for a bus that does not exist is taken and dropped`() async throws {
  let cloud = EventCloud()
  try await cloud.rule()
  let answer = try await cloud.put(bus: "none")
  #expect(answer["FailedEntryCount"]?.int == 0)
  #expect(answer["Entries"]?[0]?["EventId"] != nil)
  try await cloud.put()
  #expect(await cloud.sent(1).count == 1)
}

@Test func `entries of a request have less than a mebibyte together`() async throws {
  let cloud = EventCloud()
  func entries(_ bytes: Int) -> JSON {
    let detail = #"{"x":""# + String(repeating: "x", count: bytes - 8 - 2) + #""}"#
    return ["Entries": [["Source": "s", "DetailType": "t", "Detail": .string(detail)]]]
  }
  try await cloud.call("PutEvents", entries(1_048_575))
  #expect(
    await cloud.refusal("PutEvents", entries(1_048_576))
      == "ValidationException: Total size of the entries in the request is over the limit.")
}

@Test func `global endpoints are refused`() async {
  let cloud = EventCloud()
  let text = await cloud.refusal("PutEvents", ["EndpointId": "abc.def", "Entries": [["Source": "s"]]])
  #expect(text?.hasPrefix("NotImplemented: EndpointId is not supported") == true)
}

@Test func `a rule that is disabled, changed or deleted wants nothing more at once`() async throws {
  let cloud = EventCloud()
  try await cloud.rule()
  try await cloud.put(["n": 1])
  try await cloud.call("DisableRule", ["Name": "r"])
  try await cloud.put(["n": 2])
  try await cloud.call("EnableRule", ["Name": "r"])
  try await cloud.put(["n": 3])
  try await cloud.call("PutRule", ["Name": "r", "EventPattern": #"{"source":["other"]}"#])
  try await cloud.put(["n": 4])
  try await cloud.put(["n": 5], source: "other")
  let bodies = await cloud.sent(3).map { try? JSON.parse($0.message.body)["detail"]?["n"]?.int }
  #expect(Set(bodies) == [1, 3, 5])
}

@Test func `events of our own services come by the port, within a transaction`() async throws {
  let cloud = EventCloud()
  try await cloud.rule(pattern: #"{"source":["aws.s3"],"detail":{"bucket":{"name":["b"]}}}"#)
  let event = ServiceEvent(
    account: .local, region: .usEast1, source: "aws.s3", detailType: "Object Created", resources: ["arn:aws:s3:::b"],
    detail: Array(#"{"bucket":{"name":"b"}}"#.utf8), time: Instant(seconds: 1_700_000_000), trace: .test)
  let service = cloud.service
  await #expect(throws: AWSError.self) {
    try await cloud.cloud.store.transact { tx in
      _ = try service.put([event], to: tx)
      throw AWSError("Undone", "the caller's transaction fails")
    }
  }
  let started = try await cloud.cloud.store.transact { try service.put([event], to: $0) }
  started()
  let message = await cloud.sent(1)[0]
  #expect(try JSON.parse(message.message.body)["source"] == "aws.s3")
  #expect(cloud.queues.sent.count == 1)
}

@Test func `what was accepted is delivered by the next life of the server`() async throws {
  let cloud = EventCloud()
  try await cloud.rule()
  cloud.queues.failures.withLock { $0[EventCloud.queue] = AWSError("ServiceUnavailable", "not now", fault: .server) }
  try await cloud.put()
  // The first attempt fails, its retry is a second away.
  try await cloud.cloud.work()
  cloud.queues.failures.withLock { $0 = [:] }
  let next = cloud.restarted()
  next.cloud.clock.advance(.seconds(5))
  await eventually {
    try? await next.cloud.work()
    return next.queues.sent.count > 0
  }
}
