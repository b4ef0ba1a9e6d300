import Base
import Fabric
import Store

// The keys of Scheduler. Every key begins with "scheduler" and a letter.
//
//   group     "g" account region name         → ScheduleGroup
//   schedule  "s" account region group name   → Schedule
//   due       "d" …                           → a DelayQueue: by the key of a schedule, when it is to be invoked, and for which time
//   leaving   "x" account region name         → -      groups whose schedules a worker removes
enum Keys {
  private static let root = Key("scheduler")
  static let due = DelayQueue(root.appending("d"))

  private static let groups = root.appending("g")
  static func group(_ name: GroupName) -> Key { groups(name.account, name.region).appending(name.name) }
  static func groups(_ account: AccountID, _ region: Region) -> Key { groups.appending(account, region) }
  static func groups(of account: AccountID) -> Key { groups.appending(account) }

  private static let schedules = root.appending("s")
  static func schedule(_ name: ScheduleName) -> Key { schedules(of: name.account, name.region, group: name.group).appending(name.name) }
  static func schedules(_ account: AccountID, _ region: Region) -> Key { schedules.appending(account, region) }
  static func schedules(of account: AccountID, _ region: Region, group: String) -> Key { schedules(account, region).appending(group) }
  static func schedules(of account: AccountID) -> Key { schedules.appending(account) }

  private static let leaving = root.appending("x")
  static let allLeaving = KeyRange(prefix: leaving)
  static func leaving(_ name: GroupName) -> Key { leaving.appending(name.account, name.region, name.name) }
  static func leaving(of account: AccountID) -> Key { leaving.appending(account) }
  static func leavingGroup(_ key: Key) throws -> GroupName {
    var parts = KeyReader(key, after: leaving)
    guard let account = AccountID(try parts.string()), let region = Region(try parts.string()) else {
      throw StoreError.corrupt("key of a leaving group")
    }
    return GroupName(account: account, region: region, name: try parts.string())
  }

  /// By which the DelayQueue knows a schedule.
  static func dueID(_ name: ScheduleName) -> String { "\(name.account)/\(name.region)/\(name.group)/\(name.name)" }
  static func name(dueID: String) throws -> ScheduleName {
    let parts = dueID.split(separator: "/").map(String.init)
    guard parts.count == 4, let account = AccountID(parts[0]), let region = Region(parts[1]) else {
      throw StoreError.corrupt("id of a due schedule")
    }
    return ScheduleName(account: account, region: region, group: parts[2], name: parts[3])
  }

  static let inventory = [InventoryItem("schedules", below: schedules), InventoryItem("schedule groups", below: groups)]
}
