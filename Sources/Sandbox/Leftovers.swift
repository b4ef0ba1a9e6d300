// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a server leaves when it is killed. Its sandboxes die with it, but their groups and mounts stay.
enum Leftovers {
  /// The number of control groups and directories removed.
  static func remove(layout: ControlGroupLayout, directory: String) -> Int {
    var count = 0
    // A frozen v1 process does not die before it is thawed; then its other groups can be emptied.
    if layout.version == .v1, let base = layout.bases[.freezer] {
      for name in dead(base) { try? Descriptors.write("THAWED", to: "\(base)/\(name)/freezer.state") }
    }
    for base in Set(layout.bases.values) {
      for name in dead(base) {
        kill("\(base)/\(name)")
        if rmdir("\(base)/\(name)") == 0 { count += 1 }
      }
    }
    for name in dead(directory) {
      TemporaryDirectory.remove("\(directory)/\(name)")
      count += 1
    }
    return count
  }

  private static func dead(_ directory: String) -> [String] {
    Descriptors.list(directory).filter { ServerMark(name: $0)?.isDead == true }
  }

  private static func kill(_ path: String) {
    for _ in 0..<2000 {
      let members = (Descriptors.read(path + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { pid_t($0) }
      if members.isEmpty { return }
      for pid in members where pid > 1 { Glibc.kill(pid, SIGKILL) }
      // Once a server's life, before it serves: processes die within milliseconds, on a busy host within a second.
      usleep(1000)
    }
  }
}
