import Base

/// A step of an event's way, as `dewpoint trace` shows it.
public struct Hop: Sendable, Equatable {
  /// Made by `HopPort.newID`: 16 hexadecimal digits, so that it can be the `Parent` of a trace header.
  public var id: String
  /// The hop that caused this one; nil where the trace begins, and when the client's own segment did.
  public var parent: String?
  /// The root of the trace: `1-<8 hex>-<24 hex>`.
  public var trace: String
  /// When it began, on the adjustable clock.
  public var at: Instant
  public var duration: Duration
  /// In whose state it happened.
  public var account: AccountID
  public var region: Region
  /// Who did it: `sns`, `lambda`, ….
  public var service: String
  /// What was done: the name of an operation, or `deliver`, `invoke`, `filter`, `redrive`, ….
  public var action: String
  /// The ARN in whose name it was done: a topic, a rule, a mapping; who called, where a request from outside did it.
  public var source: String
  /// The ARN or URL of what it was done to.
  public var target: String
  /// From 1 on; 0 where there is only one.
  public var attempt: Int
  public var outcome: HopOutcome
  /// Why it was not delivered: the error, the pattern that kept it out, the policy that denied it.
  public var reason: String?

  public init(
    id: String, parent: String?, trace: String, at: Instant, duration: Duration = .zero, account: AccountID, region: Region,
    service: String, action: String, source: String, target: String, attempt: Int = 0, outcome: HopOutcome, reason: String? = nil
  ) {
    (self.id, self.parent, self.trace, self.at, self.duration) = (id, parent, trace, at, duration)
    (self.account, self.region, self.service, self.action) = (account, region, service, action)
    (self.source, self.target, self.attempt, self.outcome, self.reason) = (source, target, attempt, outcome, reason)
  }
}

public enum HopOutcome: Sendable, Equatable {
  /// The event is kept, and goes on from here.
  case accepted
  /// Its target has taken it.
  case delivered
  /// It failed and will be tried again.
  case retried(at: Instant)
  /// It failed, and who waited for it was told.
  case failed
  /// A pattern or a filter policy kept it out, as it was told to.
  case filtered
  /// A policy forbade it.
  case denied
  /// It was given up and kept for people to look at, in a queue or another destination.
  case deadLettered(to: String)
  /// It was given up, and nothing was kept of it.
  case dropped
}

/// Where hops are kept. Implemented by `Tracing`.
public protocol HopPort: Sendable {
  /// Never waits and never fails; costs a few microseconds at most. What is recorded faster than it can be kept is lost, and counted.
  func record(_ hop: Hop)
  /// An id for a hop that is to be recorded, so that what it causes can name it before it is over.
  func newID() -> String
}

/// Keeps nothing: for tests of other things.
public struct EmptyHops: HopPort {
  public init() {}
  public func record(_ hop: Hop) {}
  /// Empty: no hop, under which a trace stays as it is.
  public func newID() -> String { "" }
}

extension TraceContext {
  /// The same trace for what the hop causes.
  public func under(_ hop: String) -> TraceContext {
    guard !hop.isEmpty else { return self }
    var trace = self
    trace.parent = hop
    return trace
  }
}

extension Principal {
  /// The source of a hop that this principal caused: for a service the resource on whose behalf it acts.
  public var hopSource: String {
    if case .service(let service) = self, let arn = service.sourceARN { return arn }
    return arn
  }
}

/// A hop that is under way.
public struct OpenHop: Sendable {
  public let id: String
  /// For what the hop causes.
  public let trace: TraceContext
  fileprivate let parent: String?
  fileprivate let at: Instant
  fileprivate let clock: Duration
}

extension HopPort {
  /// - Parameter trace: its parent is what caused the hop.
  public func begin(_ trace: TraceContext, _ ambient: Ambient) -> OpenHop {
    let id = newID()
    return OpenHop(id: id, trace: trace.under(id), parent: trace.parent, at: ambient.now, clock: ambient.clock.monotonic())
  }

  /// Records it.
  public func end(
    _ hop: OpenHop, _ ambient: Ambient, account: AccountID, region: Region, service: String, action: String, source: String,
    target: String, attempt: Int = 0, outcome: HopOutcome, reason: String? = nil
  ) {
    record(
      Hop(
        id: hop.id, parent: hop.parent, trace: hop.trace.root, at: hop.at, duration: ambient.clock.monotonic() - hop.clock,
        account: account, region: region, service: service, action: action, source: source, target: target, attempt: attempt,
        outcome: outcome, reason: reason))
  }
}

extension AWSError {
  /// As the reason of a hop.
  public var hopReason: String { "\(code): \(message)" }
}

extension HopOutcome {
  /// Of what failed and is not tried again: `denied` when a policy forbade it.
  public static func failure(_ error: AWSError) -> HopOutcome {
    error.status == 403 || error.code.hasPrefix("AccessDenied") ? .denied : .failed
  }
}
