import Base
import Crypto
import Fabric
import Store

/// A message that was accepted.
struct Published: Sendable {
  var messageID: String
  var sequenceNumber: String?
}

/// The topic is not as it was when its subscriptions were chosen.
private struct Stale: Error {}

/// From a draft to deliveries that are kept: accepted and to be delivered is one step.
extension SNSService {
  /// Publishes drafts in one transaction; each has its own result. Throws when the topic does not exist.
  func publish(_ drafts: [Draft], to name: TopicName, _ call: Call) async throws -> [Result<Published, AWSError>] {
    // A topic that changes all the time must not hold a publisher for ever.
    for _ in 0..<8 {
      let view = try await topics.existing(name)
      let prepared = drafts.map { draft in
        Result { () throws(AWSError) in
          try draft.check(for: view.topic)
          return Publication(draft, id: ambient.uuid(), hop: hops.newID(), view, call, endpoint: endpoint(for: call), at: ambient.now)
        }
      }
      do { return try await commit(prepared, view, call) } catch is Stale { topics.forget(name) }
    }
    throw AWSError("InternalErrorException", "The topic is changed too often at the moment. Please try again.", status: 500, fault: .server)
  }

  /// What URLs in the message begin with: as the client named us, or where we listen when a service publishes.
  private func endpoint(for call: Call) -> String { call.sourceIP == nil ? address() ?? call.endpoint : call.endpoint }

  private func commit(
    _ prepared: [Result<Publication, AWSError>], _ view: TopicView, _ call: Call
  ) async throws -> [Result<Published, AWSError>] {
    let (deliveries, name) = (deliveries, view.topic.name)
    let outcome = try await store.transact { rows in
      guard try rows.get(Keys.topic(name)) == view.row else { throw Stale() }
      var outcome = Outcome()
      for item in prepared {
        switch item {
        case .failure(let error): outcome.results.append(.failure(error))
        case .success(let publication): try publication.write(to: rows, view, deliveries, &outcome)
        }
      }
      return outcome
    }
    deliveries.started(outcome.started)
    if outcome.isFannedOut { fanouts.nudge.nudge() }
    for publication in outcome.accepted { tell(publication, view, call) }
    for publication in outcome.duplicates {
      record(publication, call, .filtered, "a message with its deduplication id was published within the last five minutes")
    }
    return outcome.results
  }

  /// Hops and metrics of a message that is durable.
  private func tell(_ publication: Publication, _ view: TopicView, _ call: Call) {
    let (topic, now) = (view.topic.name, publication.time)
    record(publication, call, .accepted)
    metrics.add(.published, topic, now)
    metrics.add(.publishSize, Double(publication.draft.size), topic, now)
    for (subscription, verdict) in publication.filtered { told.tell(subscription, verdict, publication.trace) }
  }

  private func record(_ publication: Publication, _ call: Call, _ outcome: HopOutcome, _ reason: String? = nil) {
    let topic = publication.base.topic
    hops.record(
      Hop(
        id: publication.hop, parent: call.trace.parent, trace: call.trace.root, at: publication.time, account: topic.account,
        region: topic.region, service: "sns", action: call.operation, source: call.principal.hopSource, target: topic.arn.text,
        outcome: outcome, reason: reason))
  }

  static func delivery(_ notification: Notification, to subscription: Subscription, _ trace: TraceContext, at now: Instant) -> Delivery {
    let topic = subscription.name.topic
    return Delivery(
      source: subscription.name.arn, target: subscription.endpoint,
      sender: sender(for: subscription), account: topic.account, region: topic.region, content: notification.row,
      details: DeliveryPlace(subscription.proto, subscription.endpoint).row, trace: trace, acceptedAt: now,
      lane: notification.sequenceNumber == nil ? nil : notification.groupID)
  }

  private static func sender(for subscription: Subscription) -> DeliverySender {
    let topic = subscription.name.topic
    let service = ServicePrincipal("sns.amazonaws.com", sourceARN: topic.arn.text, sourceAccount: topic.account)
    if subscription.proto == .firehose, let role = subscription.attributes["SubscriptionRoleArn"].flatMap({ ARN($0) }) {
      return .role(role, sessionName: "sns", by: service)
    }
    return .service(service)
  }
}

extension FilterPolicy.Verdict {
  var reason: String {
    switch self {
    case .passes: ""
    case .attributesDiffer: "The message attributes do not match the filter policy"
    case .noAttributes: "The message has no attributes, and the filter policy wants some"
    case .bodyDiffers: "The message body does not match the filter policy"
    case .bodyIsNoJSON: "The message body is no JSON object, so it does not match the filter policy"
    }
  }
}

/// What a transaction that publishes comes to.
private struct Outcome: Sendable {
  var results: [Result<Published, AWSError>] = []
  var accepted: [Publication] = []
  var duplicates: [Publication] = []
  var started: [Delivery] = []
  var isFannedOut = false
}

/// A draft with the subscriptions that it goes to.
private struct Publication: Sendable {
  let draft: Draft
  let id: String
  let time: Instant
  let hop: String
  let trace: TraceContext
  let base: Notification
  /// Nil: there are so many that they are looked at later, page by page.
  let chosen: [Subscription]?
  var filtered: [(Subscription, FilterPolicy.Verdict)] = []

  init(_ draft: Draft, id: String, hop: String, _ view: TopicView, _ call: Call, endpoint: String, at now: Instant) {
    (self.draft, self.id, self.hop, time) = (draft, id, hop, now)
    trace = call.trace.under(hop)
    base = Notification(
      id: id, topic: view.topic.name, subject: draft.subject, body: draft.body, attributes: draft.attributes, time: now,
      groupID: draft.groupID, deduplicationID: view.topic.isFIFO ? draft.deduplicationID ?? Self.digest(draft.body) : nil,
      signatureVersion: view.topic.signatureVersion, endpoint: endpoint)
    guard let subscriptions = view.subscriptions else { chosen = nil; return }
    var subject: FilterSubject?
    var (chosen, bytes): ([Subscription], Int) = ([], 0)
    for item in subscriptions where item.subscription.isConfirmed && !item.subscription.leavesToReplay {
      if let filter = item.filter {
        let asked = subject ?? FilterSubject(draft.attributes, body: subscriptions.wantsBody ? draft.body : nil)
        subject = asked
        let verdict = filter.verdict(asked)
        guard verdict == .passes else { filtered.append((item.subscription, verdict)); continue }
      }
      chosen.append(item.subscription)
      bytes += base.size
    }
    if bytes > SNSLimits.directBytes { filtered = [] }
    self.chosen = bytes > SNSLimits.directBytes ? nil : chosen
  }
  private static func digest(_ body: String) -> String { SHA256.hash(data: Array(body.utf8)).map { $0 }.hex }

  /// Writes what is durable of the message.
  func write(to rows: any Transaction, _ view: TopicView, _ deliveries: DeliveryQueue, _ outcome: inout Outcome) throws {
    let topic = view.topic
    var notification = base
    if topic.isFIFO {
      let scope = topic.deduplicatesByGroup ? draft.groupID ?? "" : ""
      let identity = base.deduplicationID ?? ""
      let key = Keys.duplicate(topic.id, scope: scope, identity)
      if let known = try rows.get(key).map({ try Duplicate($0) }), time < known.until {
        outcome.results.append(.success(Published(messageID: known.messageID, sequenceNumber: SequenceNumber.text(known.sequence))))
        outcome.duplicates.append(self)
        return
      }
      guard try hasRoom(rows) else { return outcome.results.append(.failure(SNSError.throttled)) }
      let sequence = try Counter(Keys.sequence(topic.id)).next(rows)
      notification.sequenceNumber = SequenceNumber.text(sequence)
      let until = time + SNSLimits.deduplicationInterval
      try rows.set(key, Duplicate(messageID: id, sequence: sequence, until: until).row)
      try rows.set(Keys.forget(at: until, topic.id, scope: scope, identity), [])
      if topic.archiveDays != nil { try rows.set(Keys.archived(topic.id, time, sequence), archived(notification).row) }
    } else {
      guard try hasRoom(rows) else { return outcome.results.append(.failure(SNSError.throttled)) }
    }
    outcome.results.append(.success(Published(messageID: id, sequenceNumber: notification.sequenceNumber)))
    outcome.accepted.append(self)
    guard let chosen, try !mustWait(rows) else {
      let fanout = Fanout(notification: notification, bodies: draft.bodies, trace: trace, after: nil)
      try rows.set(Keys.fanout(topic.name, try Counter(Keys.fanoutNumber).next(rows)), fanout.row)
      try rows.countFanouts(of: topic.name, 1)
      outcome.isFannedOut = true
      return
    }
    let made = chosen.map { subscription in
      var own = notification
      own.body = draft.body(for: subscription.proto)
      return SNSService.delivery(own, to: subscription, trace, at: time)
    }
    outcome.started += try deliveries.add(made, to: rows)
  }

  /// An ordered message does not overtake one that is still on its way to all subscriptions.
  private func mustWait(_ rows: any Reader) throws -> Bool {
    guard base.deduplicationID != nil else { return false }
    return try rows.first(KeyRange(prefix: Keys.fanouts(base.topic))) != nil
  }
  private func hasRoom(_ rows: any Reader) throws -> Bool {
    guard try chosen == nil || mustWait(rows) else { return true }
    return try rows.fanouts(of: base.topic) < SNSLimits.fanoutsOfTopic
  }

  /// A FIFO topic has only queues.
  private func archived(_ notification: Notification) -> Notification {
    var kept = notification
    kept.body = draft.body(for: .sqs)
    return kept
  }
}

extension [CompiledSubscription] {
  fileprivate var wantsBody: Bool { contains { $0.filter?.scope == .body } }
}

enum SequenceNumber {
  /// Twenty digits, as AWS gives them: each a thousand more than the one before.
  static func text(_ number: Int64) -> String { "1" + padded(Int(number) * 1000, 19) }
}
