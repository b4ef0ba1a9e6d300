import Base
import Fabric
import Store
import Wire

extension SchedulerService {
  var scheduleOperations: [Fabric.Operation] {
    [
      Operation("CreateSchedule", access: { [self] (input: CreateScheduleInput, call) in
        [scheduleAccess("CreateSchedule", call.schedule(input.name, in: input.groupName)), passRole(input.target.roleArn, call)]
      }, run: createSchedule),
      Operation("UpdateSchedule", access: { [self] (input: UpdateScheduleInput, call) in
        [scheduleAccess("UpdateSchedule", call.schedule(input.name, in: input.groupName)), passRole(input.target.roleArn, call)]
      }, run: updateSchedule),
      Operation("GetSchedule", access: { [self] (input: GetScheduleInput, call) in
        [scheduleAccess("GetSchedule", call.schedule(input.name, in: input.groupName))]
      }, run: getSchedule),
      Operation("DeleteSchedule", access: { [self] (input: DeleteScheduleInput, call) in
        [scheduleAccess("DeleteSchedule", call.schedule(input.name, in: input.groupName))]
      }, run: deleteSchedule),
    ]
  }

  private func createSchedule(_ input: CreateScheduleInput, _ call: Call) async throws -> CreateScheduleOutput {
    let request = ScheduleRequest(input)
    let schedule = try await checked(request, call.schedule(input.name, in: input.groupName), call)
    let random = ambient.random
    try await store.transact { t in
      try t.ensureDefaultGroup(call)
      _ = try t.usableGroup(call.group(schedule.name.group))
      if let known = try t.schedule(schedule.name) {
        guard known.isMade(by: schedule) else { throw SchedulerError.scheduleExists(schedule.name.name) }
        return
      }
      try t.put(schedule, due: schedule.isEnabled ? schedule.timing.first(from: call.now) : nil, random: random)
    }
    noteChange()
    var output = CreateScheduleOutput()
    output.scheduleArn = schedule.name.arn
    return output
  }

  /// What is not given goes back to its default, as on AWS.
  private func updateSchedule(_ input: UpdateScheduleInput, _ call: Call) async throws -> UpdateScheduleOutput {
    let request = ScheduleRequest(input)
    let schedule = try await checked(request, call.schedule(input.name, in: input.groupName), call)
    let random = ambient.random
    try await store.transact { t in
      _ = try t.usableGroup(call.group(schedule.name.group))
      guard let known = try t.schedule(schedule.name) else { throw SchedulerError.noSchedule(schedule.name.name) }
      var changed = schedule
      (changed.createdAt, changed.token) = (known.createdAt, known.token)
      // A rate that stays what it is goes on counting from where it began.
      var from = call.now
      if known.timing.isSameRate(as: schedule.timing) {
        changed.timing.anchor = known.timing.anchor
        from = known.isEnabled ? call.now + .milliseconds(1) : call.now
      }
      try t.put(changed, due: changed.isEnabled ? changed.timing.first(from: from) : nil, random: random)
    }
    noteChange()
    var output = UpdateScheduleOutput()
    output.scheduleArn = schedule.name.arn
    return output
  }

  private func getSchedule(_ input: GetScheduleInput, _ call: Call) async throws -> GetScheduleOutput {
    let name = call.schedule(input.name, in: input.groupName)
    let schedule = try await store.read { r in
      if input.groupName != nil, name.group != ScheduleName.defaultGroup, try r.scheduleGroup(call.group(name.group)) == nil {
        throw SchedulerError.noGroup(name.group)
      }
      guard let schedule = try r.schedule(name) else { throw SchedulerError.noSchedule(name.name) }
      return schedule
    }
    return schedule.output
  }

  private func deleteSchedule(_ input: DeleteScheduleInput, _ call: Call) async throws -> DeleteScheduleOutput {
    let name = call.schedule(input.name, in: input.groupName)
    try await store.transact { t in
      guard try t.schedule(name) != nil else { throw SchedulerError.noSchedule(name.name) }
      try t.remove(name)
    }
    return DeleteScheduleOutput()
  }
}

extension Schedule {
  /// The same request again: the same token and the same content.
  fileprivate func isMade(by other: Schedule) -> Bool {
    guard let token, token == other.token else { return false }
    var same = other
    (same.createdAt, same.modifiedAt, same.timing.anchor) = (createdAt, modifiedAt, timing.anchor)
    return self == same
  }

  fileprivate var output: GetScheduleOutput {
    var output = GetScheduleOutput()
    (output.arn, output.name, output.groupName) = (name.arn, name.name, name.group)
    (output.creationDate, output.lastModificationDate) = (createdAt, modifiedAt)
    (output.scheduleExpression, output.scheduleExpressionTimezone) = (timing.expression, timing.zone)
    (output.startDate, output.endDate) = (timing.start, timing.end)
    (output.state, output.description) = (isEnabled ? "ENABLED" : "DISABLED", description)
    output.actionAfterCompletion = deletesItself ? "DELETE" : "NONE"
    var window = FlexibleTimeWindow()
    (window.mode, window.maximumWindowInMinutes) = (timing.windowMinutes == nil ? "OFF" : "FLEXIBLE", timing.windowMinutes)
    output.flexibleTimeWindow = window
    output.target = target.shape
    return output
  }
}

extension Timing {
  fileprivate func isSameRate(as other: Timing) -> Bool {
    expression.hasPrefix("rate(") && expression == other.expression && start == other.start
  }
}

extension ScheduleTarget {
  fileprivate var shape: SchedulerTarget {
    var shape = SchedulerTarget()
    (shape.arn, shape.roleArn, shape.input) = (arn, role, input)
    shape.deadLetterConfig = deadLetterQueue.map { arn in
      var config = DeadLetterConfig()
      config.arn = arn
      return config
    }
    var retry = RetryPolicy()
    (retry.maximumRetryAttempts, retry.maximumEventAgeInSeconds) = (retryAttempts, eventAgeSeconds)
    shape.retryPolicy = retry
    if let eventSource, let eventDetailType {
      var parameters = EventBridgeParameters()
      (parameters.source, parameters.detailType) = (eventSource, eventDetailType)
      shape.eventBridgeParameters = parameters
    }
    shape.kinesisParameters = partitionKey.map { key in
      var parameters = KinesisParameters()
      parameters.partitionKey = key
      return parameters
    }
    shape.sqsParameters = messageGroup.map { group in
      var parameters = SqsParameters()
      parameters.messageGroupId = group
      return parameters
    }
    return shape
  }
}
