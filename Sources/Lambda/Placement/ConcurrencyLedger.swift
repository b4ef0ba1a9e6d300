import Base

/// Counts running invocations against the account's and the functions' limits.
///
/// What a function has provisioned or reserved is set aside for it: it is nobody else's, whether it runs or not. What is provisioned
/// lies within the reservation where there is one (AWS: "Understanding Lambda function scaling").
struct ConcurrencyLedger: Sendable {
  /// Why an invocation may not run now. The raw value is the `Reason` of TooManyRequestsException.
  enum Refusal: String, Error, Sendable {
    /// Too many synchronous requests in a second.
    case rate = "FunctionInvocationRateLimitExceeded"
    case reservedRate = "ReservedFunctionInvocationRateLimitExceeded"
    case callerRate = "CallerRateLimitExceeded"
    case account = "ConcurrentInvocationLimitExceeded"
    case reserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
  }
  /// What a running invocation counts against.
  enum Seat: Sendable, Equatable {
    case provisioned(version: String)
    case reserved
    case unreserved

    var isProvisioned: Bool { if case .provisioned = self { true } else { false } }
  }

  struct Scope: Hashable, Sendable {
    var account: AccountID
    var region: Region
    init(_ function: FunctionID) { (account, region) = (function.account, function.region) }
  }
  /// What metrics tell of the moment in which an invocation begins.
  struct Load: Sendable, Equatable {
    /// Of the version: how many environments are provisioned, and how many of them work; nil when none are.
    var provided: (count: Int, working: Int)?
    /// What of the account's concurrency is nobody's to take: set aside, or running without a reservation.
    var claimed: Int

    static func == (a: Load, b: Load) -> Bool {
      a.claimed == b.claimed && a.provided?.count == b.provided?.count && a.provided?.working == b.provided?.working
    }
  }
  private struct Tally: Sendable {
    /// As `reserve` and `provide` have set them.
    var reservation: Int?
    var provisioned: [String: Int] = [:]
    /// Running: outside of what is provisioned, and within it by version.
    var running = 0
    var seated: [String: Int] = [:]

    var allProvisioned: Int { provisioned.values.reduce(0, +) }
    var setAside: Int { reservation ?? allProvisioned }
    var isEmpty: Bool { reservation == nil && provisioned.isEmpty && running == 0 && seated.isEmpty }
  }
  private struct Share: Sendable {
    var setAside = 0
    var running = 0
  }

  private var functions: [FunctionID: Tally] = [:]
  private var shares: [Scope: Share] = [:]
  /// Invocations that run.
  private(set) var total = 0
  let accountLimit: Int

  /// - Parameter accountLimit: concurrent executions of an account in a Region; 1,000 on AWS.
  init(accountLimit: Int = LambdaLimits.accountConcurrency) { self.accountLimit = accountLimit }

  /// Sets aside what a function reserves; nil ends that.
  mutating func reserve(_ function: FunctionID, _ count: Int?) { change(function) { $0.reservation = count } }

  /// Sets aside what is provisioned for the versions of a function, and nothing for those that are not named.
  mutating func provide(_ function: FunctionID, _ counts: [String: Int]) { change(function) { $0.provisioned = counts } }

  private mutating func change(_ function: FunctionID, _ body: (inout Tally) -> Void) {
    var tally = functions[function] ?? Tally()
    let before = tally.setAside
    body(&tally)
    functions[function] = tally.isEmpty ? nil : tally
    guard tally.setAside != before else { return }
    shares[Scope(function), default: Share()].setAside += tally.setAside - before
  }

  /// - Parameter reserved: as the caller has seen it. What is set aside follows `reserve` alone, since the caller may be late.
  mutating func enter(_ function: FunctionID, version: String, reserved: Int?) throws(Refusal) -> Seat {
    var tally = functions[function] ?? Tally()
    let seat: Seat
    if let provisioned = tally.provisioned[version], tally.seated[version, default: 0] < provisioned {
      tally.seated[version, default: 0] += 1
      seat = .provisioned(version: version)
    } else if let reserved {
      guard tally.running < reserved - tally.allProvisioned else { throw .reserved }
      tally.running += 1
      seat = .reserved
    } else {
      let share = shares[Scope(function)] ?? Share()
      guard share.running < accountLimit - share.setAside else { throw .account }
      shares[Scope(function), default: share].running += 1
      tally.running += 1
      seat = .unreserved
    }
    functions[function] = tally
    total += 1
    return seat
  }

  func load(_ function: FunctionID, version: String) -> Load {
    let share = shares[Scope(function)] ?? Share()
    let tally = functions[function]
    let count = tally?.provisioned[version] ?? 0
    return Load(provided: count > 0 ? (count, tally?.seated[version] ?? 0) : nil, claimed: share.setAside + share.running)
  }

  /// - Parameter seat: as `enter` gave it.
  mutating func leave(_ function: FunctionID, _ seat: Seat) {
    var tally = functions[function] ?? Tally()
    switch seat {
    case .provisioned(let version):
      let left = tally.seated[version, default: 1] - 1
      tally.seated[version] = left > 0 ? left : nil
    case .reserved: tally.running = max(0, tally.running - 1)
    case .unreserved:
      tally.running = max(0, tally.running - 1)
      shares[Scope(function)]?.running -= 1
    }
    functions[function] = tally.isEmpty ? nil : tally
    total -= 1
  }
}
