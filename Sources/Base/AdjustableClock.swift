import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The clock of a running server: it follows the real clock until the user freezes or advances it.
///
/// Sleepers wait for the *adjusted* time: an advance by six hours wakes at once whoever had less than that to wait.
/// One thread keeps the earliest real deadline; it is the only thing in the process that waits on a timer for `now()`.
public final class AdjustableClock: AmbientClock {
  /// How adjusted time follows from real time. `running` may become `frozen` and back.
  public enum Mode: Sendable, Equatable {
    case running(offset: Duration)
    case frozen(at: Instant)
  }

  private struct Sleeper {
    var deadline: Instant
    var id: UInt64
    var wake: CheckedContinuation<Void, any Error>
  }
  private struct State {
    var mode: Mode = .running(offset: .zero)
    var sleepers: [UInt64: Sleeper] = [:]
    var deadlines: [(Instant, UInt64)] = []  // a binary heap, earliest first; cancelled ids are skipped when they surface
    var cancelled: Set<UInt64> = []
    var nextID: UInt64 = 0

    /// Cancelled sleepers leave their deadlines behind, so those are sorted out when they have become the greater part.
    mutating func push(_ deadline: Instant, _ id: UInt64) {
      if deadlines.count > 64, deadlines.count > 2 * sleepers.count {
        // A sorted array is a heap.
        deadlines = deadlines.filter { sleepers[$0.1] != nil && $0.1 != id }.sorted { $0 < $1 }
      }
      deadlines.push((deadline, id))
    }
  }

  private let state = Mutex(State())
  private let alarm = Alarm()

  public init(mode: Mode = .running(offset: .zero)) {
    state.withLock { $0.mode = mode }
    alarm.start { [weak self] in self?.ring() }
  }
  deinit { alarm.stop() }

  public func wallNow() -> Instant {
    var t = timespec()
    clock_gettime(CLOCK_REALTIME, &t)
    return Instant(milliseconds: Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000)
  }
  public func monotonic() -> Duration {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return .seconds(t.tv_sec) + .nanoseconds(t.tv_nsec)
  }
  public func sleepReal(for duration: Duration) async throws { try await Task.sleep(for: duration) }

  public func now() -> Instant { state.withLock { now($0) } }
  private func now(_ state: State) -> Instant {
    switch state.mode {
    case .running(let offset): wallNow() + offset
    case .frozen(let instant): instant
    }
  }

  public var mode: Mode { state.withLock { $0.mode } }

  /// Stops adjusted time where it is.
  public func freeze() { change { $0.mode = .frozen(at: self.now($0)) } }
  /// Lets adjusted time run on from where it is.
  public func resume() {
    change { if case .frozen(let instant) = $0.mode { $0.mode = .running(offset: instant - self.wallNow()) } }
  }
  /// Moves adjusted time forward; it never goes back.
  public func advance(by duration: Duration) {
    guard duration > .zero else { return }
    change { state in
      switch state.mode {
      case .running(let offset): state.mode = .running(offset: offset + duration)
      case .frozen(let instant): state.mode = .frozen(at: instant + duration)
      }
    }
  }
  /// Takes the state of another clock over, which may lie in the past: only while nobody works by this one.
  public func set(_ mode: Mode) { change { $0.mode = mode } }
  /// Back to the real time, running.
  public func reset() { change { $0.mode = .running(offset: .zero) } }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { body(&$0) }
    ring()
  }

  public func sleep(until deadline: Instant) async throws {
    let id = state.withLock { state -> UInt64 in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        var isEarliest = false
        let outcome = state.withLock { state -> Result<Bool, any Error>? in
          if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
          if now(state) >= deadline { return .success(true) }
          state.sleepers[id] = Sleeper(deadline: deadline, id: id, wake: continuation)
          state.push(deadline, id)
          // The alarm must know of a deadline before its own; a frozen clock has none.
          isEarliest = state.deadlines.first?.1 == id
          return nil
        }
        switch outcome {
        case .failure(let error): continuation.resume(throwing: error)
        case .success: continuation.resume()
        case nil: if isEarliest { alarm.reconsider() }
        }
      }
    } onCancel: {
      let sleeper = state.withLock { state -> Sleeper? in
        if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper }
        state.cancelled.insert(id)
        return nil
      }
      sleeper?.wake.resume(throwing: CancellationError())
    }
    state.withLock { _ = $0.cancelled.remove(id) }
  }

  /// Wakes whoever is due and tells the alarm when to ring next.
  private func ring() {
    let (due, next) = state.withLock { state -> ([Sleeper], Duration?) in
      let now = self.now(state)
      var due: [Sleeper] = []
      while let (deadline, id) = state.deadlines.first {
        guard state.sleepers[id] != nil else { state.deadlines.pop(); continue }
        guard deadline <= now else { break }
        state.deadlines.pop()
        if let sleeper = state.sleepers.removeValue(forKey: id) { due.append(sleeper) }
      }
      guard let (deadline, _) = state.deadlines.first, case .running = state.mode else { return (due, nil) }
      return (due, deadline - now)
    }
    for sleeper in due { sleeper.wake.resume() }
    alarm.set(in: next)
  }
}

/// A thread that calls back after a real duration which may be changed while it waits.
private final class Alarm: @unchecked Sendable {  // every field is guarded by `mutex`
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var deadline: timespec?
  private var mustLook = true
  private var stopped = false

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    #if canImport(Glibc)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    #endif
    pthread_cond_init(condition, &attributes)
  }

  func start(_ callback: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Start(alarm: self, callback: callback))
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let result = pthread_create(&thread, nil, { argument in
      #if canImport(Glibc)
        let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()  // the pointer passed just below
      #else
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      #endif
      start.alarm.run(start.callback)
      return nil
    }, box.toOpaque())
    precondition(result == 0, "clock: pthread_create failed with \(result)")
    #if canImport(Glibc)
      pthread_detach(thread)
    #else
      if let thread { pthread_detach(thread) }
    #endif
  }
  private final class Start {
    let alarm: Alarm
    let callback: @Sendable () -> Void
    init(alarm: Alarm, callback: @escaping @Sendable () -> Void) { (self.alarm, self.callback) = (alarm, callback) }
  }

  private func run(_ callback: () -> Void) {
    pthread_mutex_lock(mutex)
    while !stopped {
      if mustLook {
        mustLook = false
        deadline = nil
        pthread_mutex_unlock(mutex)
        callback()
        pthread_mutex_lock(mutex)
      } else if var until = deadline {
        if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { mustLook = true }
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
    pthread_mutex_unlock(mutex)
  }

  /// Calls back soon to find the next deadline.
  func reconsider() { locked { mustLook = true } }
  func set(in duration: Duration?) {
    locked {
      guard let duration else { return }
      var t = timespec()
      clock_gettime(CLOCK_MONOTONIC, &t)
      // A minute at most: the real clock may have been set or the machine may have slept meanwhile.
      let wait = min(max(duration, .milliseconds(1)), .seconds(60))
      let nanoseconds = Int64(t.tv_nsec) + wait.inMilliseconds * 1_000_000
      t.tv_sec += Int(nanoseconds / 1_000_000_000)
      t.tv_nsec = Int(nanoseconds % 1_000_000_000)
      if let old = deadline, (old.tv_sec, old.tv_nsec) <= (t.tv_sec, t.tv_nsec) { return }
      deadline = t
    }
  }
  func stop() { locked { stopped = true } }

  private func locked(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }
}

extension Array where Element == (Instant, UInt64) {
  fileprivate mutating func push(_ element: Element) {
    append(element)
    var i = count - 1
    while i > 0, self[i] < self[(i - 1) / 2] {
      swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }
  fileprivate mutating func pop() {
    swapAt(0, count - 1)
    removeLast()
    var i = 0
    while true {
      var least = i
      for child in [2 * i + 1, 2 * i + 2] where child < count && self[child] < self[least] { least = child }
      guard least != i else { return }
      swapAt(i, least)
      i = least
    }
  }
}
