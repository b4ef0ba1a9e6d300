import Base
import Fabric
import Store
import Wire

extension SchedulerService {
  var listOperations: [Fabric.Operation] {
    [
      Operation("ListScheduleGroups", access: { (_: ListScheduleGroupsInput, call) in
        [Access("scheduler:ListScheduleGroups", owner: call.account)]
      }, run: listScheduleGroups),
      Operation("ListSchedules", access: { (_: ListSchedulesInput, call) in
        [Access("scheduler:ListSchedules", owner: call.account)]
      }, run: listSchedules),
    ]
  }

  private func listScheduleGroups(_ input: ListScheduleGroupsInput, _ call: Call) async throws -> ListScheduleGroupsOutput {
    let home = Keys.groups(call.account, call.region)
    let after = try input.nextToken.map { try PageToken.key($0, below: home) }
    let limit = input.maxResults ?? SchedulerLimits.page
    let page = try await store.transact { t in
      try t.ensureDefaultGroup(call)
      return try t.page(home, after: after, limit: limit) { key, row -> (GroupName, ScheduleGroup)? in
        var parts = KeyReader(key, after: home)
        let name = try parts.string()
        guard name.hasPrefix(input.namePrefix ?? "") else { return nil }
        return (call.group(name), try ScheduleGroup(row: row))
      }
    }
    var output = ListScheduleGroupsOutput()
    output.scheduleGroups = page.items.map { name, group in
      var shape = ScheduleGroupSummary()
      (shape.arn, shape.name, shape.state) = (name.arn, name.name, group.state)
      (shape.creationDate, shape.lastModificationDate) = (group.createdAt, group.modifiedAt)
      return shape
    }
    output.nextToken = page.next.map { PageToken.text($0, below: home) }
    return output
  }

  private func listSchedules(_ input: ListSchedulesInput, _ call: Call) async throws -> ListSchedulesOutput {
    let all = Keys.schedules(call.account, call.region)
    let home = input.groupName.map { all.appending($0) } ?? all
    let after = try input.nextToken.map { try PageToken.key($0, below: all) }
    let limit = input.maxResults ?? SchedulerLimits.page
    let page = try await store.read { r in
      if let group = input.groupName, group != ScheduleName.defaultGroup, try r.scheduleGroup(call.group(group)) == nil {
        throw SchedulerError.noGroup(group)
      }
      return try r.page(home, after: after, limit: limit) { key, row -> ScheduleSummary? in
        var parts = KeyReader(key, after: all)
        let group = try parts.string()
        let schedule = try Schedule(row: row, call.schedule(try parts.string(), in: group))
        guard schedule.name.name.hasPrefix(input.namePrefix ?? "") else { return nil }
        guard input.state == nil || input.state == schedule.summary.state else { return nil }
        return schedule.summary
      }
    }
    var output = ListSchedulesOutput()
    output.schedules = page.items
    output.nextToken = page.next.map { PageToken.text($0, below: all) }
    return output
  }
}

extension Schedule {
  fileprivate var summary: ScheduleSummary {
    var shape = ScheduleSummary()
    (shape.arn, shape.name, shape.groupName) = (name.arn, name.name, name.group)
    (shape.creationDate, shape.lastModificationDate) = (createdAt, modifiedAt)
    shape.state = isEnabled ? "ENABLED" : "DISABLED"
    var target = TargetSummary()
    target.arn = self.target.arn
    shape.target = target
    return shape
  }
}

extension Reader {
  /// Up to `limit` of what the body makes of the rows below a key, and the key after which the next page begins.
  fileprivate func page<Item>(
    _ home: Key, after: Key?, limit: Int, _ item: (Key, [UInt8]) throws -> Item?
  ) throws -> (items: [Item], next: Key?) {
    var range = KeyRange(prefix: home)
    if let after { range.lower = max(range.lower, Key(bytes: after.bytes + [0])) }
    var (items, last, next): ([Item], Key, Key?) = ([], home, nil)
    try scan(range) { key, row in
      guard let found = try item(key, row) else { return true }
      if items.count == limit {
        next = last
        return false
      }
      items.append(found)
      last = key
      return true
    }
    return (items, next)
  }
}

/// Where a page ends, as clients send it back.
private enum PageToken {
  static func text(_ key: Key, below home: Key) -> String { key.bytes.dropFirst(home.bytes.count).base64 }

  static func key(_ text: String, below home: Key) throws -> Key {
    guard let bytes = decodeBase64(text), bytes.first == 2 else { throw SchedulerError.badToken }
    return Key(bytes: home.bytes + bytes)
  }
}
