import Glibc
import Testing

@testable import Sandbox

@Suite(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
struct LimitTests {
  let host: SandboxHost
  let temporary: TemporaryDirectory
  init() throws {
    host = try Workbench.host()
    temporary = try host.makeTemporaryDirectory(limitBytes: 4 << 20)
  }

  @Test func `the temporary directory is limited, and outlives the sandbox but not its owner`() async throws {
    let (_, first) = try await Workbench.run(
      "echo kept > /tmp/a; dd if=/dev/zero of=/tmp/big bs=1M count=8 2>/dev/null || echo full; stat -c %s /tmp/big",
      on: host, temporary: temporary)
    #expect(first == "full\n\((4 << 20) - 4096)\n")
    #expect(temporary.usedBytes() == 4 << 20)
    let (_, second) = try await Workbench.run(
      "cat /tmp/a; rm /tmp/big; echo more > /tmp/b && ls /tmp", on: host, temporary: temporary)
    #expect(second == "kept\na\nb\n")
    let other = try host.makeTemporaryDirectory(limitBytes: 4 << 20)
    let (_, third) = try await Workbench.run("ls /tmp", on: host, temporary: other)
    #expect(third == "")
    let path = try #require(temporary.hostPath)
    temporary.release()
    temporary.release()
    other.release()
    #expect(access(path, F_OK) != 0)
  }

  @Test func `too much memory ends the sandbox as out of memory and leaves others alone`() async throws {
    let python = try #require(Workbench.python)
    let neighbour = try await host.launch(
      Workbench.shell("echo up; read x < /proc/self/fd/0; sleep 60", try host.makeTemporaryDirectory(limitBytes: 1 << 20)))
    let (exit, _) = try await Workbench.run(
      "exec \(python) -c 'x = bytearray(200 << 20); print(len(x))'", on: host, temporary: temporary
    ) { $0.memoryBytes = 64 << 20 }
    #expect(exit.reason == .signalled(SIGKILL))
    #expect(exit.outOfMemory)
    let peak = try #require(exit.peakMemoryBytes)
    #expect(peak > 48 << 20 && peak <= 64 << 20)
    #expect(!neighbour.isOutOfMemory)
    neighbour.kill()
    #expect(await neighbour.exit() == SandboxExit(
      reason: .signalled(SIGKILL), outOfMemory: false, peakMemoryBytes: neighbour.peakMemoryBytes()))
    let (within, text) = try await Workbench.run(
      "exec \(python) -c 'x = bytearray(20 << 20); print(len(x))'", on: host, temporary: temporary
    ) { $0.memoryBytes = 64 << 20 }
    #expect(text == "\(20 << 20)\n")
    #expect(!within.outOfMemory)
  }

  @Test func `a fork bomb stays within its number of processes`() async throws {
    let (exit, output) = try await Workbench.run(
      """
      n=0; while [ $n -lt 100 ]; do sleep 60 & n=$((n+1)); done
      """, on: host, temporary: temporary
    ) { $0.maximumProcesses = 20 }
    // The shell gives up at the first fork that is refused.
    #expect(exit.reason == .exited(2))
    #expect(output.contains("fork"))
  }

  @Test func `killing leaves nothing, whatever the processes do, frozen or not`() async throws {
    for isFrozen in [false, true] {
      let process = try await host.launch(
        Workbench.shell(
          "trap '' TERM INT HUP; (setsid sleep 61 &) ; (setsid sleep 61 &); echo up; while :; do :; done", temporary))
      #expect(await Workbench.wait(for: "up\n", from: process))
      let members = host.memberPIDs(of: process.id)
      #expect(members.count >= 4)
      if isFrozen { process.freeze() }
      process.kill()
      process.kill()
      #expect(await process.exit().reason == .signalled(SIGKILL))
      #expect(await process.output.next() == nil)
      for pid in members { #expect(Glibc.kill(pid, 0) == -1 && errno == ESRCH) }
      #expect(!host.hasGroup(process.id))
    }
  }

  @Test func `what the program leaves running ends with it`() async throws {
    let (exit, output) = try await Workbench.run("(setsid sleep 61 &); echo done", on: host, temporary: temporary)
    #expect(exit.reason == .exited(0))
    #expect(output == "done\n")
  }

  @Test func `a frozen sandbox makes no progress until it is thawed`() async throws {
    let listening = try await host.launch(
      Workbench.shell("while :; do echo tick; done", temporary))
    #expect(await Workbench.wait(for: "tick\n", from: listening))
    listening.freeze()
    host.waitUntilFrozen(listening.id)
    _ = listening.output.takeAvailable()
    // A frozen writer cannot write again: what comes now was not written after.
    let before = listening.cpuTime(on: host)
    for _ in 0..<1000 { sched_yield() }
    #expect(listening.output.takeAvailable().isEmpty)
    #expect(listening.cpuTime(on: host) == before)
    listening.thaw()
    #expect(await Workbench.wait(for: "tick\n", from: listening))
    listening.kill()
    _ = await listening.exit()
  }

  @Test func `a writer waits when nobody reads, and nothing is lost`() async throws {
    let process = try await host.launch(Workbench.shell("seq 1 200000; echo end >&2", temporary))
    let text = await Workbench.text(process)
    #expect(text.split(separator: "\n").count == 200_001)
    #expect(text.hasSuffix("200000\nend\n"))
    let unread = try await host.launch(Workbench.shell("seq 1 2000000", temporary))
    unread.kill()
    _ = await unread.exit()
    var bytes = 0
    for await piece in unread.output { bytes += piece.count }
    #expect(bytes <= SandboxOutput.limitBytes + 65536)
  }

  @Test func `a signal reaches the program, and the cpu share can be changed`() async throws {
    let process = try await host.launch(
      Workbench.shell("trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.01; done", temporary) { $0.cpuShare = 2 })
    #expect(await Workbench.wait(for: "up\n", from: process))
    try process.setCPUShare(0.5)
    #expect(host.groupFile(process.id, .cpu, "cpu.cfs_quota_us") ?? "10000\n" == "10000\n")
    process.signal(SIGTERM)
    #expect(await Workbench.text(process) == "bye\n")
    #expect(await process.exit().reason == .exited(4))
  }

  @Test func `16 MiB are enough to start a shell`() async throws {
    let bigger = try await Workbench.run("echo ok", on: host, temporary: temporary) { $0.memoryBytes = 16 << 20 }
    #expect(bigger.output == "ok\n")
  }

  @Test func `a cancelled launch leaves nothing`() async throws {
    let task = Task { try await host.launch(Workbench.shell("sleep 60", temporary)) }
    task.cancel()
    if let process = try? await task.value {
      process.kill()
      _ = await process.exit()
      #expect(!host.hasGroup(process.id))
    }
  }
}

extension SandboxHost {
  func groupFile(_ id: String, _ controller: ControlGroupLayout.Controller, _ name: String) -> String? {
    layout.bases[controller].flatMap { Descriptors.read("\($0)/\(id)/\(name)") }
  }

  func memberPIDs(of id: String) -> [pid_t] {
    (groupFile(id, .freezer, "cgroup.procs") ?? "").split(separator: "\n").compactMap { pid_t($0) }
  }

  func hasGroup(_ id: String) -> Bool { layout.bases.values.contains { access("\($0)/\(id)", F_OK) == 0 } }

  /// Freezing takes effect when each process next leaves the kernel.
  func waitUntilFrozen(_ id: String) {
    while true {
      if groupFile(id, .freezer, "freezer.state") == "FROZEN\n" { return }
      if groupFile(id, .freezer, "cgroup.events")?.contains("frozen 1") == true { return }
      sched_yield()
    }
  }
}

extension SandboxProcess {
  /// Clock ticks used by all processes inside.
  func cpuTime(on host: SandboxHost) -> [String] {
    host.memberPIDs(of: id).compactMap { pid in
      Descriptors.read("/proc/\(pid)/stat").map { $0.split(separator: " ")[13...14].joined(separator: " ") }
    }
  }
}
