/// Time that stands still while somebody holds it: a process that a debugger stopped does not use up its time-out.
struct HeldTime: Sendable, Equatable {
  /// Who holds it; it runs when nobody does.
  enum Holder: Sendable, Hashable {
    /// The process has not asked for its first event: it may still be compiled.
    case start
    case debugger
  }

  private var holders: Set<Holder> = []
  /// Real, when the first of the holders came.
  private var since = Duration.zero
  private var lost = Duration.zero

  /// - Parameter real: any monotonic time, always of the same clock.
  mutating func set(_ holder: Holder, _ isHeld: Bool, at real: Duration) {
    let wasHeld = !holders.isEmpty
    if isHeld { holders.insert(holder) } else { holders.remove(holder) }
    if !wasHeld, isHeld { since = real }
    if wasHeld, holders.isEmpty { lost += real - since }
  }

  func now(_ real: Duration) -> Duration { (holders.isEmpty ? real : since) - lost }
}
