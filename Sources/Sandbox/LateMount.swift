// SPDX-License-Identifier: Apache-2.0
import CMount
import Glibc

/// Lets directories of the host appear in a sandbox that runs already.
enum LateMount {
  /// The calls change what their thread sees of the file system for good, so each time a thread is made for them; it lives for
  /// a tenth of a millisecond.
  /// - Parameter namespace: the mount namespace of the sandbox.
  static func attach(_ binds: [SandboxSpec.Bind], in namespace: Int32) async throws {
    let job = Job(binds: binds, namespace: namespace)
    try await withCheckedThrowingContinuation { continuation in
      job.start(continuation)
    }
  }

  private final class Job {
    private let binds: [SandboxSpec.Bind]
    private let namespace: Int32
    private var continuation: CheckedContinuation<Void, any Error>?

    init(binds: [SandboxSpec.Bind], namespace: Int32) { (self.binds, self.namespace) = (binds, namespace) }

    func start(_ continuation: CheckedContinuation<Void, any Error>) {
      self.continuation = continuation
      var thread = pthread_t()
      let context = Unmanaged.passRetained(self)
      let result = pthread_create(
        &thread, nil,
        { context in
          // The pointer is the retained job that pthread_create was given, never nil.
          Unmanaged<Job>.fromOpaque(context!).takeRetainedValue().run()
          return nil
        }, context.toOpaque())
      guard result == 0 else {
        context.release()
        return continuation.resume(throwing: SandboxError(step: "mount thread", path: "", errno: result))
      }
      pthread_detach(thread)
    }

    private func run() {
      let hosts = binds.map { UnsafePointer(strdup($0.host)) }
      let guests = binds.map { UnsafePointer(strdup($0.guest)) }
      defer { for text in hosts + guests { free(UnsafeMutablePointer(mutating: text)) } }
      var step: UnsafePointer<CChar>?
      let error = dewpoint_mount_inside(namespace, Int32(binds.count), hosts, guests, &step)
      if error == 0 {
        continuation?.resume()
      } else {
        continuation?.resume(
          throwing: SandboxError(step: step.map { String(cString: $0) } ?? "mount", path: binds.first?.guest ?? "", errno: error))
      }
    }
  }
}
