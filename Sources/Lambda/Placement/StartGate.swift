import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Lets only so many environments boot at the same time, the others in the order in which they came.
///
/// On AWS every environment brings processors of its own. Here they share the host's: a burst of cold starts all at once would
/// let each of them take so long that init phases and invocations time out together.
final class StartGate: Sendable {
  private struct State {
    var free: Int
    /// Bounded by the accounts' concurrency.
    var waiting: [CheckedContinuation<Void, Never>] = []
    var head = 0
  }
  private let state: Mutex<State>

  /// - Parameter places: how many may boot together.
  init(places: Int = StartGate.placesOfHost) { state = Mutex(State(free: max(1, places))) }

  /// Two for each processor: a boot also waits for the disk.
  static var placesOfHost: Int { 2 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// Returns when there is a place; each return needs one `leave`.
  func enter() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.free > 0 else {
          state.waiting.append(continuation)
          return false
        }
        state.free -= 1
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  func leave() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.head < state.waiting.count else {
        state.free += 1
        return nil
      }
      defer {
        state.head += 1
        if state.head == state.waiting.count { (state.waiting, state.head) = ([], 0) }
      }
      return state.waiting[state.head]
    }
    next?.resume()
  }
}
