import Fabric

/// How many events of each function are being tried. One whose events take long holds up its own and nobody else's; how many run in
/// all is bounded by the concurrency of each account.
struct AsyncSeats: Sendable {
  /// Of one function at the same time.
  static let perFunction = 200

  private var taken: [FunctionID: Int] = [:]

  func room(of function: FunctionID) -> Int { Self.perFunction - taken[function, default: 0] }
  mutating func enter(_ function: FunctionID) { taken[function, default: 0] += 1 }
  mutating func leave(_ function: FunctionID) {
    let left = taken[function, default: 1] - 1
    taken[function] = left > 0 ? left : nil
  }
}
