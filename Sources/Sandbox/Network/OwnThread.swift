// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Does something on a thread that then ends, and waits for it: calls that change what their thread sees for good, such as its
/// namespaces. A thread lives for a tenth of a millisecond besides.
enum OwnThread {
  static func run<T: Sendable>(_ body: @escaping @Sendable () throws(SandboxError) -> T) throws(SandboxError) -> T {
    let job = Job(body)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(job)
    let started = pthread_create(
      &thread, nil,
      { context in
        // The pointer is the retained job that pthread_create was given, never nil.
        Unmanaged<AnyJob>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard started == 0 else {
      context.release()
      throw SandboxError(step: "start thread", path: "", errno: started)
    }
    pthread_join(thread, nil)
    // The thread has ended, so it has set it.
    guard let result = job.result else { throw SandboxError(step: "run thread", path: "") }
    return try result.get()
  }

  private class AnyJob {
    func run() {}
  }

  private final class Job<T: Sendable>: AnyJob {
    private let body: @Sendable () throws(SandboxError) -> T
    var result: Result<T, SandboxError>?
    init(_ body: @escaping @Sendable () throws(SandboxError) -> T) { self.body = body }
    override func run() { result = Result { () throws(SandboxError) in try body() } }
  }
}
