import Base
import Fabric
import Store

/// An event on its way to the rules of a bus.
struct Arrival: Sendable {
  var event: Event
  var bus: BusName
  /// Its `parent` is the hop that brought it.
  var trace: TraceContext
  /// ARNs of the rules that may want it; nil for all (a replay chooses).
  var only: Set<String>?
}

/// What became of arrivals in a transaction.
struct Accepted: Sendable {
  var deliveries: [Delivery] = []
  var hops: [Hop] = []
  /// Rules by how many events they wanted, with the account and Region they are in.
  var matched: [(rule: RuleName, targets: Int)] = []
}

/// Events meet rules. What rules want of an event is kept in the same step in which it is accepted.
extension EventBridgeService {
  /// Takes the events in a transaction of their own and begins to deliver them.
  func accept(_ arrivals: [Arrival]) async throws {
    guard !arrivals.isEmpty else { return }
    var sets: [BusName: RuleSet] = [:]
    for arrival in arrivals where sets[arrival.bus] == nil { sets[arrival.bus] = try await cache.find(arrival.bus, in: store) }
    // Looked at before the transaction, which has one thread for all; there it holds if the bus is still the same.
    let known = sets
    let matches = arrivals.map { known[$0.bus]?.match($0.event, only: $0.only) }
    let now = ambient.now
    let body: @Sendable (any Reader) throws -> [(RuleSet, RuleSet.Match)] = { [cache] reader in
      try zip(arrivals, matches).map { arrival, match in
        let set = try cache.current(arrival.bus, reader)
        if let match, set === known[arrival.bus] { return (set, match) }
        return (set, set.match(arrival.event, only: arrival.only))
      }
    }
    let accepted: Accepted
    if matches.allSatisfy({ $0?.wanted.isEmpty ?? true }), let found = try await unwanted(arrivals, body, now) {
      accepted = found
    } else {
      accepted = try await store.transact { [self] transaction in try take(arrivals, try body(transaction), now, transaction) }
    }
    started(accepted)
  }

  /// What nobody wants needs no write. Nil when somebody wants it after all.
  private func unwanted(
    _ arrivals: [Arrival], _ body: @escaping @Sendable (any Reader) throws -> [(RuleSet, RuleSet.Match)], _ now: Instant
  ) async throws -> Accepted? {
    let found = try await store.read(body)
    guard found.allSatisfy(\.1.wanted.isEmpty) else { return nil }
    var accepted = Accepted()
    for (arrival, (set, match)) in zip(arrivals, found) { accepted.hops += hops(of: arrival, set, match, now).map(\.hop) }
    return accepted
  }

  /// Part of a transaction.
  func take(
    _ arrivals: [Arrival], _ found: [(RuleSet, RuleSet.Match)], _ now: Instant, _ transaction: any Transaction
  ) throws -> Accepted {
    var accepted = Accepted()
    for (arrival, (set, match)) in zip(arrivals, found) {
      for (hop, entry) in hops(of: arrival, set, match, now) {
        guard let entry else { accepted.hops.append(hop); continue }
        if let archive = entry.archive {
          try transaction.keep(arrival.event, in: archive)
          continue
        }
        accepted.hops.append(hop)
        let (new, refused) = outgoing(arrival, entry, under: hop, now)
        accepted.deliveries += new
        accepted.hops += refused
        accepted.matched.append((entry.name, new.count))
      }
    }
    accepted.deliveries = try deliveries.add(accepted.deliveries, to: transaction)
    return accepted
  }

  /// After the commit.
  func started(_ accepted: Accepted) {
    deliveries.started(accepted.deliveries)
    for hop in accepted.hops { neighbours.hops.record(hop) }
    let now = ambient.now
    for (rule, targets) in accepted.matched { metrics.matched(rule, targets: targets, at: now) }
  }

  /// One hop for each rule that wants the event, and one for all that do not.
  private func hops(of arrival: Arrival, _ set: RuleSet, _ match: RuleSet.Match, _ now: Instant) -> [(hop: Hop, entry: RuleSet.Entry?)] {
    func hop(_ target: String, _ outcome: HopOutcome, _ reason: String? = nil) -> Hop {
      Hop(
        id: neighbours.hops.newID(), parent: arrival.trace.parent, trace: arrival.trace.root, at: now, account: arrival.bus.account,
        region: arrival.bus.region, service: "events", action: "match", source: arrival.bus.arn.text, target: target, outcome: outcome,
        reason: reason)
    }
    guard set.bus != nil else { return [(hop(arrival.bus.arn.text, .dropped, "Event bus \(arrival.bus.name) does not exist."), nil)] }
    var out = match.wanted.map { (hop: hop($0.arn, .accepted), entry: Optional($0)) }
    if match.refusedCount > 0, !match.refused.isEmpty {
      let more = match.refusedCount > match.refused.count ? ", …" : ""
      out.append((hop(
        arrival.bus.arn.text, .filtered, "kept out by the patterns of \(match.refused.joined(separator: ", "))\(more)"), nil))
    }
    return out
  }

  /// The deliveries to the targets of a rule, and hops for those that do not get it.
  func outgoing(_ arrival: Arrival, _ entry: RuleSet.Entry, under hop: Hop, _ now: Instant) -> ([Delivery], [Hop]) {
    let bus = arrival.bus
    var (out, refused): ([Delivery], [Hop]) = ([], [])
    for (target, arn, row) in entry.targets {
      // "Sending and receiving events between event buses": what came from one bus is not sent on to a third.
      if arrival.event.isForwarded, TargetKind(arn) == .bus {
        refused.append(Hop(
          id: neighbours.hops.newID(), parent: hop.id, trace: hop.trace, at: now, account: bus.account, region: bus.region,
          service: "events", action: "deliver", source: entry.arn, target: target.arn, outcome: .dropped,
          reason: "an event that came from another event bus is not sent on to a third one"))
        continue
      }
      let service = ServicePrincipal("events.amazonaws.com", sourceARN: entry.arn, sourceAccount: bus.account)
      let sender: DeliverySender =
        target.role.flatMap { ARN($0) }.map { .role($0, sessionName: arrival.event.id.replacing("-", by: ""), by: service) }
        ?? .service(service)
      out.append(Delivery(
        source: entry.arn, target: target.arn, sender: sender, account: bus.account, region: bus.region, content: arrival.event.bytes,
        details: DeliveryDetails(rule: entry.name, target: row, ingested: arrival.event.ingested).row,
        trace: arrival.trace.under(hop.id), acceptedAt: now))
    }
    return (out, refused)
  }

  /// For our own services: see `EventPort`.
  public func put(_ events: [ServiceEvent], to transaction: any Transaction) throws -> @Sendable () -> Void {
    let now = ambient.now
    var arrivals: [Arrival] = []
    var found: [(RuleSet, RuleSet.Match)] = []
    for event in events {
      let bus = BusName(account: event.account, region: event.region)
      let set = try cache.current(bus, transaction)
      guard !set.entries.isEmpty else { continue }
      var draft = Event.Draft(
        source: event.source, detailType: event.detailType, detail: try JSON.parse(event.detail), resources: event.resources,
        time: event.time)
      draft.time = event.time
      let made = Event(draft, id: ambient.uuid(), account: event.account, region: event.region, ingested: now)
      let hop = Hop(
        id: neighbours.hops.newID(), parent: event.trace.parent, trace: event.trace.root, at: now, account: event.account,
        region: event.region, service: "events", action: "PutEvents", source: event.source, target: bus.arn.text, outcome: .accepted)
      neighbours.hops.record(hop)
      arrivals.append(Arrival(event: made, bus: bus, trace: event.trace.under(hop.id)))
      found.append((set, set.match(made)))
    }
    guard !arrivals.isEmpty else { return {} }
    let accepted = try take(arrivals, found, now, transaction)
    return { [self] in started(accepted) }
  }
}

/// What a delivery must know besides the event.
struct DeliveryDetails: Sendable, Equatable {
  var rule: RuleName
  /// The row of the target as it was when the event was accepted.
  var target: [UInt8]
  var ingested: Instant

  init(rule: RuleName, target: [UInt8], ingested: Instant) { (self.rule, self.target, self.ingested) = (rule, target, ingested) }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    rule = RuleName(try row.bus(), try row.string())
    target = try row.blob()
    ingested = try row.instant()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: target.count + 96)
    row.bus(rule.bus)
    row.string(rule.name)
    row.blob(target)
    row.instant(ingested)
    return row.bytes
  }
}
