import Base
import Fabric
import Testing
import Wire

@testable import CloudWatch

@Test func `a group is made once and described with both ARNs`() async throws {
  let f = Fixture()
  try await f.createGroup("/aws/lambda/f")
  await expectError("ResourceAlreadyExistsException", "The specified log group already exists") {
    try await f.createGroup("/aws/lambda/f")
  }
  let page = try await f.run("DescribeLogGroups", DescribeLogGroupsOutput.self) { (_: inout DescribeLogGroupsInput) in }
  let group = try #require(page.logGroups?.first)
  #expect(group.arn == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:*")
  #expect(group.logGroupArn == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f")
  #expect(group.creationTime == f.now)
  #expect(group.storedBytes == 0)
  #expect(group.logGroupClass == "STANDARD")
  #expect(page.nextToken == nil)
}

@Test func `accounts and Regions do not see each other's groups`() async throws {
  let f = Fixture()
  let other = try #require(AccountID("111111111111"))
  try await f.createGroup("g")
  for (account, region) in [(other, Region.usEast1), (.local, try #require(Region("eu-west-1")))] {
    let page = try await f.run("DescribeLogGroups", DescribeLogGroupsOutput.self, account: account, region: region) {
      (_: inout DescribeLogGroupsInput) in
    }
    #expect(page.logGroups?.isEmpty == true)
  }
}

@Test func `groups are listed by name, prefix, pattern and page`() async throws {
  let f = Fixture()
  for name in ["b/2", "a", "b/1", "b", "c", "b/10"] { try await f.createGroup(name) }
  func list(_ fill: (inout DescribeLogGroupsInput) -> Void) async throws -> ([String], String?) {
    let page = try await f.run("DescribeLogGroups", DescribeLogGroupsOutput.self, fill)
    return ((page.logGroups ?? []).compactMap(\.logGroupName), page.nextToken)
  }
  #expect(try await list { _ in }.0 == ["a", "b", "b/1", "b/10", "b/2", "c"])
  #expect(try await list { $0.logGroupNamePrefix = "b/" }.0 == ["b/1", "b/10", "b/2"])
  #expect(try await list { $0.logGroupNamePrefix = "b/1" }.0 == ["b/1", "b/10"])
  #expect(try await list { $0.logGroupNamePattern = "/1" }.0 == ["b/1", "b/10"])
  let arn = "arn:aws:logs:us-east-1:000000000000:log-group:a:*"
  #expect(try await list { $0.logGroupIdentifiers = ["c", arn, "zzz"] }.0 == ["a", "c"])
  var seen: [String] = []
  var token: String?
  repeat {
    let (names, next) = try await list { $0.limit = 2; $0.nextToken = token; $0.logGroupNamePrefix = "b" }
    #expect(names.count == 2)
    seen += names
    token = next
  } while token != nil
  #expect(seen == ["b", "b/1", "b/10", "b/2"])
  await expectError("InvalidParameterException", "The specified nextToken is invalid.") {
    _ = try await list { $0.nextToken = "x" }
  }
  await expectError(
    "InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
  ) {
    _ = try await list { $0.logGroupNamePrefix = "a"; $0.logGroupNamePattern = "a" }
  }
}

@Test func `what is not supported is refused, not ignored`() async throws {
  let f = Fixture()
  for fill: (inout CreateLogGroupInput) -> Void in [
    { $0.kmsKeyId = "k" }, { $0.deletionProtectionEnabled = true }, { $0.logGroupClass = "DELIVERY" },
  ] {
    await #expect(throws: AWSError.self) {
      try await f.run("CreateLogGroup") { (i: inout CreateLogGroupInput) in
        i.logGroupName = "g"
        fill(&i)
      }
    }
  }
}

@Test func `a group made again under the same name begins empty and the sweep removes the old contents`() async throws {
  let f = Fixture()
  try await f.createGroup("g")
  try await f.createStream("g", "s")
  try await f.put("g", "s", [(f.now, "old")])
  try await f.run("DeleteLogGroup") { (i: inout DeleteLogGroupInput) in i.logGroupName = "g" }
  await expectError("ResourceNotFoundException", "The specified log group does not exist.") { _ = try await f.filter("g") }
  await expectError("ResourceNotFoundException", "The specified log group does not exist.") {
    try await f.run("DeleteLogGroup") { (i: inout DeleteLogGroupInput) in i.logGroupName = "g" }
  }
  try await f.createGroup("g")
  await expectError("ResourceNotFoundException", "The specified log stream does not exist.") { _ = try await f.get("g", "s") }
  #expect(try await f.filter("g").events?.isEmpty == true)
  _ = try await f.sweep()
  #expect(try await f.rowCount() == 1)
}

@Test func `retention takes the allowed days only and hides what has expired`() async throws {
  let f = Fixture()
  try await f.createGroup("g")
  try await f.createStream("g", "s")
  try await f.put("g", "s", [(f.now, "first")])
  func retain(_ days: Int) async throws {
    try await f.run("PutRetentionPolicy") { (i: inout PutRetentionPolicyInput) in
      i.logGroupName = "g"
      i.retentionInDays = days
    }
  }
  await #expect(throws: AWSError.self) { try await retain(2) }
  try await retain(3)
  f.clock.advance(.days(2))
  try await f.put("g", "s", [(f.now, "second")])
  #expect(try await f.get("g", "s").messages == ["first", "second"])
  f.clock.advance(.days(1) + .milliseconds(1))
  #expect(try await f.get("g", "s").messages == ["second"])
  #expect(try await f.filter("g").events?.compactMap(\.message) == ["second"])
  // The sweep removes whole days, and with them their bytes.
  f.clock.advance(.days(1))
  #expect(try await f.sweep() == .at(f.clock.now() + LogsLimits.sweepPause))
  let page = try await f.run("DescribeLogGroups", DescribeLogGroupsOutput.self) { (_: inout DescribeLogGroupsInput) in }
  #expect(page.logGroups?.first?.storedBytes == "second".utf8.count + 26)
  #expect(page.logGroups?.first?.retentionInDays == 3)
  try await f.run("DeleteRetentionPolicy") { (i: inout DeleteRetentionPolicyInput) in i.logGroupName = "g" }
  f.clock.advance(.days(100))
  #expect(try await f.get("g", "s").messages == ["second"])
}

@Test func `tags are kept by the old and the new form alike`() async throws {
  let f = Fixture()
  let arn = "arn:aws:logs:us-east-1:000000000000:log-group:g"
  try await f.run("CreateLogGroup") { (i: inout CreateLogGroupInput) in
    i.logGroupName = "g"
    i.tags = ["a": "1"]
  }
  try await f.run("TagLogGroup") { (i: inout TagLogGroupInput) in i.logGroupName = "g"; i.tags = ["b": "2"] }
  try await f.run("TagResource") { (i: inout TagResourceInput) in i.resourceArn = arn + ":*"; i.tags = ["c": "3", "a": "4"] }
  try await f.run("UntagLogGroup") { (i: inout UntagLogGroupInput) in i.logGroupName = "g"; i.tags = ["b"] }
  let old = try await f.run("ListTagsLogGroup", ListTagsLogGroupOutput.self) { (i: inout ListTagsLogGroupInput) in
    i.logGroupName = "g"
  }
  #expect(old.tags == ["a": "4", "c": "3"])
  try await f.run("UntagResource") { (i: inout UntagResourceInput) in i.resourceArn = arn; i.tagKeys = ["a", "zz"] }
  let new = try await f.run("ListTagsForResource", ListTagsForResourceOutput.self) { (i: inout ListTagsForResourceInput) in
    i.resourceArn = arn
  }
  #expect(new.tags == ["c": "3"])
  await #expect(throws: AWSError.self) {
    try await f.run("TagResource") { (i: inout TagResourceInput) in
      i.resourceArn = arn
      i.tags = Dictionary(uniqueKeysWithValues: (0..<50).map { ("t\($0)", "") })
    }
  }
  await #expect(throws: AWSError.self) {
    _ = try await f.run("ListTagsForResource", ListTagsForResourceOutput.self) { (i: inout ListTagsForResourceInput) in
      i.resourceArn = "g"
    }
  }
}

@Test func `each operation asks for its own action on AWS's resource`() async throws {
  let f = Fixture()
  let group = "arn:aws:logs:us-east-1:000000000000:log-group:g"
  func asked<Input: RecordView>(_ name: String, _ fill: (inout Input) -> Void) async throws -> [String] {
    var input = Input()
    fill(&input)
    return try await #require(f.operations[name]).access(input.record, f.call(name)).map { "\($0.action) \($0.resource)" }
  }
  #expect(
    try await asked("CreateLogGroup") { (i: inout CreateLogGroupInput) in i.logGroupName = "g"; i.tags = ["a": "b"] }
      == ["logs:CreateLogGroup \(group):log-stream:", "logs:TagResource \(group)"])
  #expect(
    try await asked("PutLogEvents") { (i: inout PutLogEventsInput) in i.logGroupName = "g"; i.logStreamName = "s" }
      == ["logs:PutLogEvents \(group):log-stream:s"])
  #expect(
    try await asked("FilterLogEvents") { (i: inout FilterLogEventsInput) in i.logGroupIdentifier = group + ":*" }
      == ["logs:FilterLogEvents \(group):log-stream:"])
  #expect(
    try await asked("DescribeLogGroups") { (_: inout DescribeLogGroupsInput) in }
      == ["logs:DescribeLogGroups arn:aws:logs:us-east-1:000000000000:log-group::log-stream:"])
  #expect(
    try await asked("TagResource") { (i: inout TagResourceInput) in i.resourceArn = group; i.tags = ["a": "b"] }
      == ["logs:TagResource \(group)"])
}

extension Fixture {
  func sweep() async throws -> NextTurn {
    let sweeper = try #require(service.workers.first { $0.name == "logs.sweeper" })
    return try await sweeper.turn(clock.now())
  }
  func rowCount() async throws -> Int { try await store.read { try $0.entries(.init(prefix: .init("logs"))).count } }
}
