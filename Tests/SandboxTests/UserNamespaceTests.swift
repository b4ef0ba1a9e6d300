import Glibc
import Testing

@testable import Sandbox

/// The same promises for a server that is not root. Run as a user to have them checked.
@Suite(.enabled(if: !Workbench.isRoot && (try? Programs.bubblewrap()) != nil), .timeLimit(.minutes(1)))
struct UserNamespaceTests {
  let directory: TestDirectory
  let host: SandboxHost
  init() throws {
    directory = try TestDirectory()
    host = try Workbench.host(directory: directory.path)
  }

  @Test func `a program runs isolated, with a limited temporary directory and no capabilities`() async throws {
    let (exit, output) = try await Workbench.run(
      """
      id -un; grep -E 'CapEff|CapBnd|Seccomp:' /proc/self/status; ls -d /home /root /work 2>/dev/null
      for f in /x /usr/x /etc/x /dev/shm/x /run/x /dev/x; do touch $f 2>/dev/null && echo wrote $f; done
      dd if=/dev/zero of=/tmp/big bs=1M count=32 2>/dev/null || echo full; echo err > /dev/stderr; ls /proc/1/fd 2>&1; exit 3
      """, on: host)
    #expect(exit.reason == .exited(3))
    #expect(output.hasPrefix("sbx_user1051\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nSeccomp:\t2\nfull\nerr\n"))
    #expect(output.contains("Permission denied"))
  }

  @Test func `sockets are handed out, and a kill leaves nothing`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    #expect(!temporary.survivesRestart)
    let process = try await host.launch(
      Workbench.shell("(setsid sleep 64 &); echo up; sleep 64", temporary) { $0.listeners = [9001] })
    #expect(process.listeners[9001]?.port == 9001)
    #expect(await Workbench.wait(for: "up\n", from: process))
    process.kill()
    #expect(await process.exit().reason == .signalled(SIGKILL))
    for listener in process.listeners.values { close(listener.descriptor) }
  }

  @Test func `the report says what is lost without root`() async {
    let report = await SandboxHost.probe(directory: directory.path, sandboxInit: Workbench.sandboxInit)
    #expect(report.canIsolate)
    #expect(report.userMode == .serverUID)
    #expect(report.problems.contains { $0.remedy.contains("root") })
  }
}
