import Glibc
import Testing

@testable import Sandbox

@Suite(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
struct IsolationTests {
  let host: SandboxHost
  init() throws { host = try Workbench.host() }

  @Test func `a program runs and its output and exit status arrive`() async throws {
    let (exit, output) = try await Workbench.run("echo out; echo err >&2; exit 7", on: host)
    #expect(output == "out\nerr\n")
    #expect(exit.reason == .exited(7))
    #expect(!exit.outOfMemory)
  }

  @Test func `a program that dies of a signal is told from one that exits`() async throws {
    #expect(try await Workbench.run("kill -11 $$", on: host).exit.reason == .signalled(SIGSEGV))
    #expect(try await Workbench.run("exit 139", on: host).exit.reason == .exited(139))
  }

  @Test func `the environment and the directory are exactly those asked for`() async throws {
    let (_, output) = try await Workbench.run("pwd; /usr/bin/env | sort | grep -vE '^(PWD|_|SHLVL|OLDPWD)='", on: host) {
      $0.environment = ["A": "x=1\ny", "LD_DEBUG_OUTPUT": "x"]
      $0.workingDirectory = "/usr/lib"
    }
    #expect(output.hasPrefix("/usr/lib\n") || output.contains("\n/usr/lib\n"))
    #expect(output.contains("A=x=1\n"))
    #expect(!output.contains("HOME="))
  }

  @Test func `function code is an unprivileged user of the host without capabilities`() async throws {
    let (_, output) = try await Workbench.run("cat /proc/self/status; id; echo x > /dev/stderr", on: host)
    #expect(output.contains("Uid:\t19000"))
    #expect(output.contains("CapEff:\t0000000000000000"))
    #expect(output.contains("CapBnd:\t0000000000000000"))
    #expect(output.contains("NoNewPrivs:\t1"))
    #expect(output.contains("Seccomp:\t2"))
    #expect(output.contains("(sbx_user1051)"))
    #expect(output.hasSuffix("x\n"))
  }

  @Test func `the host's files and processes cannot be seen`() async throws {
    let (_, output) = try await Workbench.run(
      "ls -d /root /home /var /work /etc/shadow 2>/dev/null; ls /etc; ls -d /proc/[0-9]*; hostname", on: host)
    #expect(!output.contains("/root"))
    #expect(!output.contains("/home"))
    #expect(!output.contains("shadow"))
    // Process 1, the shell, and ls.
    #expect(output.split(separator: "\n").count { $0.hasPrefix("/proc/") } <= 3)
    #expect(output.hasSuffix("sandbox\n"))
  }

  @Test func `process 1 can be neither signalled nor inspected by function code`() async throws {
    let (exit, output) = try await Workbench.run(
      "kill -9 1; kill -15 1; ls /proc/1/fd 2>&1; cat /proc/1/environ 2>&1; exit 3", on: host)
    #expect(exit.reason == .exited(3))
    #expect(output.contains("Permission denied"))
  }

  @Test func `code is read-only, and so is everything but the temporary directory`() async throws {
    let code = try TestDirectory()
    code.write("handler.py", "print(1)\n")
    let (_, output) = try await Workbench.run(
      """
      cat /var/task/handler.py
      for f in /var/task/x /x /usr/x /etc/x /dev/shm/x /run/x /dev/x; do touch $f 2>/dev/null && echo wrote $f; done
      touch /tmp/x && echo wrote /tmp/x
      """, on: host
    ) { $0.readOnlyBinds = [.init(host: code.path, guest: "/var/task")] }
    #expect(output == "print(1)\nwrote /tmp/x\n")
  }

  @Test func `namespaces, mounts, tracing and strange sockets are refused`() async throws {
    let (_, output) = try await Workbench.run(
      """
      exec 2>/dev/null
      unshare -U true && echo wrong; unshare -m true && echo wrong; chroot / true && echo wrong
      mount -t tmpfs x /tmp && echo wrong; echo end
      """, on: host)
    #expect(output == "end\n")
    guard let python = Workbench.python else { return }
    let (_, sockets) = try await Workbench.run(
      """
      \(python) -c 'import socket
      for family, kind, protocol in ((40, 1, 0), (38, 5, 0), (17, 3, 0), (2, 3, 1), (16, 3, 0), (1, 1, 0), (2, 1, 0)):
        try:
          socket.socket(family, kind, protocol); print(family, kind, "ok")
        except OSError as error: print(family, kind, error.errno)'
      """, on: host)
    #expect(sockets == "40 1 97\n38 5 97\n17 3 97\n2 3 1\n16 3 ok\n1 1 ok\n2 1 ok\n")
  }

  @Test func `a program that does not exist is a clear error of the launch`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let missing = SandboxSpec(executable: "/var/task/bootstrap", temporaryDirectory: temporary)
    await #expect(throws: SandboxError(step: "execve", path: "/var/task/bootstrap", errno: ENOENT)) {
      try await host.launch(missing)
    }
    let noDirectory = Workbench.shell("true", temporary) { $0.workingDirectory = "/var/task" }
    await #expect(throws: SandboxError(step: "chdir", path: "/var/task", errno: ENOENT)) { try await host.launch(noDirectory) }
    let noSource = Workbench.shell("true", temporary) { $0.readOnlyBinds = [.init(host: "/nonexistent", guest: "/opt")] }
    let error = await #expect(throws: SandboxError.self) { try await host.launch(noSource) }
    #expect(error?.detail.contains("/nonexistent") == true, "\(String(describing: error))")
  }

  @Test func `values that cannot work are refused before anything starts`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let changes: [(inout SandboxSpec) -> Void] = [
      { $0.executable = "sh" }, { $0.listeners = [80] }, { $0.listeners = [9001, 9001] }, { $0.memoryBytes = 1 },
      { $0.cpuShare = 0 }, { $0.maximumProcesses = 0 }, { $0.environment = ["A=B": ""] }, { $0.arguments = ["a\0b"] },
      { $0.readOnlyBinds = [.init(host: "/usr", guest: "/")] }, { $0.hostname = "" },
    ]
    for change in changes {
      let error = await #expect(throws: SandboxError.self) {
        try await host.launch(Workbench.shell("true", temporary, change: change))
      }
      #expect(error?.step == "check")
    }
  }
}
