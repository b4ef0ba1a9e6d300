import Base
import Fabric
import Store

/// What a transaction has accepted for delivery; to be begun once it is committed.
struct Announced: Sendable {
  fileprivate var deliveries: [Delivery] = []
  fileprivate var hops: [Hop] = []
  fileprivate var begin: [@Sendable () -> Void] = []

  static let none = Announced()

  /// Those of several changes in one transaction.
  static func + (a: Announced, b: Announced) -> Announced {
    Announced(deliveries: a.deliveries + b.deliveries, hops: a.hops + b.hops, begin: a.begin + b.begin)
  }
}

/// Events of objects on their way to those whom the bucket notifies.
extension S3Service {
  /// Part of the transaction that changes the object: the change and its events are one step. A bucket that notifies nobody
  /// costs nothing here.
  /// - Parameter state: the bucket as this transaction sees it (`BucketCache.current`).
  func announce(_ event: ObjectEvent, in state: BucketState, by origin: EventOrigin, to rows: any Transaction) throws -> Announced {
    guard !state.notifications.isEmpty else { return .none }
    let event = origin.isLifecycle ? event.byLifecycle : event
    let (bucket, rules) = (state.bucket, state.notifications)
    let (admitted, filtered) = rules.sorted(event)
    let wantsBus = rules.tellsEventBridge
    guard !admitted.isEmpty || !filtered.isEmpty || wantsBus else { return .none }
    let cause = hops.newID()
    var announced = Announced()
    announced.hops.append(
      Hop(
        id: cause, parent: origin.trace.parent, trace: origin.trace.root, at: origin.time, account: bucket.owner, region: bucket.region,
        service: "s3", action: origin.operation, source: origin.principal.arn, target: Bucket.arn(bucket.name, key: event.key),
        outcome: .accepted))
    for rule in filtered {
      announced.hops.append(
        Hop(
          id: hops.newID(), parent: cause, trace: origin.trace.root, at: origin.time, account: bucket.owner, region: bucket.region,
          service: "s3", action: "filter", source: bucket.arn, target: rule.target, outcome: .filtered,
          reason: "The notification \(rule.id) wants keys with the prefix '\(rule.prefix)' and the suffix '\(rule.suffix)'."))
    }
    var deliveries: [Delivery] = []
    func add(_ target: String, _ content: JSON) {
      deliveries.append(
        Delivery(
          source: bucket.arn, target: target,
          sender: .service(ServicePrincipal("s3.amazonaws.com", sourceARN: bucket.arn, sourceAccount: bucket.owner)),
          account: bucket.owner, region: bucket.region, content: content.bytes, trace: origin.trace.under(cause), acceptedAt: origin.time))
    }
    for rule in admitted { add(rule.target, EventRecord.message(event, of: bucket, rule: rule.id, by: origin)) }
    if wantsBus, let port = neighbours.events {
      announced.begin.append(try port.put([EventRecord.serviceEvent(event, of: bucket, by: origin, under: cause)], to: rows))
    }
    announced.deliveries = try self.deliveries.add(deliveries, to: rows)
    return announced
  }

  /// After the commit: the first attempts begin at once.
  func started(_ announced: Announced) {
    for hop in announced.hops { hops.record(hop) }
    for begin in announced.begin { begin() }
    deliveries.started(announced.deliveries)
  }
}
