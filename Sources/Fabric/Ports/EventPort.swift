import Base
import Store

/// Something that happened in one of our own services, as it tells EventBridge.
public struct ServiceEvent: Sendable {
  /// In whose default bus it arrives.
  public var account: AccountID
  public var region: Region
  /// With the prefix that only services may use: `aws.s3`.
  public var source: String
  /// For example `Object Created`.
  public var detailType: String
  /// ARNs of what the event is about.
  public var resources: [String]
  /// The text of a JSON object.
  public var detail: [UInt8]
  public var time: Instant
  /// Its `parent` is the hop that caused the event.
  public var trace: TraceContext

  public init(
    account: AccountID, region: Region, source: String, detailType: String, resources: [String], detail: [UInt8], time: Instant,
    trace: TraceContext
  ) {
    (self.account, self.region, self.source, self.detailType) = (account, region, source, detailType)
    (self.resources, self.detail, self.time, self.trace) = (resources, detail, time, trace)
  }
}

/// The default event buses for our own services. Implemented by EventBridge.
public protocol EventPort: Sendable {
  /// Takes the events within the caller's transaction, so that the change and its event are one step: what rules want of them is
  /// kept and will be delivered, whatever happens to the process. Without rules it costs one read.
  ///
  /// No permission is asked: a service tells of what happened in the account that it happened in.
  /// - Returns: what the caller calls once its transaction has committed, so that the first deliveries begin at once.
  func put(_ events: [ServiceEvent], to transaction: any Transaction) throws -> @Sendable () -> Void
}
