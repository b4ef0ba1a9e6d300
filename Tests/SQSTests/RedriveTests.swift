import Base
import Testing
import Wire

@testable import SQS

@Suite struct RedriveTests {
  static let arn = "arn:aws:sqs:us-east-1:000000000000:dead"
  static func policy(_ count: String = "3", target: String = arn) -> String {
    #"{"deadLetterTargetArn":"\#(target)","maxReceiveCount":\#(count)}"#
  }

  @Test(arguments: [1, 3])
  func `a message moves on the receive after the last that is allowed, not before`(maximum: Int) async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": Self.policy("\(maximum)")])
    let sent = try await cloud.send("poison", to: url, attributes: ["x": attribute("String", "1")])
    for _ in 0..<maximum {
      #expect(try await cloud.bodies(url) == ["poison"])
      cloud.clock.advance(.seconds(30))
    }
    #expect(try await cloud.counts(url) == [1, 0, 0], "the end of the time-out alone moves nothing")
    #expect(try await cloud.counts(dead) == [0, 0, 0])
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await cloud.counts(url) == [0, 0, 0])
    let moved = try #require(try await cloud.receive(dead, names: ["All"], system: ["All"]).first)
    #expect(moved.messageId == sent.messageId && moved.body == "poison" && moved.messageAttributes?["x"] != nil)
    #expect(moved.attributes?["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:q")
    #expect(moved.attributes?["SentTimestamp"] == "1700000000000", "the retention goes on counting from the send")
    #expect(moved.attributes?["ApproximateReceiveCount"] == "\(maximum + 1)", "receives count across queues")
  }

  @Test func `a receive looks past what it moves`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": Self.policy("1")])
    for n in 0..<250 { try await cloud.send("old \(n)", to: url) }
    for _ in 0..<25 { _ = try await cloud.receive(url, 10, timeout: 1) }
    cloud.clock.advance(.seconds(1))
    try await cloud.send("good", to: url)
    #expect(try await cloud.bodies(url) == ["good"])
    #expect(try await cloud.counts(dead) == [250, 0, 0])
  }

  @Test func `a move wakes who waits at the dead-letter queue`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": Self.policy("1")])
    try await cloud.send("a", to: url)
    _ = try await cloud.receive(url, timeout: 0)
    async let got = cloud.receive(dead, wait: 20)
    try await cloud.waiters(1, at: dead)
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await got.first?.body == "a")
  }

  @Test(arguments: [nil, "t"])
  func `a queue that is its own dead-letter queue loses nothing from view`(tenant: String?) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("dead")
    try await cloud.set(["RedrivePolicy": Self.policy("1")], of: url)
    try await cloud.send("poison", to: url, group: tenant)
    for _ in 0..<3 {
      #expect(try await cloud.bodies(url) == ["poison"])
      cloud.clock.advance(.seconds(30))
      #expect(try await cloud.bodies(url).isEmpty, "this receive moves it")
      #expect(try await cloud.counts(url) == [1, 0, 0])
    }
  }

  @Test func `while the dead-letter queue is missing messages stay`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": Self.policy("1")])
    try await cloud.send("a", to: url)
    try await cloud.deleteQueue(dead)
    for _ in 0..<3 { #expect(try await cloud.bodies(url, timeout: 0) == ["a"]) }
  }

  @Test(arguments: [
    (#"{"maxReceiveCount":3}"#, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
    (#"{"deadLetterTargetArn":"\#(arn)"}"#, "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
    (policy("0"), "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."),
    (policy("1001"), "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."),
    (policy(target: arn + "x"), "Dead letter target does not exist."),
    (policy(target: "arn:aws:sqs:us-east-1:111111111111:dead"), "Dead-letter target owner should be same as the source."),
  ])
  func `a redrive policy is checked in AWS's words`(policy: String, reason: String) async throws {
    let cloud = Cloud()
    try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q")
    let text = "Value \(policy) for parameter RedrivePolicy is invalid. Reason: \(reason)"
    await refused("InvalidParameterValue", text) { try await cloud.set(["RedrivePolicy": policy], of: url) }
    await refused("InvalidParameterValue", text) { try await cloud.createQueue("r", ["RedrivePolicy": policy]) }
  }

  @Test func `the sources of a dead-letter queue are listed`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let urls = [try await cloud.createQueue("a", ["RedrivePolicy": Self.policy()]), try await cloud.createQueue("b")]
    try await cloud.set(["RedrivePolicy": Self.policy("\"5\"")], of: urls[1])
    var input = ListDeadLetterSourceQueuesInput()
    input.queueUrl = dead
    func sources() async throws -> [String] {
      ListDeadLetterSourceQueuesOutput(try #require(try await cloud.run("ListDeadLetterSourceQueues", input))).queueUrls
    }
    #expect(try await sources() == urls)
    try await cloud.set(["RedrivePolicy": ""], of: urls[0])
    #expect(try await sources() == [urls[1]])
    try await cloud.deleteQueue(urls[1])
    #expect(try await sources() == [])
  }

  @Test func `a queue may refuse to be a dead-letter queue`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue("dead", ["RedriveAllowPolicy": #"{"redrivePermission":"denyAll"}"#])
    await refused("InvalidParameterValue") { try await cloud.createQueue("q", ["RedrivePolicy": Self.policy()]) }
    let allow = #"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]}"#
    try await cloud.set(["RedriveAllowPolicy": allow], of: "/000000000000/dead")
    try await cloud.createQueue("q", ["RedrivePolicy": Self.policy()])
  }
}
