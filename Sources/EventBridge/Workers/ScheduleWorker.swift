import Base
import Fabric
import Schedules
import Store

/// Rules that fire by themselves. The next time of each is a row; what was due while the server was down fires once.
struct ScheduleWorker: Worker {
  let name = "events-schedules"
  let nudge = Nudge()
  private let store: any Store
  private let ambient: Ambient
  private let owner = Owner()

  init(store: any Store, ambient: Ambient) { (self.store, self.ambient) = (store, ambient) }
  func own(_ service: EventBridgeService) { owner.own(service) }

  func turn(_ now: Instant) async throws -> NextTurn {
    let service = try owner.get()
    let (accepted, next) = try await store.transact { tx -> (Accepted, Instant?) in
      var accepted = Accepted()
      for entry in try Keys.schedules.due(upTo: now, limit: EventBridgeLimits.schedulesPerTurn, tx) {
        guard let name = ARN(entry.id).flatMap({ RuleName($0) }), let rule = try tx.rule(name),
          let next = rule.nextTime(after: now)
        else { try Keys.schedules.complete(entry.id, tx); continue }
        try service.fire(rule, at: entry.due, now, tx, &accepted)
        try Keys.schedules.reschedule(entry.id, due: next, tx)
      }
      accepted.deliveries = try service.deliveries.add(accepted.deliveries, to: tx)
      return (accepted, try Keys.schedules.nextDue(tx))
    }
    service.started(accepted)
    guard let next else { return .onNudge }
    return next <= now ? .soon : .at(next)
  }
}

extension Rule {
  /// When it fires next; nil when it never does.
  func nextTime(after now: Instant) -> Instant? {
    // What is stored was parsed when it was put.
    guard isEnabled, let schedule, let expression = try? ScheduleExpression(schedule, dialect: .rule) else { return nil }
    return expression.next(after: now, anchor: scheduledSince ?? now)
  }
}

extension EventBridgeService {
  /// A rule's time has come: its targets get a scheduled event.
  fileprivate func fire(
    _ rule: Rule, at time: Instant, _ now: Instant, _ transaction: any Transaction, _ accepted: inout Accepted
  ) throws {
    let arn = rule.name.arn.text
    let draft = Event.Draft(source: "aws.events", detailType: "Scheduled Event", detail: [:], resources: [arn], time: time)
    let bus = rule.name.bus
    let event = Event(draft, id: ambient.uuid(), account: bus.account, region: bus.region, ingested: now)
    let trace = TraceContext(ambient)
    let hop = Hop(
      id: neighbours.hops.newID(), parent: nil, trace: trace.root, at: now, account: bus.account, region: bus.region, service: "events",
      action: "schedule", source: arn, target: bus.arn.text, outcome: .accepted)
    let entry = RuleSet.Entry(rule)
    let (deliveries, _) = outgoing(Arrival(event: event, bus: bus, trace: trace.under(hop.id)), entry, under: hop, now)
    accepted.hops.append(hop)
    accepted.deliveries += deliveries
    accepted.matched.append((rule.name, deliveries.count))
  }

  /// Keeps the time at which a rule fires next, after it was put, enabled or disabled.
  func schedule(_ rule: inout Rule, was old: Rule?, _ now: Instant, _ transaction: any Transaction) throws {
    let id = rule.name.arn.text
    let isSame = old?.schedule == rule.schedule && old?.isEnabled == true && rule.isEnabled
    rule.scheduledSince = rule.schedule == nil ? nil : isSame ? old?.scheduledSince ?? now : now
    if isSame, rule.schedule != nil { return }
    try Keys.schedules.complete(id, transaction)
    if let next = rule.nextTime(after: now) { try Keys.schedules.add(item: [], id: id, due: next, transaction) }
  }
}
