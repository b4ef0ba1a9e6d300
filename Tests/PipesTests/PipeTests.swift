import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import Pipes

@Suite(.timeLimit(.minutes(1))) struct PipeTests {
  @Test func `a message goes through filter and template to the target`() async throws {
    let cloud = try await PipesCloud()
    try await cloud.create([
      "SourceParameters": ["FilterCriteria": ["Filters": [["Pattern": #"{"body":{"n":[{"numeric":[">",1]}]}}"#]]]],
      "TargetParameters": ["InputTemplate": #"{"n": <$.body.n>}"#],
      "LogConfiguration": [
        "Level": "INFO",
        "CloudwatchLogsLogDestination": ["LogGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:/pipes/p"],
      ],
    ])
    for body in [#"{"n":1}"#, "plain", #"{"n":2}"#] { try await cloud.send(body) }
    let bodies = try await cloud.running {
      let bodies = try await cloud.bodies(1)
      await eventually { cloud.logs.lines.count > 0 }
      return bodies
    }
    #expect(bodies == [#"{"n":2}"#])
    #expect(cloud.logs.lines.values.first?.hasPrefix(#"/pipes/p p {"resourceArn":"arn:aws:pipes:us-east-1:000000000000:pipe/p""#) == true)
    #expect(cloud.hops.all.contains { $0.service == "pipes" && $0.outcome == .delivered })
    #expect(cloud.cloud.authoriser.asked.contains { $0.action == "sqs:SendMessage" && $0.principal.contains("assumed-role/mover/p") })
  }

  @Test func `what the target refuses stays in the source`() async throws {
    let cloud = try await PipesCloud()
    try await cloud.create(["Target": PipesCloud.queue("nowhere")])
    try await cloud.send("x")
    try await cloud.running { await eventually { cloud.hops.all.contains { $0.outcome == .failed } } }
    cloud.cloud.clock.advance(.seconds(31))
    #expect(try await cloud.bodies(1, of: "source") == ["x"])
  }

  @Test func `a pipe goes from state to state as it is asked to`() async throws {
    let cloud = try await PipesCloud()
    let created = try await cloud.create(["DesiredState": "STOPPED"])
    #expect(created["CurrentState"] == "CREATING" && created["DesiredState"] == "STOPPED")
    let busy = await cloud.cloud.failure("pipes", "StartPipe", ["Name": "p"])
    #expect(busy?.code == "ConflictException")
    try await cloud.running { () async throws in
      await eventually { (try? await cloud.state()) == "STOPPED" }
      #expect(try await cloud.cloud.call("pipes", "StartPipe", ["Name": "p"])["CurrentState"] == "STARTING")
      await eventually { (try? await cloud.state()) == "RUNNING" }
      #expect(try await cloud.cloud.call("pipes", "StopPipe", ["Name": "p"])["CurrentState"] == "STOPPING")
      await eventually { (try? await cloud.state()) == "STOPPED" }
      #expect(try await cloud.cloud.call("pipes", "DeletePipe", ["Name": "p"])["DesiredState"] == "DELETED")
      await eventually { await cloud.cloud.failure("pipes", "DescribePipe", ["Name": "p"])?.code == "NotFoundException" }
    }
  }

  @Test func `an update keeps what it does not name and replaces parameters as a whole`() async throws {
    let cloud = try await PipesCloud()
    try await cloud.create([
      "Description": "d", "DesiredState": "STOPPED",
      "SourceParameters": ["SqsQueueParameters": ["BatchSize": 20, "MaximumBatchingWindowInSeconds": 5]],
      "TargetParameters": ["InputTemplate": "<$.body>"],
    ])
    try await cloud.running {
      await eventually { (try? await cloud.state()) == "STOPPED" }
      try await cloud.cloud.call(
        "pipes", "UpdatePipe",
        ["Name": "p", "RoleArn": .string(PipesCloud.role), "SourceParameters": ["SqsQueueParameters": ["BatchSize": 5]]])
      await eventually { (try? await cloud.state()) == "STOPPED" }
    }
    let shown = try await cloud.cloud.call("pipes", "DescribePipe", ["Name": "p"])
    #expect(shown["Description"] == "d" && shown["TargetParameters"]?["InputTemplate"] == "<$.body>")
    #expect(shown["SourceParameters"]?["SqsQueueParameters"] == ["BatchSize": 5])
  }

  @Test func `names are taken once and lists come in pages`() async throws {
    let cloud = try await PipesCloud()
    for name in ["a", "b", "c"] { try await cloud.create(["Name": .string(name)]) }
    #expect(await cloud.cloud.failure("pipes", "CreatePipe", PipesCloud.request(["Name": "a"]))?.message == "Pipe a already exists.")
    let first = try await cloud.cloud.call("pipes", "ListPipes", ["Limit": 2])
    #expect(first["Pipes"]?.array?.compactMap { $0["Name"]?.string } == ["a", "b"])
    let rest = try await cloud.cloud.call("pipes", "ListPipes", ["NextToken": first["NextToken"] ?? ""])
    #expect(rest["Pipes"]?.array?.compactMap { $0["Name"]?.string } == ["c"] && rest["NextToken"] == nil)
    #expect(await cloud.cloud.failure("pipes", "CreatePipe", PipesCloud.request(["RoleArn": "arn:aws:iam::000000000000:role/foreign"]))?.code == "ValidationException")
    try await cloud.pipes.removeAll(of: .local)
    #expect(try await cloud.cloud.store.read { try $0.entries(Keys.all).isEmpty })
  }
}
