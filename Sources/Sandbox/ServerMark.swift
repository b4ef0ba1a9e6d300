// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The start of the names of all that a server process leaves on the host, so that a later one can tell whether the owner
/// still lives: the pid namespace, the pid, and the process's start time (a pid alone may have been given to another).
struct ServerMark: Equatable, Sendable, CustomStringConvertible {
  var namespace: String
  var pid: Int32
  var startTime: String

  var description: String { "\(namespace)-\(pid)-\(startTime)" }

  static let own = ServerMark(namespace: ownNamespace, pid: getpid(), startTime: startTime(of: getpid()) ?? "0")

  private static let ownNamespace: String =
    // "pid:[4026531836]"
    (Descriptors.linkTarget("/proc/self/ns/pid") ?? "").filter(\.isNumber)

  /// Reads a name of the form mark-number.
  init?(name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, let pid = Int32(parts[1]), !parts[0].isEmpty, parts[0].allSatisfy(\.isNumber) else { return nil }
    self.init(namespace: String(parts[0]), pid: pid, startTime: String(parts[2]))
  }

  init(namespace: String, pid: Int32, startTime: String) {
    self.namespace = namespace
    self.pid = pid
    self.startTime = startTime
  }

  /// True only if it certainly is: a server in another pid namespace cannot be seen from here.
  var isDead: Bool { namespace == Self.ownNamespace && Self.startTime(of: pid) != startTime }

  /// In clock ticks since the host's start, field 22 of /proc/PID/stat.
  static func startTime(of pid: Int32) -> String? {
    guard let text = Descriptors.read("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }
}
