// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// The limits of one sandbox: a directory `dewpoint/<id>` in each hierarchy.
final class ControlGroup: Sendable {
  private let version: ControlGroupLayout.Version
  private let paths: [ControlGroupLayout.Controller: String]
  /// Kept open, because freezing and thawing happens around each invocation.
  private let freezerFile: Mutex<Int32>
  /// Opened by the first question and kept, because it is read after each invocation. Nil: not asked yet; -1: there is none.
  private let peakFile = Mutex<Int32?>(nil)

  /// The processor time that a share is counted over. Short, so that a small share is many short waits.
  static let periodMicroseconds = 20_000

  init(_ layout: ControlGroupLayout, name: String) throws(SandboxError) {
    version = layout.version
    paths = layout.bases.mapValues { $0 + "/" + name }
    freezerFile = Mutex(-1)
    for path in Set(paths.values) { try Descriptors.makeDirectory(path) }
    if let freezer = paths[.freezer] {
      let file = open(freezer + (version == .v2 ? "/cgroup.freeze" : "/freezer.state"), O_WRONLY | O_CLOEXEC)
      freezerFile.withLock { $0 = file }
    }
  }

  deinit {
    freezerFile.withLock { if $0 >= 0 { close($0) } }
    peakFile.withLock { if let file = $0, file >= 0 { close(file) } }
  }

  /// The files that a process writes itself into.
  var memberFiles: [String] { Set(paths.values).sorted().map { $0 + "/cgroup.procs" } }

  func setLimits(memoryBytes: Int, cpuShare: Double?, maximumProcesses: Int) throws(SandboxError) {
    try setMemoryLimit(bytes: memoryBytes)
    if let pids = paths[.pids] { try Descriptors.write("\(maximumProcesses)", to: pids + "/pids.max") }
    try setCPUShare(cpuShare)
  }

  func setMemoryLimit(bytes: Int) throws(SandboxError) {
    guard let memory = paths[.memory] else { return }
    if version == .v2 {
      try Descriptors.write("\(bytes)", to: memory + "/memory.max")
      try? Descriptors.write("0", to: memory + "/memory.swap.max")
    } else {
      // The limit with swap may not be the lower one at any moment, so it is raised before and lowered after the other.
      try? Descriptors.write("\(bytes)", to: memory + "/memory.memsw.limit_in_bytes")
      try Descriptors.write("\(bytes)", to: memory + "/memory.limit_in_bytes")
      try? Descriptors.write("\(bytes)", to: memory + "/memory.memsw.limit_in_bytes")
      // What waits in sockets is counted apart, and without a limit not at all. With one, a socket beyond it gets only the least.
      try? Descriptors.write("\(bytes)", to: memory + "/memory.kmem.tcp.limit_in_bytes")
    }
  }

  func setCPUShare(_ share: Double?) throws(SandboxError) {
    guard let cpu = paths[.cpu] else { return }
    let period = Self.periodMicroseconds
    // The kernel refuses less than a millisecond.
    let quota = share.map { max(1000, Int($0 * Double(period))) }
    if version == .v2 {
      try Descriptors.write("\(quota.map { "\($0)" } ?? "max") \(period)", to: cpu + "/cpu.max")
    } else {
      try Descriptors.write("\(period)", to: cpu + "/cpu.cfs_period_us")
      try Descriptors.write("\(quota ?? -1)", to: cpu + "/cpu.cfs_quota_us")
    }
  }

  /// False where there is no freezer.
  @discardableResult
  func setFrozen(_ frozen: Bool) -> Bool {
    let text = version == .v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED")
    return freezerFile.withLock { file in file >= 0 && pwrite(file, text, text.utf8.count, 0) > 0 }
  }

  func peakMemoryBytes() -> Int? {
    peakFile.withLock { file in
      let open = file ?? openPeakFile()
      file = open
      guard open >= 0 else { return nil }
      var value = 0
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { text in
        let count = pread(open, text.baseAddress, text.count, 0)
        for digit in text.prefix(max(count, 0)).prefix(while: { (48...57).contains($0) }) { value = value * 10 + Int(digit - 48) }
      }
      return value == 0 ? nil : value
    }
  }

  private func openPeakFile() -> Int32 {
    guard let memory = paths[.memory] else { return -1 }
    for name in version == .v2 ? ["memory.peak", "memory.current"] : ["memory.max_usage_in_bytes"] {
      let file = open("\(memory)/\(name)", O_RDONLY | O_CLOEXEC)
      if file >= 0 { return file }
    }
    return -1
  }

  var wasOutOfMemory: Bool {
    guard let memory = paths[.memory] else { return false }
    let text = Descriptors.read(memory + (version == .v2 ? "/memory.events" : "/memory.oom_control")) ?? ""
    return text.split(separator: "\n").contains { line in
      line.hasPrefix("oom_kill ") && line != "oom_kill 0"
    }
  }

  /// Kills the members, but not `spared`, our own child: bubblewrap then reaps process 1 and ends by itself, so that no zombie
  /// falls to an init that may not reap. One pass is enough, because process 1 of the namespace is a member and takes all
  /// others with it. They stand still meanwhile, so that none sees another one die and ends by itself; and thaw, because a process
  /// that a v1 group has frozen does not die.
  func killMembers(except spared: pid_t?) {
    setFrozen(true)
    for path in Set(paths.values) {
      for pid in (Descriptors.read(path + "/cgroup.procs") ?? "").split(separator: "\n").compactMap({ pid_t($0) })
      where pid > 1 && pid != spared {
        Glibc.kill(pid, SIGKILL)
      }
    }
    setFrozen(false)
  }

  /// False while processes are still dying in it; then it is asked again.
  func remove() -> Bool {
    var gone = true
    for path in Set(paths.values) where rmdir(path) != 0 && errno != ENOENT { gone = false }
    return gone
  }
}
