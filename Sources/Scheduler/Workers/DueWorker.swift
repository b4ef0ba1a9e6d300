import Base
import Fabric
import Store

/// Brings what is due on its way. That it is on its way and when it is due again is one transaction, so a crash neither loses
/// nor doubles an invocation.
struct DueWorker: Worker {
  let store: any Store
  let ambient: Ambient
  let deliveries: DeliveryQueue
  let hops: any HopPort
  let nudge = Nudge()
  let name = "due schedules"

  func turn(_ now: Instant) async throws -> NextTurn {
    let (accepted, next) = try await store.transact { t in
      var accepted: [Delivery] = []
      for entry in try Keys.due.due(upTo: now, limit: SchedulerLimits.step, t) { accepted += try invoke(entry, now, t) }
      return (accepted, try Keys.due.nextDue(t))
    }
    for delivery in accepted { note(delivery, now) }
    deliveries.started(accepted)
    guard let next else { return .onNudge }
    return next <= now ? .soon : .at(next)
  }

  private func invoke(_ entry: DelayQueue.Entry, _ now: Instant, _ t: any Transaction) throws -> [Delivery] {
    let name = try Keys.name(dueID: entry.id)
    guard let schedule = try t.schedule(name) else {
      try Keys.due.complete(entry.id, t)
      return []
    }
    var row = try RowReader(entry.item)
    let time = try row.instant()
    let delivery = delivery(of: schedule, at: time, now)
    let next = schedule.timing.following(time, now: now)
    if next == nil, schedule.deletesItself { try t.remove(name) } else { try t.put(schedule, due: next, random: ambient.random) }
    return try deliveries.add([delivery], to: t)
  }

  private func delivery(of schedule: Schedule, at time: Instant, _ now: Instant) -> Delivery {
    let (name, target) = (schedule.name, schedule.target)
    let service = ServicePrincipal(SchedulerService.principal, sourceARN: name.groupARN, sourceAccount: name.account)
    let sender: DeliverySender =
      ARN(target.role).map { .role($0, sessionName: ambient.uuid().replacing("-", by: ""), by: service) } ?? .service(service)
    return Delivery(
      source: name.arn, target: target.arn, sender: sender, account: name.account, region: name.region,
      content: Array((target.input ?? "").utf8), details: InvocationDetails(schedule, at: time).row,
      trace: TraceContext(ambient).under(hops.newID()), acceptedAt: now)
  }

  private func note(_ delivery: Delivery, _ now: Instant) {
    hops.record(
      Hop(
        id: delivery.trace.parent ?? hops.newID(), parent: nil, trace: delivery.trace.root, at: now, account: delivery.account,
        region: delivery.region, service: "scheduler", action: "schedule", source: delivery.source, target: delivery.target,
        outcome: .accepted))
  }
}

/// Removes the schedules of groups that were deleted, and then the groups.
struct GroupWorker: Worker {
  let store: any Store
  let nudge = Nudge()
  let name = "deleted schedule groups"

  func turn(_ now: Instant) async throws -> NextTurn {
    try await store.transact { t in
      guard let (key, _) = try t.first(Keys.allLeaving) else { return .onNudge }
      let group = try Keys.leavingGroup(key)
      let prefix = Keys.schedules(of: group.account, group.region, group: group.name)
      let found = try t.entries(KeyRange(prefix: prefix), limit: SchedulerLimits.step)
      for (key, _) in found {
        var parts = KeyReader(key, after: prefix)
        try t.remove(ScheduleName(account: group.account, region: group.region, group: group.name, name: try parts.string()))
      }
      if found.count < SchedulerLimits.step {
        try t.delete(key)
        try t.delete(Keys.group(group))
      }
      return .soon
    }
  }
}
