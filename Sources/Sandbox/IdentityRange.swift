// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// The host uids (and equal gids) for functions when the server is root: 1,900,000,000 to 1,900,065,535, which neither people,
/// services, systemd's ranges nor the usual subordinate ids use. Each temporary directory has one of its own, so the limit of
/// processes and the ownership of files are per environment. In a container that lacks them, the top of what it has.
final class IdentityRange: Sendable {
  let first: UInt32
  let count: UInt32
  private let state: Mutex<(next: UInt32, used: Set<UInt32>)>

  /// - Parameter start: where to begin in the range. Servers side by side begin far apart, because the kernel counts the
  ///   processes of a uid over all of them.
  init(first: UInt32, count: UInt32, start: UInt32 = IdentityRange.placeOfProcess) {
    self.first = first
    self.count = count
    state = Mutex((start % count, []))
  }

  private static let placeOfProcess = (UInt32(bitPattern: getpid()) &* 2_654_435_761) >> 16

  /// `nil` if the server is not root, or is root only of a namespace that has no further uid.
  static func usable() -> IdentityRange? { ofProcess }

  /// One for all hosts of the process: two of them must not hand out the same uid.
  private static let ofProcess: IdentityRange? =
    geteuid() == 0 ? choose(uidMap: Descriptors.read("/proc/self/uid_map") ?? "") : nil

  static func choose(uidMap: String) -> IdentityRange? {
    let ranges = uidMap.split(separator: "\n").compactMap { line -> (first: UInt64, count: UInt64)? in
      let numbers = line.split(separator: " ").compactMap { UInt64($0) }
      return numbers.count == 3 ? (numbers[0], numbers[2]) : nil
    }
    let wanted: UInt64 = 1_900_000_000
    if ranges.contains(where: { $0.first <= wanted && wanted + 65_536 <= $0.first + $0.count }) {
      return IdentityRange(first: UInt32(wanted), count: 65_536)
    }
    guard let last = ranges.max(by: { $0.first < $1.first }), last.count >= 8_000 else { return nil }
    // Below 65,534 (nobody), which is the last but one of the usual 65,536.
    return IdentityRange(first: UInt32(last.first + last.count - 5_000), count: 4_000)
  }

  func take() throws(SandboxError) -> (uid: UInt32, gid: UInt32) {
    let taken: UInt32? = state.withLock { state in
      guard state.used.count < Int(count) else { return nil }
      // The next in turn, so that a uid rests for long before it is used again.
      while state.used.contains(state.next) { state.next = (state.next + 1) % count }
      defer { state.next = (state.next + 1) % count }
      state.used.insert(state.next)
      return first + state.next
    }
    guard let taken else { throw SandboxError(step: "take uid", path: "", errno: EAGAIN, detail: "all \(count) are in use") }
    return (taken, taken)
  }

  func giveBack(_ identity: (uid: UInt32, gid: UInt32)) {
    _ = state.withLock { $0.used.remove(identity.uid - first) }
  }
}
