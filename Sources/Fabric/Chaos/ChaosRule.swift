import Base

/// What can be done to an event or a call on its way.
public enum ChaosFault: String, Sendable, CaseIterable {
  /// It is delivered once more.
  case duplicate
  /// What a standard queue gives together comes in another order.
  case reorder
  /// The call, or the attempt to deliver, fails on the server's side.
  case fail
  /// The call, or the attempt, is refused as one too many.
  case throttle
  /// It takes longer.
  case slow
}

/// A place where a fault can be put: a call of an operation, or an attempt to deliver something.
public struct ChaosPoint: Sendable {
  /// The operation of every point that is no call: a service brings an event to its target.
  public static let deliver = "deliver"

  public var service: String
  /// A service that the point belongs to as well: that of the stream whose records Lambda hands to a function.
  public var origin: String?
  /// Of the API, or `deliver`.
  public var operation: String
  public var account: AccountID
  public var region: Region
  /// As in hops: in whose name, and to what.
  public var source: String
  public var target: String
  /// ARNs that a rule may name.
  public var resources: [String]
  public var trace: TraceContext

  public init(
    service: String, origin: String? = nil, operation: String = deliver, account: AccountID, region: Region, source: String,
    target: String, resources: [String]? = nil, trace: TraceContext
  ) {
    (self.service, self.origin, self.operation, self.account, self.region) = (service, origin, operation, account, region)
    (self.source, self.target, self.resources, self.trace) = (source, target, resources ?? [source, target], trace)
  }
}

/// A fault, where it strikes and how often.
public struct ChaosRule: Sendable, Equatable {
  public struct Settings: Sendable, Equatable {
    public var fault: ChaosFault
    public var service: String
    /// Nil: all operations that the fault can strike, and deliveries.
    public var operation: String?
    /// An ARN, or a name that is a part of one; `*` stands for any text. Nil: any.
    public var resource: String?
    public var account: AccountID?
    /// How probable it is each time: above 0, at most 1.
    public var rate: Double
    /// It strikes at most this many times.
    public var count: Int?
    /// Of `slow`: how much longer it takes.
    public var delay: Duration
    /// The same seed and the same sequence of points give the same hits.
    public var seed: UInt64

    public init(
      _ fault: ChaosFault, service: String, operation: String? = nil, resource: String? = nil, account: AccountID? = nil,
      rate: Double = 1, count: Int? = nil, delay: Duration = .zero, seed: UInt64
    ) {
      (self.fault, self.service, self.operation, self.resource) = (fault, service, operation, resource)
      (self.account, self.rate, self.count, self.delay, self.seed) = (account, rate, count, delay, seed)
    }
  }

  /// From 1 on, in the order in which they were added.
  public let id: Int
  public let settings: Settings
  /// Points that it might have struck.
  public private(set) var seen = 0
  /// Points that it struck.
  public private(set) var hits = 0
  private var random: ChaosRandom

  init(_ id: Int, _ settings: Settings) {
    (self.id, self.settings, random) = (id, settings, ChaosRandom(seed: settings.seed))
  }

  /// It has struck as often as it may.
  public var isOver: Bool { settings.count.map { hits >= $0 } ?? false }

  func applies(to point: ChaosPoint) -> Bool {
    guard settings.service == point.service || settings.service == point.origin, !isOver else { return false }
    guard settings.operation == nil || settings.operation == point.operation else { return false }
    guard settings.account == nil || settings.account == point.account else { return false }
    guard let resource = settings.resource else { return true }
    return point.resources.contains { ChaosResource.matches(resource, $0) }
  }

  /// Whether it strikes this time.
  mutating func strikes() -> Bool {
    seen += 1
    guard random.unit() < settings.rate else { return false }
    hits += 1
    return true
  }

  /// Another order of so many things (two at least).
  mutating func order(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, random.number(below: last + 1)) }
    if order == Array(0..<count) { order.swapAt(0, 1) }
    return order
  }

  /// As reasons of hops name it: `chaos rule 3: throttle dynamodb PutItem`.
  func reason(at point: ChaosPoint) -> String {
    let delay = settings.fault == .slow ? " by \(settings.delay.inMilliseconds) ms" : ""
    return "chaos rule \(id): \(settings.fault.rawValue) \(settings.service) \(point.operation)\(delay)"
  }
}

/// SplitMix64 as a value: a rule's own sequence.
struct ChaosRandom: Sendable, Equatable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  /// Uniform in `0..<1`.
  mutating func unit() -> Double { Double(next() >> 11) / Double(UInt64(1) << 53) }
  mutating func number(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}

/// The resources that a rule names.
enum ChaosResource {
  static func matches(_ pattern: String, _ resource: String) -> Bool {
    if isGlob(pattern.utf8[...], of: resource.utf8[...]) { return true }
    guard !pattern.hasPrefix("arn:"), let arn = ARN(resource) else { return false }
    return arn.resource.split { $0 == ":" || $0 == "/" }.contains { isGlob(pattern.utf8[...], of: $0.utf8[...]) }
  }

  /// Linear but for the last star, to which it comes back.
  private static func isGlob(_ pattern: Substring.UTF8View, of text: Substring.UTF8View) -> Bool {
    let (pattern, text) = (Array(pattern), Array(text))
    var (p, t, star, mark) = (0, 0, -1, 0)
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        (star, mark) = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == text[t] {
        p += 1
        t += 1
      } else if star >= 0 {
        mark += 1
        (p, t) = (star + 1, mark)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
