import Base
import Fabric

/// The steps that messages take, for `dewpoint trace`.
struct MessageHops: Sendable {
  let port: any HopPort
  let ambient: Ambient

  var newID: @Sendable () -> String { { [port] in port.newID() } }

  /// - Parameter trace: of the call; a message that has a trace header of its own follows that.
  func begin(_ draft: Draft, _ trace: TraceContext) -> OpenHop {
    port.begin(draft.traceHeader.flatMap { TraceContext(header: $0) } ?? trace, ambient)
  }

  func end(_ hop: OpenHop, by principal: Principal, to queue: QueueName, isDuplicate: Bool) {
    port.end(
      hop, ambient, account: queue.account, region: queue.region, service: "sqs", action: "SendMessage", source: principal.hopSource,
      target: queue.arn.text, outcome: isDuplicate ? .filtered : .accepted,
      reason: isDuplicate ? "a message with its deduplication id was sent within the last five minutes" : nil)
  }

  func record(_ move: MessageMove) {
    let (action, outcome, reason): (String, HopOutcome, String?) =
      switch move.cause {
      case .received(let times, let most):
        ("redrive", .deadLettered(to: move.target.arn.text), "received \(times) times and not deleted; maxReceiveCount is \(most)")
      case .moveTask: ("StartMessageMoveTask", .delivered, nil)
      }
    port.record(
      Hop(
        id: move.hop, parent: move.origin.hop, trace: move.origin.trace, at: ambient.now, account: move.source.account,
        region: move.source.region, service: "sqs", action: action, source: move.source.arn.text, target: move.target.arn.text,
        outcome: outcome, reason: reason))
  }
}

extension MessageOrigin {
  init?(_ hop: OpenHop) {
    guard !hop.id.isEmpty else { return nil }
    self.init(trace: hop.trace.root, hop: hop.id)
  }
}

extension MessageMove.Cause {
  static func exhausted(_ visibility: Visibility, _ queue: Queue) -> Self {
    .received(times: visibility.receiveCount - visibility.countOnArrival, atMost: queue.redrive?.maximumReceives ?? 0)
  }
}
