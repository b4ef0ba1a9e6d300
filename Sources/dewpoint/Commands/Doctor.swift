import ArgumentParser
import Base
import Lambda
import Sandbox

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Checks what this host can do and says how to mend what it cannot.
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Check what this host can do for functions.")

  @Option(help: ArgumentHelp("The data directory whose disk is measured.", valueName: "dir"))
  var data: String?
  @Option(help: ArgumentHelp("A Python virtual environment with awslambdaric; may be given several times.", valueName: "dir"))
  var python: [String] = []

  func run() async throws {
    print("Dewpoint \(Dewpoint.version)\n\nIsolation")
    let report = await SandboxHost.probe()
    line(report.canIsolate, "sandbox", report.canIsolate ? "a function can be isolated; it runs with \(report.userMode.rawValue)" : "a function cannot be isolated")
    line(
      report.bubblewrapPath != nil, "bubblewrap",
      report.bubblewrapPath.map { "\($0) \(report.bubblewrapVersion ?? "")" } ?? "install the package bubblewrap")
    line(
      report.controlGroupVersion != nil, "control groups",
      report.controlGroupVersion.map { "v\($0): \(report.controllers.joined(separator: ", "))" } ?? "limits of memory, cpu and processes cannot be set")
    line(
      report.outboundProblem == nil, "way out",
      report.outboundProblem.map { "\($0.what). \($0.remedy)" } ?? "functions can reach what this host does (function-network outbound)")
    for problem in report.problems { line(false, "problem", "\(problem.what). \(problem.remedy)") }
    print("\nRuntimes")
    let runtimes = LambdaService.runtimeReport(
      virtualEnvironments: PythonEnvironments.candidates(given: python), searchPath: environment("PATH") ?? "")
    for runtime in runtimes { line(runtime.isFound, runtime.name, runtime.text) }
    print("\nStorage")
    let directory = data ?? "\(environment("HOME") ?? ".")/.dewpoint"
    do {
      let latency = try Self.syncLatency(in: try DataDirectory(directory).root)
      let text = "\(latency.inMicroseconds) µs to make a write durable in \(directory)"
      line(latency < .milliseconds(10), "disk", latency < .milliseconds(10) ? text : text + ": slow; put the data on an SSD")
    } catch {
      line(false, "disk", "\(error)")
    }
    if !report.canIsolate { throw ExitCode(1) }
  }

  private func line(_ isGood: Bool, _ name: String, _ text: String) {
    print("  \(isGood ? "ok" : "!!")  \(name.padded(to: 18)) \(text)")
  }

  /// The median of some small synced writes.
  private static func syncLatency(in directory: String) throws -> Duration {
    let path = directory + "/doctor.tmp"
    let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw FileError("write", path) }
    defer { close(fd); unlink(path) }
    let block = [UInt8](repeating: 1, count: 4096)
    var times: [Duration] = []
    for _ in 0..<21 {
      let began = Reporting.monotonic()
      guard write(fd, block, block.count) == block.count, fdatasync(fd) == 0 else {
        throw FileError("write", path)
      }
      times.append(Reporting.monotonic() - began)
    }
    return times.sorted()[times.count / 2]
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { count >= width ? self : self + String(repeating: " ", count: width - count) }
}
