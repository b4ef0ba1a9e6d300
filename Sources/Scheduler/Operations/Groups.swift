import Base
import Fabric
import Store
import Wire

extension SchedulerService {
  var groupOperations: [Fabric.Operation] {
    [
      Operation("CreateScheduleGroup", access: { (input: CreateScheduleGroupInput, call) in
        let (arn, tags) = (call.group(input.name).arn, input.tags?.asMap ?? [:])
        let actions = tags.isEmpty ? ["CreateScheduleGroup"] : ["CreateScheduleGroup", "TagResource"]
        return actions.map { Access("scheduler:\($0)", on: arn, owner: call.account).bringing(tags) }
      }, run: createScheduleGroup),
      Operation("GetScheduleGroup", access: { [self] (input: GetScheduleGroupInput, call) in
        try await groupAccess("GetScheduleGroup", call.group(input.name), call)
      }, run: getScheduleGroup),
      Operation("DeleteScheduleGroup", access: { [self] (input: DeleteScheduleGroupInput, call) in
        try await groupAccess("DeleteScheduleGroup", call.group(input.name), call)
      }, run: deleteScheduleGroup),
    ]
  }

  private func createScheduleGroup(_ input: CreateScheduleGroupInput, _ call: Call) async throws -> CreateScheduleGroupOutput {
    let name = call.group(input.name)
    let tags = input.tags?.asMap ?? [:]
    guard tags.count <= SchedulerLimits.tags else { throw SchedulerError.tooManyTags }
    let group = ScheduleGroup(createdAt: call.now, modifiedAt: call.now, tags: tags, token: input.clientToken)
    try await store.transact { t in
      try t.ensureDefaultGroup(call)
      if let known = try t.scheduleGroup(name) {
        guard !known.isDeleting else { throw SchedulerError.groupIsDeleting(name.name) }
        // The same request again.
        if let token = group.token, token == known.token, known.tags == group.tags { return }
        throw SchedulerError.groupExists(name.name)
      }
      let all = KeyRange(prefix: Keys.groups(call.account, call.region))
      guard try t.entries(all, limit: SchedulerLimits.groups).count < SchedulerLimits.groups else { throw SchedulerError.tooManyGroups }
      try t.put(group, name)
    }
    var output = CreateScheduleGroupOutput()
    output.scheduleGroupArn = name.arn
    return output
  }

  private func getScheduleGroup(_ input: GetScheduleGroupInput, _ call: Call) async throws -> GetScheduleGroupOutput {
    let name = call.group(input.name)
    let group = try await store.transact { t in
      try t.ensureDefaultGroup(call)
      guard let group = try t.scheduleGroup(name) else { throw SchedulerError.noGroup(name.name) }
      return group
    }
    var output = GetScheduleGroupOutput()
    (output.arn, output.name, output.state) = (name.arn, name.name, group.state)
    (output.creationDate, output.lastModificationDate) = (group.createdAt, group.modifiedAt)
    return output
  }

  private func deleteScheduleGroup(_ input: DeleteScheduleGroupInput, _ call: Call) async throws -> DeleteScheduleGroupOutput {
    let name = call.group(input.name)
    guard name.name != ScheduleName.defaultGroup else { throw SchedulerError.defaultGroup }
    try await store.transact { t in
      guard var group = try t.scheduleGroup(name) else { throw SchedulerError.noGroup(name.name) }
      guard !group.isDeleting else { return }
      (group.isDeleting, group.modifiedAt) = (true, call.now)
      try t.put(group, name)
      try t.set(Keys.leaving(name), [])
    }
    noteLeavingGroup()
    return DeleteScheduleGroupOutput()
  }
}

extension ScheduleGroup {
  var state: String { isDeleting ? "DELETING" : "ACTIVE" }
}
