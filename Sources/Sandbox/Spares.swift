// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Keeps one process waiting in a control group of its own, so that a launch need not wait for the group: on a quiet host the
/// kernel takes about ten milliseconds for a process to join one.
final class Spares: Sendable {
  private let setting: SandboxLife.Setting
  private let waiting: Mutex<[SandboxLife]> = Mutex([])
  private let makeID: @Sendable () -> String

  init(_ setting: SandboxLife.Setting, makeID: @escaping @Sendable () -> String) {
    self.setting = setting
    self.makeID = makeID
  }

  deinit { endAll() }

  /// Sandboxes get their way out from a process beside them.
  var givesUserNetwork: Bool { setting.userNetwork != nil }

  /// One that waits or will soon, or a new one. What is not used here would wait for ever: only what is dying is passed over.
  func take() throws(SandboxError) -> SandboxLife {
    let spare: SandboxLife? = waiting.withLock { waiting in
      while let life = waiting.popLast() { if life.isSpare { return life } }
      return nil
    }
    if let spare { return spare }
    return try SandboxLife(id: makeID(), setting)
  }

  /// Sees to it that one waits. A failure shows when a launch tries the same.
  func refill() {
    let made = waiting.withLock { waiting -> SandboxLife? in
      guard waiting.isEmpty, let life = try? SandboxLife(id: makeID(), setting) else { return nil }
      waiting = [life]
      return life
    }
    if let made { Supervisor.shared.attend(to: made) }
  }

  func endAll() {
    let all = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for life in all { life.kill() }
  }
}
