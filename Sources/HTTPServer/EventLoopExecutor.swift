import NIOCore

/// Runs tasks on one event loop, so that a request's task never leaves the thread that owns its connection.
final class EventLoopExecutor: TaskExecutor, @unchecked Sendable {  // `startsInline` is touched on the loop only
  let loop: any EventLoop
  private var startsInline = false

  init(loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if loop.inEventLoop, startsInline {
      startsInline = false
      job.runSynchronously(on: asUnownedTaskExecutor())
    } else {
      loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
  }

  /// Starts a task that runs up to its first suspension before this returns: a handler that does not wait costs no hop.
  ///
  /// This is the one place with unstructured tasks in this target: a request's life is its connection's, which is a
  /// channel and not a scope. The connection cancels the task when it ends, and the server's stop waits for it.
  func start(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    loop.preconditionInEventLoop()
    startsInline = true
    defer { startsInline = false }
    return Task(executorPreference: self, operation: operation)
  }
}
