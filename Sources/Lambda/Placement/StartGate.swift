import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Lets only so many environments boot at the same time.
///
/// On AWS every environment brings processors of its own. Here they share the host's: a burst of cold starts all at once would
/// let each of them take so long that init phases and invocations time out together.
final class StartGate: Sendable {
  enum Purpose: Sendable {
    /// An invocation waits for it.
    case invocation
    /// It is made ready for later. Such boots take half of the places at most, and one of them at least when they wait.
    case later
  }

  /// Who waits, in the order in which they came. Bounded by the accounts' concurrency and the number of spares.
  private struct Line {
    var waiting: [CheckedContinuation<Void, Never>] = []
    var head = 0

    var isEmpty: Bool { head == waiting.count }
    mutating func pop() -> CheckedContinuation<Void, Never> {
      defer {
        head += 1
        if isEmpty { (waiting, head) = ([], 0) }
      }
      return waiting[head]
    }
  }
  private struct State {
    var free: Int
    /// Places that boots for later have.
    var later = 0
    var invocations = Line()
    var others = Line()

    /// Gives a free place to whoever is next.
    mutating func next(half: Int) -> CheckedContinuation<Void, Never>? {
      guard free > 0 else { return nil }
      let maySecond = !others.isEmpty && (later == 0 || invocations.isEmpty && later < half)
      guard maySecond || !invocations.isEmpty else { return nil }
      free -= 1
      guard maySecond else { return invocations.pop() }
      later += 1
      return others.pop()
    }
  }
  private let state: Mutex<State>
  private let half: Int

  /// - Parameter places: how many may boot together.
  init(places: Int = StartGate.placesOfHost) {
    state = Mutex(State(free: max(1, places)))
    half = max(1, places / 2)
  }

  /// Two for each processor: a boot also waits for the disk.
  static var placesOfHost: Int { 2 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// Returns when there is a place; each return needs one `leave`.
  func enter(_ purpose: Purpose = .invocation) async {
    await withCheckedContinuation { continuation in
      admit { state in
        switch purpose {
        case .invocation: state.invocations.waiting.append(continuation)
        case .later: state.others.waiting.append(continuation)
        }
      }
    }
  }

  func leave(_ purpose: Purpose = .invocation) {
    admit { state in
      state.free += 1
      if purpose == .later { state.later -= 1 }
    }
  }

  private func admit(after change: (inout State) -> Void) {
    let admitted = state.withLock { state in
      change(&state)
      var admitted: [CheckedContinuation<Void, Never>] = []
      while let next = state.next(half: half) { admitted.append(next) }
      return admitted
    }
    for continuation in admitted { continuation.resume() }
  }
}
