// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging

/// What this host can give, for `dewpoint doctor`. Found by trying it.
public struct SandboxReport: Sendable, Equatable {
  public struct Problem: Sendable, Equatable {
    public let what: String
    /// One sentence that says what to do.
    public let remedy: String
  }

  public enum UserMode: String, Sendable {
    /// Each environment has an unprivileged uid of the host to itself.
    case ownUID = "own uid"
    /// Functions run with the server's uid, in a user namespace.
    case serverUID = "the server's uid in a user namespace"
  }

  /// A sandbox has been started and has ended as it should.
  public var canIsolate: Bool
  public var bubblewrapPath: String?
  /// For example `0.8.0`.
  public var bubblewrapVersion: String?
  public var userMode: UserMode
  /// 1, 2, or `nil` where there are none that can be used.
  public var controlGroupVersion: Int?
  /// Those that can be set: memory, cpu, pids, freezer.
  public var controllers: [String]
  /// `/tmp` has the exact size and survives a restart of the function's process.
  public var hasOwnedTemporaryDirectories: Bool
  /// Why functions cannot be given a way out of this host (`SandboxNetwork.outbound`); nil if they can.
  public var outboundProblem: Problem?
  public var problems: [Problem]
}

extension SandboxHost {
  /// Starts a small sandbox and tells what worked. Takes some tens of milliseconds.
  public static func probe(directory: String? = nil, sandboxInit: String? = nil) async -> SandboxReport {
    let layout = ControlGroupLayout.detect()
    let hasRange = IdentityRange.usable() != nil
    var report = SandboxReport(
      canIsolate: false, bubblewrapPath: try? Programs.bubblewrap(), bubblewrapVersion: nil,
      userMode: hasRange ? .ownUID : .serverUID,
      controlGroupVersion: layout.version == .v1 ? 1 : layout.version == .v2 ? 2 : nil,
      controllers: ControlGroupLayout.Controller.allCases.filter { layout.bases[$0] != nil }.map(\.rawValue),
      hasOwnedTemporaryDirectories: false, outboundProblem: outboundProblem(sandboxInit: sandboxInit), problems: layout.problems)
    if !hasRange {
      report.problems.append(.init(
        what: "functions run with the server's own uid and lose /tmp when their process is restarted",
        remedy: "Run the server as root, which lets it give each environment an unprivileged uid and a /tmp of its own."))
    }
    do {
      let host = try SandboxHost(
        directory: directory, sandboxInit: sandboxInit,
        logger: Logger(label: "dewpoint.doctor") { _ in SwiftLogNoOpLogHandler() })
      defer { host.finish() }
      try await probe(host, &report)
    } catch {
      let failure = error as? SandboxError ?? SandboxError(step: "launch", path: "", detail: "\(error)")
      report.problems.append(.init(what: "a sandbox cannot be started: \(failure)", remedy: remedy(for: failure)))
    }
    return report
  }

  private static func probe(_ host: SandboxHost, _ report: inout SandboxReport) async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let bubblewrap = report.bubblewrapPath ?? "/usr/bin/bwrap"
    // Bubblewrap itself is a program that every such host has, and it says its version.
    let process = try await host.launch(
      SandboxSpec(
        executable: BubblewrapCommand.guestBubblewrap, arguments: ["--version"],
        readOnlyBinds: [.init(host: bubblewrap, guest: BubblewrapCommand.guestBubblewrap)], temporaryDirectory: temporary,
        listeners: [9001]))
    for listener in process.listeners.values { close(listener.descriptor) }
    var said: [UInt8] = []
    for await piece in process.output where said.count < 4096 { said += piece }
    let exit = await process.exit()
    let text = String(decoding: said, as: UTF8.self)
    guard exit.reason == .exited(0) else {
      throw SandboxError(step: "run", path: bubblewrap, detail: "it ended with \(exit.reason): \(text.prefix(512))")
    }
    report.canIsolate = true
    report.bubblewrapVersion = text.split(whereSeparator: \.isWhitespace).last.map(String.init)
    report.hasOwnedTemporaryDirectories = temporary.survivesRestart
  }

  static func remedy(for error: SandboxError) -> String {
    let detail = error.detail.lowercased()
    if error.step == "find bwrap" { return "Install the package bubblewrap (apt-get install bubblewrap)." }
    if error.step == "find sandbox-init" {
      return "Put sandbox-init beside the dewpoint executable, or name it in DEWPOINT_SANDBOX_INIT."
    }
    if detail.contains("user namespace") || detail.contains("uid map") {
      return "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces=15000; on Ubuntu also "
        + "kernel.apparmor_restrict_unprivileged_userns=0), or run the server as root."
    }
    if detail.contains("operation not permitted") || error.errno == EPERM {
      return "Run the server as root of the host; in a container give it the rights to make namespaces and mounts "
        + "(--privileged), or choose plain processes explicitly."
    }
    return "Run the same command as root, or choose plain processes explicitly if functions need not be isolated."
  }
}
