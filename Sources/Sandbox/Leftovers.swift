// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a server leaves when it is killed. Its sandboxes die with it, but their groups and mounts stay.
enum Leftovers {
  /// The number of control groups and directories removed.
  static func remove(layout: ControlGroupLayout, directory: String) -> Int {
    var count = 0
    for base in Set(layout.bases.values) {
      for name in Descriptors.list(base) where ServerMark(name: name)?.isDead == true {
        kill("\(base)/\(name)", version: layout.version)
        if rmdir("\(base)/\(name)") == 0 { count += 1 }
      }
    }
    for name in Descriptors.list(directory) where ServerMark(name: name)?.isDead == true {
      TemporaryDirectory.remove("\(directory)/\(name)")
      count += 1
    }
    return count
  }

  private static func kill(_ path: String, version: ControlGroupLayout.Version) {
    // Only the freezer's directory has this file; a frozen v1 process does not die before it is thawed.
    if version == .v1 { try? Descriptors.write("THAWED", to: path + "/freezer.state") }
    for _ in 0..<100 {
      let members = (Descriptors.read(path + "/cgroup.procs") ?? "").split(separator: "\n").compactMap { pid_t($0) }
      if members.isEmpty { return }
      for pid in members where pid > 1 { Glibc.kill(pid, SIGKILL) }
      // Once a server's life, before it serves: a few milliseconds for processes to die.
      usleep(1000)
    }
  }
}
