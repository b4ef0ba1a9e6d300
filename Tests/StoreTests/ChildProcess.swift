import Foundation

/// A run of `store-crash-writer`, which stands beside the test bundle.
struct ChildProcess {
  private let process = Process()
  private let output = Pipe()

  init(_ mode: String, _ directory: String) throws { try self.init([Self.program, mode, directory]) }

  init(_ command: [String]) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    try process.run()
  }

  static var program: String {
    Bundle.main.executableURL.map { $0.deletingLastPathComponent().appendingPathComponent("store-crash-writer").path } ?? ""
  }

  /// All complete lines up to the end of the process.
  func lines() -> [String] { Self.split(output.fileHandleForReading.readDataToEndOfFile()) }

  /// Kills the process without warning after it has printed `count` lines; all the lines that it printed.
  func killed(afterLines count: Int) -> [String] {
    var bytes = Data()
    var seen = 0
    while seen < count {
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { break }
      seen += more.count { $0 == UInt8(ascii: "\n") }
      bytes += more
    }
    kill(process.processIdentifier, SIGKILL)
    bytes += output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Self.split(bytes)
  }

  /// Runs the body between the first line of the process and its end by force.
  func whileRunning<T>(_ body: () -> T) -> T {
    _ = output.fileHandleForReading.availableData
    defer { _ = killed(afterLines: 0) }
    return body()
  }

  func exitStatus() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }

  private static func split(_ bytes: Data) -> [String] {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    return bytes[..<end].split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }
}
