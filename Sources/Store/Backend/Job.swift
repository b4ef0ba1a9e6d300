/// A caller's body on its way through a store's threads, with the result that it will get.
package protocol Job<Access>: AnyObject, Sendable {
  associatedtype Access
  /// Runs the body and keeps its result. False when the body threw, so that its writes are undone.
  func run(_ access: Access) -> Bool
  /// Resumes the caller: with the kept result, or with the failure of the store.
  func finish(_ failure: StoreError?)
}

package final class BodyJob<Access, T: Sendable>: Job, @unchecked Sendable {
  // Unchecked: `outcome` is written by the one thread that took the job from the queue, which also finishes it.
  private let body: @Sendable (Access) throws -> T
  private let done: @Sendable (Result<T, any Error>) -> Void
  private var outcome: Result<T, any Error> = .failure(StoreError.closed)

  package init(
    _ body: @escaping @Sendable (Access) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    self.body = body
    self.done = done
  }
  package convenience init(_ body: @escaping @Sendable (Access) throws -> T, _ caller: CheckedContinuation<T, any Error>) {
    self.init(body) { caller.resume(with: $0) }
  }

  package func run(_ access: Access) -> Bool {
    outcome = Result { try body(access) }
    if case .success = outcome { return true }
    return false
  }

  package func finish(_ failure: StoreError?) {
    done(failure.map { .failure($0) } ?? outcome)
  }
}

extension WorkQueue {
  /// Hands a job over, or fails its caller at once.
  package func submit<Access>(_ job: any Job<Access>, as item: Item) {
    do { try add(item) } catch .closed { job.finish(.closed) } catch {
      job.finish(.unavailable("too many calls wait for the store"))
    }
  }
}
