// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where this host lets us make control groups, and for what. Found once at start.
struct ControlGroupLayout: Sendable, Equatable {
  enum Controller: String, CaseIterable, Sendable {
    case memory, cpu, pids, freezer
  }
  enum Version: Equatable, Sendable {
    /// No usable hierarchy.
    case none
    case v1, v2
  }

  var version: Version
  /// The `dewpoint` directory for each controller that can be used. With v2 all are the same directory.
  var bases: [Controller: String]
  var problems: [SandboxReport.Problem]

  /// A line of /proc/self/mountinfo, as far as it is about control groups.
  struct Mount: Equatable {
    var path: String
    /// The part of the hierarchy that is mounted; not "/" inside a container without an own group namespace.
    var root: String
    var unified: Bool
    var controllers: Set<String>
  }

  static func mounts(_ mountinfo: String) -> [Mount] {
    mountinfo.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " ").split(separator: "-", maxSplits: 1)
      guard halves.count == 2, let first = halves.first, let second = halves.last, first.count >= 5, second.count >= 3 else {
        return nil
      }
      let head = Array(first), tail = Array(second)
      guard tail[0] == "cgroup" || tail[0] == "cgroup2" else { return nil }
      return Mount(
        path: String(head[4]), root: String(head[3]), unified: tail[0] == "cgroup2",
        controllers: Set(tail[2].split(separator: ",").map(String.init)))
    }
  }

  /// Our own group in the unified hierarchy, from /proc/self/cgroup.
  static func ownUnifiedGroup(_ text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("0::/") }.map { String($0.dropFirst(3)) }
  }

  /// Makes the `dewpoint` directories. On v2 this may move the server into a leaf group, because a group with processes
  /// of its own cannot hand controllers to its children.
  static func detect() -> ControlGroupLayout {
    let all = mounts(Descriptors.read("/proc/self/mountinfo") ?? "")
    let v1 = all.filter { !$0.unified && $0.controllers.contains("memory") }
    if !v1.isEmpty { return detectV1(all) }
    guard let mount = all.first(where: \.unified) else {
      return ControlGroupLayout(version: .none, bases: [:], problems: [
        .init(
          what: "no control groups are mounted, so functions have no limits",
          remedy: "Mount them: mount -t cgroup2 none /sys/fs/cgroup.")
      ])
    }
    return detectV2(mount, own: ownUnifiedGroup(Descriptors.read("/proc/self/cgroup") ?? "") ?? "/")
  }

  private static func detectV1(_ mounts: [Mount]) -> ControlGroupLayout {
    var layout = ControlGroupLayout(version: .v1, bases: [:], problems: [])
    for controller in Controller.allCases {
      guard let mount = mounts.first(where: { !$0.unified && $0.controllers.contains(controller.rawValue) }) else {
        layout.problems.append(
          .init(
            what: "the \(controller.rawValue) control group (v1) is not mounted",
            remedy: "Mount it below /sys/fs/cgroup, or start the host with systemd.unified_cgroup_hierarchy=1."))
        continue
      }
      let base = mount.path + "/dewpoint"
      do throws(SandboxError) {
        try Descriptors.makeDirectory(base)
        guard access(base, W_OK) == 0 else { throw .last("write", base) }
        layout.bases[controller] = base
      } catch {
        layout.problems.append(
          .init(
            what: "the \(controller.rawValue) control group cannot be used: \(error)",
            remedy: "Run the server as root, or on a host with control groups v2, which can be delegated."))
      }
    }
    if layout.bases.isEmpty { layout.version = .none }
    return layout
  }

  private static func detectV2(_ mount: Mount, own: String) -> ControlGroupLayout {
    // Only the true root of the hierarchy has no type; there processes and children with controllers go together.
    let isTrueRoot = access(mount.path + "/cgroup.type", F_OK) != 0
    let parent = isTrueRoot && geteuid() == 0 ? mount.path : own == "/" ? mount.path : mount.path + own
    var layout = ControlGroupLayout(version: .v2, bases: [:], problems: [])
    let base = parent + "/dewpoint"
    do throws(SandboxError) {
      try Descriptors.makeDirectory(base)
      if parent != mount.path || !isTrueRoot { try leave(parent, own: own) }
    } catch {
      layout.version = .none
      layout.problems.append(
        .init(
          what: "control groups cannot be made: \(error)",
          remedy: "Start the server with `systemd-run --user --scope -p Delegate=yes`, or as root."))
      return layout
    }
    layout.bases[.freezer] = base
    let controllers = Descriptors.read(parent + "/cgroup.controllers") ?? ""
    let offered = Set(controllers.split(whereSeparator: \.isWhitespace).map(String.init))
    for controller in [Controller.memory, .cpu, .pids] {
      let name = controller.rawValue
      do throws(SandboxError) {
        guard offered.contains(name) else { throw SandboxError(step: "find", path: name, detail: "not offered by \(parent)") }
        for group in [parent, base] {
          let enabled = Descriptors.read(group + "/cgroup.subtree_control") ?? ""
          guard !enabled.split(whereSeparator: \.isWhitespace).contains(Substring(name)) else { continue }
          try Descriptors.write("+\(name)", to: group + "/cgroup.subtree_control")
        }
        layout.bases[controller] = base
      } catch {
        layout.problems.append(
          .init(
            what: "the \(name) controller cannot be used: \(error)",
            remedy: "Give the server a delegated group of its own (systemd: Delegate=yes)."))
      }
    }
    return layout
  }

  /// Empties `parent`: this process goes to a leaf of it; inside a container (own group is the root) all processes do.
  private static func leave(_ parent: String, own: String) throws(SandboxError) {
    let leaf = parent + "/dewpoint-server"
    try Descriptors.makeDirectory(leaf)
    try Descriptors.write("\(getpid())", to: leaf + "/cgroup.procs")
    guard own == "/" else { return }
    for pid in (Descriptors.read(parent + "/cgroup.procs") ?? "").split(separator: "\n") {
      try? Descriptors.write(String(pid), to: leaf + "/cgroup.procs")
    }
  }
}
