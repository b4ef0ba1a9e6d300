#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Work that waits for threads of its own: blocking calls must not hold up the cooperative pool.
package final class WorkQueue<Item: Sendable>: @unchecked Sendable {
  // Unchecked: the variables are touched only with `mutex` held.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let limit: Int
  private var items: [Item] = []
  private var head = 0
  private var sleeping = 0
  /// Of those that sleep, how many have been woken and have not run yet.
  private var waking = 0
  /// A thread that gathers is not woken for less.
  private var wanted = 1
  /// Callers beyond the first one of items that wait.
  private var joined = 0
  /// How many callers the items had that were taken last. For a single taker.
  package private(set) var takenCallers = 0
  private var isClosed = false

  package enum Refusal: Error { case full, closed }

  /// At most `limit` items wait; beyond that `add` refuses.
  package init(limit: Int) {
    self.limit = limit
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func add(_ item: Item) throws(Refusal) {
    if try append(item) { pthread_cond_signal(condition) }
  }

  /// Whether a thread is to be woken: once, however much comes before it runs, and only when it can have the lock.
  private func append(_ item: Item) throws(Refusal) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if isClosed { throw .closed }
    if items.count - head >= limit { throw .full }
    items.append(item)
    return wakesTaker()
  }

  /// With the lock held.
  private func wakesTaker() -> Bool {
    guard sleeping > waking, callers >= wanted else { return false }
    waking += 1
    return true
  }
  private var callers: Int { items.count - head + joined }

  /// An item that waits has one more caller.
  package func join() {
    pthread_mutex_lock(mutex)
    joined += 1
    // Only one who gathers is waked by it: without an item there is nothing to do.
    let wakes = wanted > 1 && items.count > head && wakesTaker()
    pthread_mutex_unlock(mutex)
    if wakes { pthread_cond_signal(condition) }
  }

  /// Waits until there is work and takes up to `most` items in order. Empty once the queue is closed and drained.
  ///
  /// With `gathering`, waits up to `nanoseconds` for that many callers, for one taker whose work costs the same for few
  /// and many.
  package func take(most: Int, gathering count: Int = 1, nanoseconds: Int = 0) -> [Item] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if count > 1, nanoseconds > 0 { gather(count, nanoseconds) }
    while head == items.count {
      if isClosed { return [] }
      sleep { pthread_cond_wait(condition, mutex) }
    }
    takenCallers = callers
    joined = 0
    if head == 0, items.count <= most {
      defer { items = [] }
      return items
    }
    let taken = Array(items[head..<min(items.count, head + most)])
    head += taken.count
    if head == items.count { items.removeAll(keepingCapacity: true); head = 0 }
    else if head > 1024 { items.removeFirst(head); head = 0 }
    return taken
  }

  private func gather(_ count: Int, _ nanoseconds: Int) {
    var deadline = timespec()
    // Real time, beneath every clock: it bounds a wait of microseconds and is part of no result.
    clock_gettime(CLOCK_REALTIME, &deadline)
    let end = Int(deadline.tv_nsec) + nanoseconds
    deadline.tv_sec += time_t(end / 1_000_000_000)
    deadline.tv_nsec = end % 1_000_000_000
    wanted = count
    while callers < count, !isClosed {
      if sleep({ pthread_cond_timedwait(condition, mutex, &deadline) }) != 0 { break }
    }
    wanted = 1
  }

  @discardableResult
  private func sleep(_ wait: () -> Int32) -> Int32 {
    sleeping += 1
    defer {
      sleeping -= 1
      // Whoever wakes by itself may take this from another one, who is then woken twice; nobody is left asleep.
      waking = max(0, waking - 1)
    }
    return wait()
  }

  /// What waits is still done; nothing more is accepted. May be called again.
  package func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}

/// Starts a detached thread. It lives until the body returns.
package func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
  final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }
  }
  let argument = Unmanaged.passRetained(Start(name, body)).toOpaque()
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  pthread_attr_setstacksize(&attributes, 1 << 20)
  defer { pthread_attr_destroy(&attributes) }
  #if canImport(Glibc)
    var thread = pthread_t()
    let failure = pthread_create(&thread, &attributes, { argument in
      // Set from the retained value that `startThread` passed, exactly once.
      guard let argument else { return nil }
      let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      nameThisThread(start.name)
      start.body()
      return nil
    }, argument)
  #else
    var thread: pthread_t?
    let failure = pthread_create(&thread, &attributes, { argument in
      let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      pthread_setname_np(start.name)
      start.body()
      return nil
    }, argument)
  #endif
  precondition(failure == 0, "cannot start thread \(name): errno \(failure)")
}

#if canImport(Glibc)
  /// For `top -H` and profiles. The call that sets it is not in the headers that Swift sees, the file is.
  private func nameThisThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, min(strlen($0), 15)) }
    close(file)
  }
#endif
