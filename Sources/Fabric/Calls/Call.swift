import Base

/// Everything that an operation may know of the call besides its input.
public struct Call: Sendable {
  public var service: String
  public var operation: String
  public var principal: Principal
  /// The account whose state the call sees: the caller's own.
  public var account: AccountID
  public var region: Region
  public var requestID: String
  public var trace: TraceContext
  /// When the call came in, on the adjustable clock.
  public var now: Instant
  /// `http://localhost:4566` as the client named us; URLs in answers are made from it.
  public var endpoint: String
  /// The peer's address; nil for a call from inside.
  public var sourceIP: String?
  public var userAgent: String?
  /// The access key that signed, when one did.
  public var accessKeyID: String?
  /// The time of the caller's MFA-less session and similar request facts that policies may test, by lower-case key.
  public var conditionValues: [String: [String]]
  /// The protocol is awsQuery; a few services word their errors differently there.
  public var isQueryProtocol: Bool
  /// It came in by the listener of an environment: function code is not a user of this machine, whatever its role may do.
  public var isFromFunction = false

  public init(
    service: String, operation: String, principal: Principal, account: AccountID, region: Region, requestID: String,
    trace: TraceContext, now: Instant, endpoint: String = "http://localhost:4566", sourceIP: String? = nil,
    userAgent: String? = nil, accessKeyID: String? = nil, conditionValues: [String: [String]] = [:], isQueryProtocol: Bool = false
  ) {
    (self.service, self.operation, self.principal, self.account) = (service, operation, principal, account)
    (self.region, self.requestID, self.trace, self.now) = (region, requestID, trace, now)
    (self.endpoint, self.sourceIP, self.userAgent, self.accessKeyID) = (endpoint, sourceIP, userAgent, accessKeyID)
    (self.conditionValues, self.isQueryProtocol) = (conditionValues, isQueryProtocol)
  }

  /// It is a step of something that began elsewhere: a service or function code calls, or a client that handed on its trace.
  public var isTraced: Bool { sourceIP == nil || trace.parent != nil }

  /// The same caller for a call to another service that this one causes.
  public var caller: Caller { Caller(principal: principal, account: account, region: region, trace: trace, endpoint: endpoint) }
}

/// On whose behalf a call from inside is made.
public struct Caller: Sendable {
  public var principal: Principal
  public var account: AccountID
  public var region: Region
  public var trace: TraceContext
  public var endpoint: String

  public init(
    principal: Principal, account: AccountID, region: Region, trace: TraceContext, endpoint: String = "http://localhost:4566"
  ) {
    (self.principal, self.account, self.region) = (principal, account, region)
    (self.trace, self.endpoint) = (trace, endpoint)
  }
}

/// The lineage of a call, in the form of `X-Amzn-Trace-Id`.
public struct TraceContext: Sendable, Hashable {
  /// `1-<8 hex epoch seconds>-<24 hex>`.
  public var root: String
  public var parent: String?
  /// `0`, `1` or `?`; nil when nobody decided.
  public var sampled: String?
  public var lineage: String?

  public init(root: String, parent: String? = nil, sampled: String? = nil, lineage: String? = nil) {
    (self.root, self.parent, self.sampled, self.lineage) = (root, parent, sampled, lineage)
  }

  /// A new trace.
  public init(_ ambient: Ambient) {
    let seconds = UInt32(truncatingIfNeeded: ambient.clock.wallNow().seconds)
    let time = [UInt8(seconds >> 24), UInt8(seconds >> 16 & 255), UInt8(seconds >> 8 & 255), UInt8(seconds & 255)]
    self.init(root: "1-\(time.hex)-\(ambient.random.bytes(12).hex)")
  }

  /// Reads `Root=…;Parent=…;Sampled=…;Lineage=…`; nil without a well-formed root.
  public init?(header: String) {
    var fields: [Substring: String] = [:]
    for part in header.split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { fields[pair[0].drop(while: { $0 == " " })] = String(pair[1]) }
    }
    guard let root = fields["Root"], root.utf8.count == 35, root.hasPrefix("1-"),
      root.utf8.enumerated().dropFirst(2).allSatisfy({ $0.offset == 10 ? $0.element == UInt8(ascii: "-") : hexValue($0.element) != nil })
    else { return nil }
    self.init(root: root, parent: fields["Parent"], sampled: fields["Sampled"], lineage: fields["Lineage"])
  }

  public var header: String {
    var text = "Root=\(root)"
    if let parent { text += ";Parent=\(parent)" }
    if let sampled { text += ";Sampled=\(sampled)" }
    if let lineage { text += ";Lineage=\(lineage)" }
    return text
  }
}
