import Glibc
import Testing

@testable import Sandbox

@Suite(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
struct LateMountTests {
  let host: SandboxHost
  let temporary: TemporaryDirectory
  let code: TestDirectory

  init() throws {
    host = try Workbench.host()
    temporary = try host.makeTemporaryDirectory(limitBytes: 4 << 20)
    code = try TestDirectory()
    try Descriptors.write("from the host\n", to: code.path + "/hello", create: true)
  }

  /// Waits for the file, shows it, tries to change it.
  private static let script =
    "echo up; until cat /var/task/hello 2>/dev/null; do /bin/true; done; echo x > /var/task/y || echo kept; umount /var/task || echo stays"

  private func launch(_ script: String = script) async throws -> SandboxProcess {
    try await host.launch(Workbench.shell(script, temporary) { $0.lateMountPoints = ["/var/task", "/opt"] })
  }

  @Test func `a directory appears in a sandbox that runs, and cannot be changed or removed there`() async throws {
    let process = try await launch()
    #expect(await Workbench.wait(for: "up\n", from: process))
    try await process.attach([.init(host: code.path, guest: "/var/task"), .init(host: code.path, guest: "/opt")])
    let output = await Workbench.text(process)
    #expect(output.hasPrefix("from the host\n"))
    #expect(output.contains("kept\n"))
    #expect(output.hasSuffix("stays\n"))
    #expect(await process.exit().reason == .exited(0))
    #expect(access(code.path + "/y", F_OK) != 0)
  }

  @Test func `it appears in that sandbox only`() async throws {
    // They share /tmp: the second one looks once the first one has seen its directory.
    let first = try await launch(Self.script + "; touch /tmp/seen")
    let second = try await launch("until [ -e /tmp/seen ]; do /bin/true; done; ls /var/task | wc -l")
    try await first.attach([.init(host: code.path, guest: "/var/task")])
    #expect(await Workbench.text(first).contains("from the host\n"))
    #expect(await Workbench.text(second) == "0\n")
    #expect(access("/var/task/hello", F_OK) != 0)
  }

  @Test func `what cannot be mounted is said with step and number, and once is all`() async throws {
    let process = try await launch("echo up; read x < /tmp/none; sleep 60")
    defer { process.kill() }
    await #expect(throws: SandboxError(step: "open_tree", path: "/var/task", errno: ENOENT)) {
      try await process.attach([.init(host: "/nonexistent", guest: "/var/task")])
    }
    await #expect(throws: SandboxError.self) { try await process.attach([.init(host: code.path, guest: "/var/task")]) }
  }

  @Test func `a sandbox without mount points gives nothing away`() async throws {
    let process = try await host.launch(Workbench.shell("ls /proc/self/fd; sleep 60", temporary))
    defer { process.kill() }
    await #expect(throws: SandboxError.self) { try await process.attach([.init(host: code.path, guest: "/opt")]) }
  }

  @Test func `a sandbox may wait for its program, which comes with the directory`() async throws {
    let marker = code.path + "/program"
    try Descriptors.write("#!/bin/sh\necho $GREETING from $PWD\nexit 7\n", to: marker, create: true)
    chmod(marker, 0o755)
    let process = try await host.launch(
      SandboxSpec(executable: "", lateMountPoints: ["/var/task"], temporaryDirectory: temporary))
    try await process.attach([.init(host: code.path, guest: "/var/task")])
    try await process.start("/var/task/program", environment: ["GREETING": "hello"], workingDirectory: "/var/task")
    #expect(await Workbench.text(process) == "hello from /var/task\n")
    #expect(await process.exit().reason == .exited(7))
    await #expect(throws: SandboxError.self) {
      try await process.start("/bin/true", environment: [:], workingDirectory: "/")
    }
  }

  @Test func `a program that cannot be run ends the sandbox that waited for it, and so does nobody's interest`() async throws {
    let spec = SandboxSpec(executable: "", temporaryDirectory: temporary)
    let process = try await host.launch(spec)
    await #expect(throws: SandboxError(step: "execve", path: "/nowhere", errno: ENOENT)) {
      try await process.start("/nowhere", environment: [:], workingDirectory: "/")
    }
    _ = await process.exit()
    let forgotten = try await host.launch(spec)
    forgotten.signal(SIGTERM)
    forgotten.kill()
    #expect(await forgotten.exit().reason == .signalled(SIGKILL))
  }

  @Test func `limits of memory and of the temporary directory can be raised while it runs`() async throws {
    let process = try await launch(
      "echo up; until [ -e /var/task/hello ]; do /bin/true; done; dd if=/dev/zero of=/tmp/big bs=1M count=8 2>/dev/null && echo fits")
    #expect(await Workbench.wait(for: "up\n", from: process))
    try temporary.resize(limitBytes: 16 << 20)
    try process.setMemoryLimit(bytes: 256 << 20)
    try await process.attach([.init(host: code.path, guest: "/var/task")])
    #expect(await Workbench.text(process) == "fits\n")
    #expect(temporary.limitBytes == 16 << 20)
  }
}
