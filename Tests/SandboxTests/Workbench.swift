import Base
import Glibc
import Logging
import Testing

@testable import Sandbox

/// What the tests share: one host, and the common ways to run something on it.
enum Workbench {
  static let isRoot = geteuid() == 0
  static let canIsolate = isRoot && (try? Programs.bubblewrap()) != nil
  static let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first { (path: String) in access(path, X_OK) == 0 }

  static let quiet = Logger(label: "sandbox-tests") { _ in SwiftLogNoOpLogHandler() }

  /// Beside the test bundle, where the package manager puts it.
  static let sandboxInit: String = {
    if let configured = getenv("DEWPOINT_SANDBOX_INIT") { return String(cString: configured) }
    let candidates = CommandLine.arguments.compactMap { argument in
      argument.firstRange(of: "/dewpointPackageTests").map { String(argument[..<$0.lowerBound]) + "/sandbox-init" }
    }
    return candidates.first ?? "sandbox-init"
  }()

  static func host(_ mode: SandboxMode = .isolated, directory: String? = nil) throws -> SandboxHost {
    _ = cleaned
    return try SandboxHost(mode: mode, directory: directory, sandboxInit: sandboxInit, logger: quiet)
  }

  static func shell(
    _ script: String, _ temporary: TemporaryDirectory, change: (inout SandboxSpec) -> Void = { _ in }
  ) -> SandboxSpec {
    var spec = SandboxSpec(
      executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"], temporaryDirectory: temporary)
    change(&spec)
    return spec
  }

  /// What earlier test runs left goes away once.
  private static let cleaned: Void = {
    guard let host = try? SandboxHost(sandboxInit: sandboxInit, logger: quiet) else { return }
    host.cleanUpLeftovers()
    host.finish()
  }()

  /// Runs a script to its end.
  static func run(
    _ script: String, on host: SandboxHost, temporary: TemporaryDirectory? = nil, change: (inout SandboxSpec) -> Void = { _ in }
  ) async throws -> (exit: SandboxExit, output: String) {
    let own = try temporary ?? host.makeTemporaryDirectory(limitBytes: 16 << 20)
    defer { if temporary == nil { own.release() } }
    let process = try await host.launch(shell(script, own, change: change))
    let output = await text(process)
    return (await process.exit(), output)
  }

  static func text(_ process: SandboxProcess) async -> String {
    var all: [UInt8] = []
    for await piece in process.output { all += piece }
    return String(decoding: all, as: UTF8.self)
  }

  /// Reads until the text has come.
  static func wait(for text: String, from process: SandboxProcess) async -> Bool {
    var all = ""
    while !all.contains(text) {
      guard let piece = await process.output.next() else { return false }
      all += String(decoding: piece, as: UTF8.self)
    }
    return true
  }
}
