import Base
import Testing
import Wire

@testable import SQS

@Suite struct MoveTaskTests {
  /// Queues `a` and `b` with messages that failed once and lie in `dead` now.
  private func cloud(_ counts: [String: Int]) async throws -> (cloud: Cloud, dead: String) {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      let url = try await cloud.createQueue(name, ["RedrivePolicy": RedriveTests.policy("1")])
      for n in 0..<count { try await cloud.send("\(name)\(n)", to: url) }
      while case let got = try await cloud.receive(url, 10, timeout: 1), !got.isEmpty {}
      cloud.clock.advance(.seconds(1))
      while case let got = try await cloud.receive(url, 10), !got.isEmpty {}
    }
    return (cloud, dead)
  }
  private func start(_ cloud: Cloud, to destination: String? = nil, rate: Int? = nil, from source: String = RedriveTests.arn)
    async throws -> String
  {
    var input = StartMessageMoveTaskInput()
    (input.sourceArn, input.destinationArn, input.maxNumberOfMessagesPerSecond) = (source, destination, rate)
    let output = try #require(try await cloud.run("StartMessageMoveTask", input))
    return try #require(StartMessageMoveTaskOutput(output).taskHandle)
  }
  private func list(_ cloud: Cloud) async throws -> [ListMessageMoveTasksResultEntry] {
    var input = ListMessageMoveTasksInput()
    (input.sourceArn, input.maxResults) = (RedriveTests.arn, 10)
    let output = try #require(try await cloud.run("ListMessageMoveTasks", input))
    return ListMessageMoveTasksOutput(output).results ?? []
  }

  @Test func `messages go back to where each came from, as new ones`() async throws {
    let (cloud, dead) = try await cloud(["a": 30, "b": 5])
    #expect(try await cloud.counts(dead) == [35, 0, 0])
    _ = try await start(cloud)
    try await cloud.work()
    #expect(try await cloud.counts(dead) == [0, 0, 0])
    #expect(try await cloud.counts("/000000000000/a") == [30, 0, 0])
    let got = try await cloud.receive("/000000000000/b", 10, system: ["All"])
    #expect(got.compactMap(\.body).sorted() == (0..<5).map { "b\($0)" })
    #expect(got[0].attributes?["ApproximateReceiveCount"] == "1")
    #expect(got[0].attributes?["DeadLetterQueueSourceArn"] == nil)
    let tasks = try await list(cloud)
    #expect(tasks.map(\.status) == ["COMPLETED"] && tasks[0].approximateNumberOfMessagesMoved == 35)
    #expect(tasks[0].taskHandle == nil)
  }

  @Test func `a task keeps to its rate, goes on after a restart and can be cancelled`() async throws {
    let (cloud, dead) = try await cloud(["a": 30])
    let target = try await cloud.createQueue("target")
    let handle = try await start(cloud, to: "arn:aws:sqs:us-east-1:000000000000:target", rate: 5)
    try await cloud.work()
    #expect(try await cloud.counts(target) == [5, 0, 0])
    await refused(
      "InvalidParameterValue",
      "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
    ) { _ = try await start(cloud) }
    cloud.clock.advance(.seconds(2))
    let next = cloud.restarted()
    try await next.work()
    #expect(try await next.counts(target) == [15, 0, 0])
    var cancel = CancelMessageMoveTaskInput()
    cancel.taskHandle = handle
    let record = try #require(try await next.run("CancelMessageMoveTask", cancel))
    #expect(CancelMessageMoveTaskOutput(record).approximateNumberOfMessagesMoved == 15)
    cloud.clock.advance(.seconds(10))
    try await next.work()
    #expect(try await next.counts(dead) == [15, 0, 0])
    #expect(try await list(next).map(\.status) == ["CANCELLED"])
    _ = try await start(next)
    try await next.work()
    #expect(try await list(next).map(\.status) == ["COMPLETED", "CANCELLED"])
  }

  @Test func `what cannot be moved is refused in AWS's words`() async throws {
    let (cloud, _) = try await cloud(["a": 1])
    await refused("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.") {
      _ = try await start(cloud, from: "arn:aws:sqs:us-east-1:000000000000:a")
    }
    await refused("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.") {
      _ = try await start(cloud, from: "arn:aws:sqs:us-east-1:000000000000:none")
    }
    await refused("ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.")
    {
      _ = try await start(cloud, to: "arn:aws:sqs:us-east-1:000000000000:none")
    }
    var cancel = CancelMessageMoveTaskInput()
    cancel.taskHandle = "nonsense"
    await refused("InvalidParameterValue", "Value for parameter TaskHandle is invalid.") {
      _ = try await cloud.run("CancelMessageMoveTask", cancel)
    }
  }

  @Test func `without a destination a task needs to be allowed to send to every source`() async throws {
    let (cloud, _) = try await cloud(["a": 1, "b": 1])
    var input = StartMessageMoveTaskInput()
    input.sourceArn = RedriveTests.arn
    let access = try #require(try await cloud.sqs.apis[0].operations["StartMessageMoveTask"]?.access(input.record, cloud.call("")))
    #expect(
      access.filter { $0.action == "sqs:SendMessage" }.map(\.resource) == [
        "arn:aws:sqs:us-east-1:000000000000:a", "arn:aws:sqs:us-east-1:000000000000:b",
      ])
  }

  @Test func `tasks go with their queue`() async throws {
    let (cloud, dead) = try await cloud(["a": 20])
    let handle = try await start(cloud, rate: 1)
    try await cloud.deleteQueue(dead)
    var cancel = CancelMessageMoveTaskInput()
    cancel.taskHandle = handle
    await refused("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.") {
      _ = try await cloud.run("CancelMessageMoveTask", cancel)
    }
    cloud.clock.advance(.seconds(60))
    try await cloud.work()
    try await cloud.createQueue("dead")
    #expect(try await list(cloud).isEmpty)
  }

  @Test func `a message whose source is gone ends the task as failed and is not lost`() async throws {
    let (cloud, dead) = try await cloud(["a": 1, "b": 1])
    try await cloud.deleteQueue("/000000000000/a")
    _ = try await start(cloud)
    try await cloud.work()
    #expect(try await list(cloud).map(\.status) == ["FAILED"])
    #expect(try await list(cloud)[0].failureReason == "AWS.SimpleQueueService.NonExistentQueue")
    cloud.clock.advance(.seconds(1))
    #expect(try await cloud.counts(dead)[0] >= 1)
  }
}
