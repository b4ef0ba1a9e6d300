import Testing

@testable import Sandbox

/// Rules that read what a host says, and write what its programs read.
struct HostFactTests {
  @Test func `mounts of control groups are read from mountinfo, v1 and v2`() {
    let text = """
      22 27 0:21 / /proc rw,relatime - proc proc rw
      30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
      31 25 0:27 /docker/a1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
      32 25 0:28 / /sys/fs/cgroup/unified rw shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate
      33 bad line
      """
    #expect(ControlGroupLayout.mounts(text) == [
      .init(path: "/sys/fs/cgroup/cpu,cpuacct", root: "/", unified: false, controllers: ["rw", "cpu", "cpuacct"]),
      .init(path: "/sys/fs/cgroup/memory", root: "/docker/a1", unified: false, controllers: ["rw", "memory"]),
      .init(path: "/sys/fs/cgroup/unified", root: "/", unified: true, controllers: ["rw", "nsdelegate"]),
    ])
  }

  @Test(arguments: [
    ("0::/\n", "/"), ("9:name=systemd:/x\n0::/user.slice/a.scope\n", "/user.slice/a.scope"), ("4:memory:/\n", nil),
  ])
  func `the own group of the unified hierarchy is the line with number 0`(text: String, group: String?) {
    #expect(ControlGroupLayout.ownUnifiedGroup(text) == group)
  }

  @Test(arguments: [
    ("         0          0 4294967295\n", 1_900_000_000, 65_536), ("0 100000 65536\n", 60_536, 4_000),
    ("0 1000 1\n", nil, nil), ("", nil, nil),
  ] as [(String, UInt32?, UInt32?)])
  func `uids come from the dedicated range, or from the top of what a container has`(
    map: String, first: UInt32?, count: UInt32?
  ) {
    let range = IdentityRange.choose(uidMap: map)
    #expect(range?.first == first)
    #expect(range?.count == count)
  }

  @Test func `a uid is used again only after all others, and never twice at once`() throws {
    let range = IdentityRange(first: 1000, count: 3, start: 0)
    let first = try range.take()
    range.giveBack(first)
    #expect(try [range.take().uid, range.take().uid, range.take().uid] == [1001, 1002, 1000])
    #expect(throws: SandboxError.self) { try range.take() }
  }

  @Test(arguments: [
    ("R", .running), ("L", .listeners), ("X9 2048", .ended(status: 9, peakKibibytes: 2048)),
    ("Ebind\0" + "9001\0" + "98", .failed(SandboxError(step: "bind", path: "9001", errno: 98))),
    ("", nil), ("X", nil), ("Ebind", nil), ("?", nil),
  ] as [(String, ControlMessage?)])
  func `what sandbox-init says is understood, and nonsense is not`(text: String, message: ControlMessage?) {
    #expect(ControlMessage(Array(text.utf8)) == message)
  }

  @Test func `a plan is words in a fixed order, and has a limit`() throws {
    var plan = Plan(
      identity: (7, 8), maximumOpenFiles: 9, maximumProcesses: 10, anyPort: false, handsOutNamespace: true, awaitsNetwork: false,
      listeners: [9001], workingDirectory: "/w",
      command: ["/c", ""], environment: ["B": "2", "A": "1"])
    let words = String(decoding: try plan.encoded(), as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
    #expect(words == ["7", "8", "9", "10", "1", "0", "1", "0", "1", "9001", "/w", "2", "/c", "", "2", "A=1", "B=2", ""])
    plan.environment["C"] = String(repeating: "x", count: Plan.limitBytes)
    #expect(throws: SandboxError.self) { try plan.encoded() }
  }

  @Test func `an error names the step, the path and the number`() {
    #expect(SandboxError(step: "bind", path: "9001", errno: 13).description == "bind 9001: Permission denied (errno 13)")
    #expect(SandboxError(step: "check", path: "", detail: "why").description == "check: why")
  }

  @Test(.enabled(if: Workbench.canIsolate)) func `the report says what this host can do`() async throws {
    let report = await SandboxHost.probe(sandboxInit: Workbench.sandboxInit)
    #expect(report.canIsolate)
    #expect(report.bubblewrapVersion?.contains(".") == true)
    #expect(report.userMode == .ownUID)
    #expect(report.hasOwnedTemporaryDirectories)
    let broken = await SandboxHost.probe(sandboxInit: "/nonexistent")
    #expect(!broken.canIsolate)
    #expect(broken.problems.contains { $0.what.contains("sandbox-init") && $0.remedy.contains("DEWPOINT_SANDBOX_INIT") })
  }
}
