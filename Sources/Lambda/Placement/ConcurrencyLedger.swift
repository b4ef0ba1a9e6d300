import Base

/// Counts running invocations against the account's and the functions' limits.
struct ConcurrencyLedger: Sendable {
  /// Why an invocation may not run now. The raw value is the `Reason` of TooManyRequestsException.
  enum Refusal: String, Sendable {
    /// Too many synchronous requests in a second.
    case rate = "FunctionInvocationRateLimitExceeded"
    case reservedRate = "ReservedFunctionInvocationRateLimitExceeded"
    case account = "ConcurrentInvocationLimitExceeded"
    case reserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
  }

  private struct Scope: Hashable { var account: AccountID; var region: Region }
  private var byFunction: [FunctionID: Int] = [:]
  private var unreserved: [Scope: Int] = [:]
  /// Functions with a reservation: what is set aside for them is nobody else's, whether they run or not.
  private var reservations: [FunctionID: Int] = [:]
  private var reserved: [Scope: Int] = [:]
  let accountLimit: Int

  /// - Parameter accountLimit: concurrent executions of an account in a Region; 1,000 on AWS.
  init(accountLimit: Int = 1000) { self.accountLimit = accountLimit }

  /// Sets aside what a function reserves; nil ends that.
  mutating func reserve(_ function: FunctionID, _ count: Int?) {
    let old = reservations[function]
    guard old != count else { return }
    reservations[function] = count
    let scope = Scope(account: function.account, region: function.region)
    let sum = reserved[scope, default: 0] + (count ?? 0) - (old ?? 0)
    reserved[scope] = sum > 0 ? sum : nil
  }

  /// - Parameter reserved: as the caller has seen it. What is set aside follows `reserve` alone, since the caller may be late.
  mutating func enter(_ function: FunctionID, reserved: Int?) -> Refusal? {
    let running = byFunction[function, default: 0]
    if let reserved {
      guard running < reserved else { return .reserved }
    } else {
      let scope = Scope(account: function.account, region: function.region)
      guard unreserved[scope, default: 0] < accountLimit - self.reserved[scope, default: 0] else { return .account }
      unreserved[scope, default: 0] += 1
    }
    byFunction[function] = running + 1
    return nil
  }

  /// - Parameter reserved: as it was at `enter`.
  mutating func leave(_ function: FunctionID, reserved: Int?) {
    if reserved == nil {
      let scope = Scope(account: function.account, region: function.region)
      unreserved[scope] = max(0, unreserved[scope, default: 1] - 1)
    }
    let left = byFunction[function, default: 1] - 1
    byFunction[function] = left > 0 ? left : nil
  }

  var total: Int { byFunction.values.reduce(0, +) }
}
