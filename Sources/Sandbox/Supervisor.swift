// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// The one thread that starts sandboxes, hears their control sockets, reads their output and reaps them.
///
/// It never ends, which is needed: a child's parent-death signal is sent when the *thread* that started it ends, and the
/// threads of the cooperative pool come and go. No call on it waits for longer than a child needs to die from SIGKILL.
final class Supervisor: Sendable {
  static let shared = Supervisor()

  private let calls = Mutex<[SandboxLife]>([])
  private let wakeRead: Int32
  private let wakeWrite: Int32

  private init() {
    // Without two descriptors at the first launch nothing could be started anyway; each launch then reports its own error.
    let ends = (try? Descriptors.pipe()) ?? (read: -1, write: -1)
    (wakeRead, wakeWrite) = ends
    for end in [wakeRead, wakeWrite] where end >= 0 { Descriptors.setNonBlocking(end) }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        // The pointer is the retained supervisor that pthread_create was given, never nil.
        Unmanaged<Supervisor>.fromOpaque(context!).takeUnretainedValue().run()
      }, context)
    pthread_detach(thread)
  }

  /// Takes a new sandbox over, or looks again at one that it has.
  func attend(to life: SandboxLife) {
    calls.withLock { $0.append(life) }
    wake()
  }

  func wake() {
    var byte: UInt8 = 0
    // A full pipe is a wake-up that has not been seen yet.
    _ = write(wakeWrite, &byte, 1)
  }

  private enum Source {
    case wake
    case control(SandboxLife)
    case network(SandboxLife)
    case output(SandboxLife)
  }

  private func run() -> Never {
    var lives: [SandboxLife] = []
    while true {
      let called = calls.withLock { list in
        defer { list = [] }
        return list
      }
      for life in called {
        life.attend()
        if !lives.contains(where: { $0 === life }) { lives.append(life) }
      }
      lives.removeAll { $0.tick() }

      var sources: [Source] = [.wake]
      var polled = [pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0)]
      for life in lives {
        if let descriptor = life.controlToPoll() {
          sources.append(.control(life))
          polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        if let descriptor = life.networkToPoll() {
          sources.append(.network(life))
          polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        if let descriptor = life.output.descriptorToPoll() {
          sources.append(.output(life))
          polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
      }
      // Groups that are not empty yet are asked again after a millisecond.
      poll(&polled, nfds_t(polled.count), lives.contains { $0.isDying } ? 1 : -1)
      for (source, entry) in zip(sources, polled) where entry.revents != 0 {
        switch source {
        case .wake: drainWake()
        case .control(let life): life.controlReadable()
        case .network(let life): life.networkReadable()
        case .output(let life): life.output.readable()
        }
      }
    }
  }

  private func drainWake() {
    var bytes = [UInt8](repeating: 0, count: 256)
    while read(wakeRead, &bytes, bytes.count) > 0 {}
  }
}
