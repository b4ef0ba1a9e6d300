import Glibc
import Testing

@testable import Sandbox

/// Several programs in one sandbox.
@Suite(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
struct ProgramTests {
  let host: SandboxHost
  init() throws { host = try Workbench.host() }

  private func holding(_ temporary: TemporaryDirectory) async throws -> SandboxProcess {
    try await host.launch(Workbench.shell("", temporary) { ($0.executable, $0.arguments) = ("", []) })
  }

  private func shell(_ script: String) -> ProgramSpec {
    ProgramSpec(executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin", "OWN": "x"], workingDirectory: "/tmp")
  }

  private func text(_ program: SandboxProgram) async -> String {
    var all: [UInt8] = []
    for await piece in program.output { all += piece }
    return String(decoding: all, as: UTF8.self)
  }

  @Test func `programs share a sandbox, and each has its own output and end`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let sandbox = try await holding(temporary)
    let first = try await sandbox.start(shell("echo $OWN $PWD > shared; echo one; exit 3"))
    #expect(await text(first) == "one\n")
    #expect(await first.exit() == .exited(3))
    let second = try await sandbox.start(shell("cat shared; kill -SEGV $$"))
    #expect(await text(second) == "x /tmp\n")
    #expect(await second.exit() == .signalled(SIGSEGV))
    sandbox.kill()
    #expect(await sandbox.exit().reason == .signalled(SIGKILL))
  }

  @Test func `a signal reaches its program only, and the end of the sandbox ends them all`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let sandbox = try await holding(temporary)
    let polite = try await sandbox.start(shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"))
    let other = try await sandbox.start(shell("echo ready; sleep 60"))
    #expect(await polite.output.next() != nil)
    #expect(await other.output.next() != nil)
    polite.signal(SIGTERM)
    #expect(await polite.exit() == .exited(0))
    sandbox.kill()
    #expect(await other.exit() == .signalled(SIGKILL))
    _ = await sandbox.exit()
    await #expect(throws: SandboxError.self) { _ = try await sandbox.start(shell("true")) }
  }

  @Test func `a program that cannot be run leaves the others alone`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let sandbox = try await holding(temporary)
    for (path, error) in [("/nothing/here", ENOENT), ("/etc/hosts", EACCES)] {
      await #expect(throws: SandboxError(step: "execve", path: path, errno: error)) {
        _ = try await sandbox.start(ProgramSpec(executable: path))
      }
    }
    let fine = try await sandbox.start(shell("echo fine"))
    #expect(await text(fine) == "fine\n")
    sandbox.kill()
    _ = await sandbox.exit()
  }

  @Test(.enabled(if: Workbench.python != nil))
  func `the server connects to a port inside, and is refused where nobody listens`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let sandbox = try await holding(temporary)
    let listening = try await sandbox.start(
      shell(
        """
        exec python3 -c 'import socket
        server = socket.create_server(("127.0.0.1", 8080)); print("ready", flush=True)
        client, _ = server.accept(); print(client.recv(100).decode(), flush=True)'
        """))
    #expect(await listening.output.next() != nil)
    let descriptor = try await sandbox.connect(toPort: 8080)
    #expect(send(descriptor, "hello", 5, 0) == 5)
    close(descriptor)
    #expect(await text(listening) == "hello\n")
    await #expect(throws: SandboxError(step: "connect", path: "", errno: ECONNREFUSED)) { _ = try await sandbox.connect(toPort: 8080) }
    sandbox.kill()
    _ = await sandbox.exit()
    await #expect(throws: SandboxError.self) { _ = try await sandbox.connect(toPort: 8080) }
  }
}
