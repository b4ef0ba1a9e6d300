import Base
import Fabric
import Store

extension SchedulerService {
  func groupAccess(_ action: String, _ name: GroupName, _ call: Call) async throws -> [Access] {
    let tags = try await store.read { try $0.scheduleGroup(name)?.tags } ?? [:]
    return [Access("scheduler:\(action)", on: name.arn, owner: call.account).having(tags)]
  }

  func scheduleAccess(_ action: String, _ name: ScheduleName) -> Access {
    Access("scheduler:\(action)", on: name.arn, owner: name.account)
  }

  /// Permission to hand a role to Scheduler.
  func passRole(_ role: String, _ call: Call) -> Access {
    Access(
      "iam:PassRole", on: role, owner: ARN(role).flatMap { AccountID($0.account) } ?? call.account,
      conditionValues: ["iam:passedtoservice": [Self.principal]])
  }
}

extension Call {
  func schedule(_ name: String, in group: String?) -> ScheduleName {
    ScheduleName(account: account, region: region, group: group ?? ScheduleName.defaultGroup, name: name)
  }
  func group(_ name: String) -> GroupName { GroupName(account: account, region: region, name: name) }
}

extension Transaction {
  /// Every account has the group `default` from its first use on.
  func ensureDefaultGroup(_ call: Call) throws {
    let name = call.group(ScheduleName.defaultGroup)
    guard try get(Keys.group(name)) == nil else { return }
    try put(ScheduleGroup(createdAt: call.now, modifiedAt: call.now), name)
  }

  /// Throws when there is no such group, or it is being deleted.
  func usableGroup(_ name: GroupName) throws -> ScheduleGroup {
    guard let group = try scheduleGroup(name) else { throw SchedulerError.noGroup(name.name) }
    guard !group.isDeleting else { throw SchedulerError.groupIsDeleting(name.name) }
    return group
  }
}
