import Base
import Store
import TestCloud
import Testing

@testable import Scheduler

/// The clock of the tests begins at 2023-11-14T22:13:20Z.
@Suite(.timeLimit(.minutes(1))) struct InvocationTests {
  @Test func `a rate invokes at once and then at its rate`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create("rate(5 minutes)", target: ["Input": "<aws.scheduler.scheduled-time>"])
    #expect(try await cloud.bodies(1) == ["2023-11-14T22:13:20Z"])
    try await cloud.pass(.seconds(299))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.pass(.seconds(1))
    #expect(try await cloud.bodies(1) == ["2023-11-14T22:18:20Z"])
  }

  @Test func `a one-time schedule invokes once in its time zone and deletes itself when asked to`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create(
      "at(2023-11-15T08:00:00)", ["ScheduleExpressionTimezone": "Asia/Tokyo", "ActionAfterCompletion": "DELETE"])
    try await cloud.create("at(2023-11-15T08:00:00)", ["Name": "stays", "ScheduleExpressionTimezone": "Asia/Tokyo"])
    // 23:00 in UTC.
    try await cloud.pass(.seconds(46 * 60 + 39))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.pass(.seconds(1))
    #expect(try await cloud.bodies(2) == ["hello", "hello"])
    #expect(await cloud.cloud.failure("scheduler", "GetSchedule", ["Name": "s"])?.code == "ResourceNotFoundException")
    #expect(try await cloud.get("stays")["State"] == "ENABLED")
    try await cloud.pass(.days(30))
    #expect(try await cloud.bodies(0) == [])
  }

  @Test func `times that were missed are one invocation`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create("cron(0 * * * ? *)", target: ["Input": "<aws.scheduler.scheduled-time>"])
    let after = cloud.restarted()
    after.clock.advance(.hours(30))
    #expect(try await after.bodies(1) == ["2023-11-14T23:00:00Z"])
    #expect(try await after.bodies(0) == [])
    try await after.pass(.hours(1))
    #expect(try await after.bodies(1) == ["2023-11-16T05:00:00Z"])
  }

  @Test func `start and end bound a recurring schedule and it deletes itself at its end`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    let now = cloud.clock.now()
    try await cloud.create(
      "rate(1 hour)",
      [
        "StartDate": .int((now + .minutes(30)).seconds), "EndDate": .int((now + .minutes(100)).seconds),
        "ActionAfterCompletion": "DELETE",
      ])
    try await cloud.pass(.minutes(29))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.pass(.minutes(1))
    #expect(try await cloud.bodies(1).count == 1)
    _ = try await cloud.get()
    try await cloud.pass(.minutes(60))
    #expect(try await cloud.bodies(1).count == 1)
    #expect(await cloud.cloud.failure("scheduler", "GetSchedule", ["Name": "s"])?.code == "ResourceNotFoundException")
  }

  @Test(arguments: 0..<5) func `a flexible window spreads invocations and keeps the scheduled time`(seed: UInt64) async throws {
    let cloud = SchedulerCloud(seed: seed)
    try await cloud.queue()
    try await cloud.create(
      "at(2023-11-14T23:13:20)", ["FlexibleTimeWindow": ["Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15]],
      target: ["Input": "<aws.scheduler.scheduled-time>"])
    try await cloud.pass(.minutes(60) - .milliseconds(1))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.pass(.minutes(15))
    #expect(try await cloud.bodies(1) == ["2023-11-14T23:13:20Z"])
  }

  @Test func `a disabled schedule rests and an updated one follows its new expression`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create("rate(1 hour)", ["State": "DISABLED"])
    try await cloud.pass(.hours(3))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.cloud.call("scheduler", "UpdateSchedule", SchedulerCloud.request("cron(0 * * * ? *)"))
    try await cloud.pass(.minutes(60))
    #expect(try await cloud.bodies(1) == ["hello"])
    try await cloud.cloud.call("scheduler", "DeleteSchedule", ["Name": "s"])
    try await cloud.pass(.hours(3))
    #expect(try await cloud.bodies(0) == [])
  }

  @Test func `a rate that is updated without a change keeps its beat`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create("rate(1 hour)")
    #expect(try await cloud.bodies(1).count == 1)
    try await cloud.pass(.minutes(20))
    try await cloud.cloud.call("scheduler", "UpdateSchedule", SchedulerCloud.request("rate(1 hour)", target: ["Input": "new"]))
    #expect(try await cloud.bodies(0) == [])
    try await cloud.pass(.minutes(40))
    #expect(try await cloud.bodies(1) == ["new"])
  }

  @Test func `a universal target calls any operation with keywords replaced`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    let input = #"{"QueueUrl":"http://localhost:4566/000000000000/q","MessageBody":"<aws.scheduler.schedule-arn> <aws.scheduler.attempt-number>"}"#
    try await cloud.create(
      "rate(1 hour)", target: ["Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": .string(input)])
    #expect(try await cloud.bodies(1) == ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/s 1"])
    let sent = cloud.cloud.authoriser.asked.first { $0.action == "sqs:SendMessage" }
    #expect(sent?.principal.hasPrefix("arn:aws:sts::000000000000:assumed-role/sender/") == true)
  }

  @Test func `without an input the target gets an event that names the schedule`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue()
    try await cloud.create("rate(1 hour)", target: ["Input": nil])
    let event = try JSON.parse(try await cloud.bodies(1)[0])
    #expect(event["source"] == "aws.scheduler" && event["detail-type"] == "Scheduled Event" && event["detail"] == "{}")
    #expect(event["resources"] == ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"])
  }

  @Test func `a queue with groups gets messages of the group`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue("q.fifo", ["FifoQueue": "true", "ContentBasedDeduplication": "true"])
    try await cloud.create(
      "rate(1 hour)", target: ["Arn": .string(SchedulerCloud.queueARN("q.fifo")), "SqsParameters": ["MessageGroupId": "g"]])
    #expect(try await cloud.bodies(1, of: "q.fifo") == ["hello"])
  }

  @Test func `what cannot be delivered goes to the dead-letter queue with its reasons`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.queue("dead")
    try await cloud.create(
      "rate(1 hour)", target: ["DeadLetterConfig": ["Arn": .string(SchedulerCloud.queueARN("dead"))]])
    let message = try await cloud.messages(1, of: "dead")[0]
    #expect(message["Body"] == "hello")
    func attribute(_ name: String) -> String? { message["MessageAttributes"]?[name]?["StringValue"]?.string }
    #expect(attribute("ERROR_CODE")?.contains("NonExistentQueue") == true || attribute("ERROR_CODE") == "QueueDoesNotExist")
    #expect(attribute("RETRY_ATTEMPTS") == "0" && attribute("EXHAUSTED_RETRY_CONDITION") == nil)
    #expect(attribute("SCHEDULE_ARN") == "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s")
    #expect(attribute("TARGET_ARN") == SchedulerCloud.queueARN("q"))
    #expect(attribute("SCHEDULED_TIME") == "2023-11-14T22:13:20Z")
  }
}

@Suite struct RetryTests {
  private static let target = ScheduleTarget(arn: "", role: "")
  private static let now = Instant(seconds: 1_700_000_000)

  private func decide(
    _ error: AWSError, attempts: Int, since: Duration = .zero, _ change: (inout ScheduleTarget) -> Void = { _ in }
  ) -> RetryDecision {
    var target = Self.target
    change(&target)
    return RetryDecision(
      target, attempts: attempts, since: Self.now - since, after: error, now: Self.now, random: SeededRandom(seed: 1))
  }

  @Test func `a failure of the server is tried again with growing pauses until retries or time are used up`() {
    let failure = AWSError("InternalFailure", "", status: 500, fault: .server)
    var longest = Duration.zero
    for attempts in 1...185 {
      guard case .retry(let next) = decide(failure, attempts: attempts) else { Issue.record("gave up at \(attempts)"); return }
      longest = max(longest, next - Self.now)
    }
    #expect(longest > .minutes(5) && longest <= .minutes(10))
    #expect(decide(failure, attempts: 186) == .giveUp(condition: "MaximumRetryAttempts"))
    #expect(decide(failure, attempts: 1) { $0.retryAttempts = 0 } == .giveUp(condition: "MaximumRetryAttempts"))
    #expect(decide(failure, attempts: 9, since: .seconds(86_399)) == .giveUp(condition: "MaximumEventAgeInSeconds"))
  }

  @Test func `too many requests pass and mistakes do not`() {
    #expect(decide(AWSError("TooManyRequestsException", "", status: 429), attempts: 1) != .giveUp(condition: nil))
    #expect(decide(AWSError("ResourceNotFoundException", "", status: 404), attempts: 1) == .giveUp(condition: nil))
    #expect(decide(AWSError("NotImplemented", "", status: 501, fault: .server), attempts: 1) == .giveUp(condition: nil))
  }
}
