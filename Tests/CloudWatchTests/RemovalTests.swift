import Base
import Fabric
import Store
import Testing

@testable import CloudWatch

@Test func `an emptied account has no groups, whatever is still in memory, and others keep theirs`() async throws {
  let f = Fixture()
  try await f.createGroup("stored")
  try await f.run("CreateLogGroup", account: .two) { (i: inout CreateLogGroupInput) in i.logGroupName = "others" }
  try await f.run("CreateLogGroup", region: .euWest) { (i: inout CreateLogGroupInput) in i.logGroupName = "far away" }
  try await f.service.write([LogLine(time: f.clock.now(), message: "in memory")], group: "buffered", stream: "s", as: f.caller())
  try await f.service.removeAll(of: .local)
  try await f.service.flush()
  let groups = try await f.store.read { try $0.entries(KeyRange(prefix: LogsKeys.allGroups)).map { try LogGroup(row: $0.value).name } }
  #expect(groups == ["others"])
  // What they held is removed in the background.
  let sweeper = try #require(f.service.workers.first { $0.name == "logs.sweeper" })
  _ = try await sweeper.turn(f.clock.now())
  #expect(try await f.store.read { try $0.entries(KeyRange(prefix: Key("logs", "in"))).count } == 0)
}

extension AccountID {
  fileprivate static let two = AccountID("222222222222") ?? .local
}
extension Region {
  fileprivate static let euWest = Region("eu-west-1") ?? .usEast1
}
