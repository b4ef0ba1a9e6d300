import Base

/// Counts running invocations against the account's and the functions' limits.
struct ConcurrencyLedger: Sendable {
  /// Why an invocation may not run now. The raw value is the `Reason` of TooManyRequestsException.
  enum Refusal: String, Sendable {
    case account = "ConcurrentInvocationLimitExceeded"
    case reserved = "ReservedFunctionConcurrentInvocationLimitExceeded"
  }

  private struct Scope: Hashable { var account: AccountID; var region: Region }
  private var byFunction: [FunctionID: Int] = [:]
  private var unreserved: [Scope: Int] = [:]
  /// Functions with a reservation, so that what they take is not counted twice.
  private var reservations: [FunctionID: Int] = [:]
  private let accountLimit: Int

  /// - Parameter accountLimit: concurrent executions of an account in a Region; 1,000 on AWS.
  init(accountLimit: Int = 1000) { self.accountLimit = accountLimit }

  mutating func enter(_ function: FunctionID, reserved: Int?) -> Refusal? {
    reservations[function] = reserved
    let running = byFunction[function, default: 0]
    if let reserved {
      guard running < reserved else { return .reserved }
    } else {
      let scope = Scope(account: function.account, region: function.region)
      let taken = reservations.reduce(0) { sum, entry in
        entry.key.account == scope.account && entry.key.region == scope.region ? sum + entry.value : sum
      }
      guard unreserved[scope, default: 0] < accountLimit - taken else { return .account }
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
    if left <= 0 { reservations[function] = nil }
  }

  var total: Int { byFunction.values.reduce(0, +) }
}
