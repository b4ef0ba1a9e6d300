import Glibc
import Synchronization
import Testing

@testable import Sandbox

struct LeftoverTests {
  @Test(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
  func `what a dead server left is removed, what a living one has is not`() async throws {
    let directory = try TestDirectory()
    let host = try Workbench.host(directory: directory.path)
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let living = try await host.launch(Workbench.shell("sleep 60", temporary))

    // Process 1 of the host has never had this start time.
    let name = "\(ServerMark.own.namespace)-1-999999999-7"
    let mounted = "\(directory.path)/\(name)/tmp"
    try Descriptors.makeDirectories(mounted)
    try #require(mount("dewpoint", mounted, "tmpfs", 0, "size=65536") == 0)
    let orphan = Orphan()
    for base in Set(host.layout.bases.values) {
      try Descriptors.makeDirectory("\(base)/\(name)")
      try Descriptors.write("\(orphan.pid)", to: "\(base)/\(name)/cgroup.procs")
    }
    if let freezer = host.layout.bases[.freezer], host.layout.version == .v1 {
      try Descriptors.write("FROZEN", to: "\(freezer)/\(name)/freezer.state")
    }

    host.cleanUpLeftovers()
    #expect(!host.hasGroup(name))
    #expect(orphan.reap() == SIGKILL)
    #expect(access("\(directory.path)/\(name)", F_OK) != 0)
    #expect(host.hasGroup(living.id))
    #expect(temporary.usedBytes() != nil)
    living.kill()
    _ = await living.exit()
  }

  @Test(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
  func `launches in a row leave one process waiting, however quick they are`() throws {
    let host = try Workbench.host()
    defer { host.finish() }
    let ids = Mutex<[String]>([])
    let setting = SandboxLife.Setting(sandboxInit: Workbench.sandboxInit, layout: host.layout, mode: .isolated, logger: Workbench.quiet)
    let spares = Spares(setting) {
      ids.withLock { ids in
        ids.append("\(ServerMark.own)-9000000\(ids.count)")
        return ids[ids.count - 1]
      }
    }
    var taken: [SandboxLife] = []
    for _ in 0..<8 {
      taken.append(try spares.take())
      spares.refill()
    }
    #expect(Set(taken.map(\.id)).count == 8)
    // Each was handed out, but for the one that waits.
    #expect(ids.withLock { $0.count } == 9)
    for life in taken { life.kill() }
    spares.endAll()
  }

  @Test func `a mark names a server that is alive, and no other`() throws {
    let own = ServerMark.own
    #expect(ServerMark(name: "\(own)-12") == own)
    #expect(!own.isDead)
    #expect(ServerMark(namespace: own.namespace, pid: own.pid, startTime: "1").isDead)
    #expect(!ServerMark(namespace: "1", pid: own.pid, startTime: "1").isDead)
    for name in ["", "hosts", "a-1-2-3", "1-x-2-3", "1-2-3"] { #expect(ServerMark(name: name) == nil) }
  }
}

/// A process that belongs to nobody.
private final class Orphan {
  let pid: pid_t

  init() {
    var pid: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("63"), nil]
    posix_spawn(&pid, "/bin/sleep", nil, nil, &arguments, nil)
    for argument in arguments { free(argument) }
    self.pid = pid
  }

  /// The signal that it died of.
  func reap() -> Int32 {
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    return status & 0x7f
  }
}
