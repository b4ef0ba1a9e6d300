import Synchronization

/// Tells every listener which functions changed.
///
/// A listener that falls 1,024 changes behind loses the oldest; nothing wrong runs then, because an environment of another
/// revision is not reused anyway, it only lives until it is idle for too long.
final class FunctionChanges: Sendable {
  private struct Listeners {
    var next = 0
    var byNumber: [Int: AsyncStream<FunctionChange>.Continuation] = [:]
  }
  private let listeners = Mutex(Listeners())

  func stream() -> AsyncStream<FunctionChange> {
    let (stream, continuation) = AsyncStream.makeStream(of: FunctionChange.self, bufferingPolicy: .bufferingNewest(1024))
    let number = listeners.withLock { listeners in
      listeners.next += 1
      listeners.byNumber[listeners.next] = continuation
      return listeners.next
    }
    continuation.onTermination = { [weak self] _ in self?.listeners.withLock { _ = $0.byNumber.removeValue(forKey: number) } }
    return stream
  }

  func send(_ change: FunctionChange) {
    for listener in listeners.withLock({ Array($0.byNumber.values) }) { listener.yield(change) }
  }
}
