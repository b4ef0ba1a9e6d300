import Base
import Fabric
import Testing
import Wire

@testable import SQS

@Suite struct AccountTests {
  @Test func `removing an account leaves nothing of it and everything of the others`() async throws {
    let cloud = Cloud()
    let other = try #require(AccountID("111111111111"))
    var foreign = CreateQueueInput()
    foreign.queueName = "q"
    _ = try await cloud.run("CreateQueue", foreign, account: other)
    let before = try await cloud.rowCount()
    let theirs = "/111111111111/q"
    try await cloud.send("theirs", to: theirs)

    try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": RedriveTests.policy()])
    let fifo = try await cloud.createQueue("q.fifo", FIFOTests.content)
    let gone = try await cloud.createQueue("gone")
    for queue in [url, fifo] { try await cloud.send("a", to: queue, group: "g") }
    _ = try await cloud.receive(fifo, attempt: "x")
    var start = StartMessageMoveTaskInput()
    start.sourceArn = RedriveTests.arn
    _ = try await cloud.run("StartMessageMoveTask", start)
    try await cloud.deleteQueue(gone)
    let client = Task { try await cloud.receive("/000000000000/dead", wait: 20) }
    try await cloud.waiters(1, at: "/000000000000/dead")

    try await cloud.sqs.removeAll(of: .local)
    await refused("QueueDoesNotExist") { _ = try await client.value }
    await refused("QueueDoesNotExist") { try await cloud.send("a", to: url) }
    #expect(try await cloud.bodies(theirs) == ["theirs"])
    try await cloud.createQueue("gone")
    try await cloud.sqs.removeAll(of: .local)
    try await cloud.work()
    try await cloud.purge(theirs)
    try await cloud.work()
    #expect(try await cloud.rowCount() == before)
  }

  @Test func `depths and ages are told for each queue`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.createQueue("empty")
    for n in 0..<5 { try await cloud.send("\(n)", to: url) }
    try await cloud.send("later", to: url, delay: 100)
    _ = try await cloud.receive(url, 2)
    cloud.clock.advance(.seconds(7))
    let told = await cloud.sqs.measurements()
    let values = Dictionary(
      told.filter { $0.labels.isEmpty || $0.labels.contains { $0 == ("queue", "q") } }.map { ($0.name, $0.value) }
    ) { $1 }
    #expect(
      values == [
        "dewpoint_sqs_queues": 2, "dewpoint_sqs_queues_unmeasured": 0, "dewpoint_sqs_messages_visible": 3,
        "dewpoint_sqs_messages_in_flight": 2, "dewpoint_sqs_messages_delayed": 1, "dewpoint_sqs_oldest_message_age_seconds": 7,
      ])
    #expect(told.filter { $0.labels.contains { $0 == ("queue", "empty") } }.allSatisfy { $0.value == 0 })
  }

  @Test func `more queues than are measured are counted`() async throws {
    let cloud = Cloud()
    for n in 0..<(SQSLimits.measuredQueues + 3) { try await cloud.createQueue("q\(n)") }
    let told = await cloud.sqs.measurements()
    #expect(told.first { $0.name == "dewpoint_sqs_queues_unmeasured" }?.value == 3)
    #expect(Set(told.flatMap(\.labels).filter { $0.name == "queue" }.map(\.value)).count == SQSLimits.measuredQueues)
  }
}
