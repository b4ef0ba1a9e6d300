import Base

/// One event on its way to one target: a row of the store from the transaction that accepts the event until the target has taken it
/// or it is given up.
public struct Delivery: Sendable, Equatable {
  /// Unique within its queue, the same for all attempts. Given by `DeliveryQueue.add`; empty before.
  public internal(set) var id = ""
  /// The ARN in whose name it goes: subscription, rule, bucket, schedule, pipe.
  public var source: String
  /// ARN or URL. What goes to one target shares its room and its speed.
  public var target: String
  public var sender: DeliverySender
  public var account: AccountID
  public var region: Region
  /// What is sent; the meaning is the service's.
  public var content: [UInt8]
  /// What else the service must know at delivery (retry policy, dead-letter ARN, attributes): a row of its own coding.
  public var details: [UInt8]
  /// Its `parent` is the hop that caused the delivery; in an attempt it is the hop of that attempt.
  public var trace: TraceContext
  public var acceptedAt: Instant
  /// Attempts that are over.
  public internal(set) var attempts = 0
  /// Deliveries of one source to one target with the same lane go one after the other, in the order in which they were added
  /// (FIFO groups), and one that waits for its retry holds up those behind it. Nil: no order.
  public var lane: String?

  /// Where it stands in its queue: nil before it is added, and while another one of its lane is before it.
  var token: Token?
  struct Token: Sendable, Equatable {
    var number: Int64
  }

  public init(
    source: String, target: String, sender: DeliverySender, account: AccountID, region: Region, content: [UInt8], details: [UInt8] = [],
    trace: TraceContext, acceptedAt: Instant, lane: String? = nil
  ) {
    (self.source, self.target, self.sender, self.account, self.region) = (source, target, sender, account, region)
    (self.content, self.details, self.trace, self.acceptedAt, self.lane) = (content, details, trace, acceptedAt, lane)
  }

  /// About what it takes in memory.
  var byteCount: Int { content.count + details.count + 512 }
}

/// As whom a delivery calls its target.
public enum DeliverySender: Sendable, Equatable {
  /// The service for itself, on behalf of the resource: what resource policies are asked about.
  case service(ServicePrincipal)
  /// A role that the service assumes.
  case role(ARN, sessionName: String, by: ServicePrincipal)
}

/// What follows from a failed attempt.
public enum DeliveryVerdict: Sendable, Equatable {
  case retry(at: Instant)
  /// - reason: for people, and for the attributes of a dead letter.
  case giveUp(reason: String)
}

/// What a service says about its own deliveries.
public protocol DeliveryPolicy: Sendable {
  /// One attempt. Throws `AWSError` when it failed; any other error counts as a failure of the server.
  ///
  /// It may be repeated although it succeeded: after a crash, and when the store could not keep its end.
  func carry(_ delivery: Delivery) async throws
  /// After a failed attempt, which `attempts` counts: when to try again, or that it is given up.
  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict
  /// It is given up: to be sent to the dead-letter queue, if there is one. Returns where it went, nil when it is gone.
  ///
  /// Throws when the dead letter failed too. After a failure of ours (`fault` is `.server`) the delivery is tried once more later;
  /// after any other it is gone.
  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String?
}
