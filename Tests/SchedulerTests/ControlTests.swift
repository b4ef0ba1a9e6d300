import Base
import Store
import TestCloud
import Testing

@testable import Scheduler

private let lambda = "arn:aws:lambda:us-east-1:000000000000:function:f"
private let universal = "arn:aws:scheduler:::aws-sdk:sqs:"

/// What is asked for beside a valid request, and what AWS or we say.
private let refused: [(expression: String, more: [String: JSON], target: [String: JSON], message: String)] = [
  ("rate(10 seconds)", [:], [:], "Invalid Schedule Expression rate(10 seconds)."),
  ("rate(1 hour)", ["ScheduleExpressionTimezone": "Mars/Base"], [:], "Invalid Schedule Expression Timezone Mars/Base."),
  ("rate(1 hour)", ["FlexibleTimeWindow": ["Mode": "FLEXIBLE"]], [:], "MaximumWindowInMinutes must be specified"),
  ("rate(1 hour)", ["FlexibleTimeWindow": ["Mode": "OFF", "MaximumWindowInMinutes": 5]], [:], "MaximumWindowInMinutes must not"),
  ("rate(1 hour)", ["FlexibleTimeWindow": ["Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441]], [:], "less than or equal to 1440"),
  ("rate(1 hour)", ["StartDate": 1_600_000_000], [:], "cannot be earlier than 5 minutes ago"),
  ("rate(1 hour)", ["EndDate": 1_600_000_000], [:], "EndDate"),
  ("rate(1 hour)", ["StartDate": 1_800_000_000, "EndDate": 1_750_000_000], [:], "must come after the StartDate"),
  ("rate(1 hour)", ["KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"], [:], "KmsKeyArn is not supported by Dewpoint."),
  ("rate(1 hour)", ["Name": "a b"], [:], "regular expression pattern"),
  ("rate(1 hour)", [:], ["RoleArn": "arn:aws:iam::000000000000:role/foreign"], "must allow AWS EventBridge Scheduler to assume"),
  ("rate(1 hour)", [:], ["Arn": "q"], "Provided Arn is not in correct format."),
  ("rate(1 hour)", [:], ["Arn": "arn:aws:sqs:us-east-1:nobody:q"], "Provided Arn is not in correct format."),
  ("rate(1 hour)", [:], ["Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c"], "is not supported by Dewpoint."),
  ("rate(1 hour)", [:], ["Arn": .string(lambda)], "The service lambda is not supported by Dewpoint."),
  ("rate(1 hour)", [:], ["Arn": .string(universal + "getQueueUrl")], "it only reads"),
  ("rate(1 hour)", [:], ["Arn": .string(universal + "fly")], "Fly is not a supported api for the service sqs."),
  ("rate(1 hour)", [:], ["Arn": .string(universal + "sendMessage"), "Input": "x"], "Invalid RequestJson provided."),
  ("rate(1 hour)", [:], ["Arn": .string(universal + "sendMessage"), "Input": #"{"Wings":2}"#], "Invalid RequestJson provided."),
  ("rate(1 hour)", [:], ["SqsParameters": ["MessageGroupId": "g"]], "SqsParameters is not supported for the target"),
  ("rate(1 hour)", [:], ["Arn": .string(SchedulerCloud.queueARN("q.fifo"))], "SqsParameters must be specified"),
  ("rate(1 hour)", [:], ["KinesisParameters": ["PartitionKey": "k"]], "KinesisParameters is not supported for the target"),
  ("rate(1 hour)", [:], ["EcsParameters": ["TaskDefinitionArn": "t"]], "EcsParameters is not supported by Dewpoint."),
  ("rate(1 hour)", [:], ["RetryPolicy": ["MaximumRetryAttempts": 186]], "less than or equal to 185"),
  ("rate(1 hour)", [:], ["DeadLetterConfig": ["Arn": .string(SchedulerCloud.queueARN("q.fifo"))]], "regular expression pattern"),
]

@Suite(.timeLimit(.minutes(1))) struct ControlTests {
  @Test(arguments: refused.indices) func `a request that is not valid is refused and leaves nothing`(place: Int) async throws {
    let cloud = SchedulerCloud()
    let (expression, more, target, message) = refused[place]
    let error = await cloud.cloud.failure(
      "scheduler", "CreateSchedule", SchedulerCloud.request(expression, more, target: target))
    #expect(error?.code == "ValidationException")
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "none")")
    #expect(try await cloud.cloud.call("scheduler", "ListSchedules")["Schedules"] == [])
  }

  @Test func `a schedule is shown as it was asked for with its defaults`() async throws {
    let cloud = SchedulerCloud()
    let answer = try await cloud.create("cron(0 9 ? * MON *)", ["Description": "d"])
    #expect(answer == ["ScheduleArn": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"])
    let shown = try await cloud.get()
    #expect(shown["GroupName"] == "default" && shown["State"] == "ENABLED" && shown["ScheduleExpressionTimezone"] == "UTC")
    #expect(shown["ActionAfterCompletion"] == "NONE" && shown["FlexibleTimeWindow"] == ["Mode": "OFF"] && shown["Description"] == "d")
    #expect(shown["Target"]?["RetryPolicy"] == ["MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185])
    #expect(shown["Target"]?["Input"] == "hello" && shown["Target"]?["RoleArn"] == .string(SchedulerCloud.role))
    // An update sets everything anew.
    cloud.clock.advance(.hours(1))
    try await cloud.cloud.call("scheduler", "UpdateSchedule", SchedulerCloud.request("cron(0 8 ? * MON *)"))
    let changed = try await cloud.get()
    #expect(changed["Description"] == nil && changed["CreationDate"] == shown["CreationDate"])
    #expect(changed["LastModificationDate"] != shown["LastModificationDate"])
  }

  @Test func `names are taken once and a repeated request with its token is no conflict`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.create("cron(0 9 ? * MON *)", ["ClientToken": "t"])
    try await cloud.create("cron(0 9 ? * MON *)", ["ClientToken": "t"])
    for (expression, token) in [("cron(0 8 ? * MON *)", "t"), ("cron(0 9 ? * MON *)", "u")] {
      let error = await cloud.cloud.failure(
        "scheduler", "CreateSchedule", SchedulerCloud.request(expression, ["ClientToken": .string(token)]))
      #expect(error?.code == "ConflictException" && error?.message == "Schedule s already exists.")
    }
    let missing = await cloud.cloud.failure("scheduler", "UpdateSchedule", SchedulerCloud.request("rate(1 day)", ["Name": "x"]))
    #expect(missing?.code == "ResourceNotFoundException" && missing?.message == "Schedule x does not exist.")
    #expect(await cloud.cloud.failure("scheduler", "DeleteSchedule", ["Name": "x"])?.message == "Schedule x does not exist.")
  }

  @Test func `a group goes with its schedules and the default one stays`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.cloud.call("scheduler", "CreateScheduleGroup", ["Name": "g", "Tags": [["Key": "k", "Value": "v"]]])
    let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g"
    #expect(try await cloud.cloud.call("scheduler", "ListTagsForResource", ["ResourceArn": .string(arn)])["Tags"] == [["Key": "k", "Value": "v"]])
    try await cloud.cloud.call("scheduler", "TagResource", ["ResourceArn": .string(arn), "Tags": [["Key": "l", "Value": "w"]]])
    try await cloud.cloud.call("scheduler", "UntagResource", ["ResourceArn": .string(arn), "TagKeys": ["k"]])
    #expect(try await cloud.cloud.call("scheduler", "ListTagsForResource", ["ResourceArn": .string(arn)])["Tags"] == [["Key": "l", "Value": "w"]])
    for number in 0..<(SchedulerLimits.step + 5) {
      try await cloud.create("cron(0 9 ? * MON *)", ["GroupName": "g", "Name": .string("s\(number)")])
    }
    try await cloud.cloud.call("scheduler", "DeleteScheduleGroup", ["Name": "g"])
    #expect(try await cloud.cloud.call("scheduler", "GetScheduleGroup", ["Name": "g"])["State"] == "DELETING")
    let create = await cloud.cloud.failure("scheduler", "CreateSchedule", SchedulerCloud.request("rate(1 day)", ["GroupName": "g"]))
    #expect(create?.code == "ConflictException")
    try await cloud.cloud.work()
    #expect(await cloud.cloud.failure("scheduler", "GetScheduleGroup", ["Name": "g"])?.message == "Schedule group g does not exist.")
    #expect(try await cloud.cloud.store.read { try Keys.due.count($0) } == 0)
    #expect(await cloud.cloud.failure("scheduler", "DeleteScheduleGroup", ["Name": "default"])?.code == "ValidationException")
    #expect(try await cloud.cloud.call("scheduler", "ListScheduleGroups")["ScheduleGroups"]?.array?.count == 1)
  }

  @Test func `lists come in pages by name and may be narrowed`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.cloud.call("scheduler", "CreateScheduleGroup", ["Name": "g"])
    for name in ["b", "a", "c"] { try await cloud.create("rate(1 day)", ["Name": .string(name), "GroupName": "g", "State": name == "c" ? "DISABLED" : "ENABLED"]) }
    try await cloud.create("rate(1 day)", ["Name": "ab"])
    var names: [String] = []
    var token: JSON?
    repeat {
      var input: JSONObject = JSONObject([("MaxResults", 1)])
      input["NextToken"] = token
      let page = try await cloud.cloud.call("scheduler", "ListSchedules", .object(input))
      names += page["Schedules"]?.array?.compactMap { $0["Name"]?.string } ?? []
      token = page["NextToken"]
    } while token != nil
    #expect(names == ["ab", "a", "b", "c"])
    func list(_ input: JSON) async throws -> [String] {
      try await cloud.cloud.call("scheduler", "ListSchedules", input)["Schedules"]?.array?.compactMap { $0["Name"]?.string } ?? []
    }
    #expect(try await list(["GroupName": "g"]) == ["a", "b", "c"])
    #expect(try await list(["NamePrefix": "a"]) == ["ab", "a"])
    #expect(try await list(["State": "DISABLED"]) == ["c"])
    #expect(await cloud.cloud.failure("scheduler", "ListSchedules", ["GroupName": "x"])?.code == "ResourceNotFoundException")
    #expect(await cloud.cloud.failure("scheduler", "ListSchedules", ["NextToken": "!"])?.code == "ValidationException")
  }

  @Test func `whoever makes a schedule must be allowed to pass its role`() async throws {
    let cloud = SchedulerCloud()
    cloud.cloud.authoriser.deny("iam:PassRole \(SchedulerCloud.role)")
    #expect(
      await cloud.cloud.failure("scheduler", "CreateSchedule", SchedulerCloud.request("rate(1 day)"))?.code == "AccessDeniedException")
    #expect(cloud.cloud.authoriser.asked.map(\.action) == ["scheduler:CreateSchedule", "iam:PassRole"])
  }

  @Test func `removing an account leaves nothing of it`() async throws {
    let cloud = SchedulerCloud()
    try await cloud.cloud.call("scheduler", "CreateScheduleGroup", ["Name": "g"])
    try await cloud.create("cron(0 9 ? * MON *)", ["GroupName": "g"])
    try await cloud.create("cron(0 9 ? * MON *)")
    try await cloud.cloud.call("scheduler", "DeleteScheduleGroup", ["Name": "g"])
    try await cloud.cloud.modules[0].removeAll(of: .local)
    let left = try await cloud.cloud.store.read { try $0.entries(KeyRange(prefix: Key("scheduler"))).map(\.key.description) }
    // The sequence of the due times is nobody's.
    #expect(left.count <= 1)
  }
}
