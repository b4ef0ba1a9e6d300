// SPDX-License-Identifier: Apache-2.0

/// What `sandbox-init` reads first: words that end with NUL, in the fixed order of its `main`.
struct Plan {
  var identity: (uid: UInt32, gid: UInt32)?
  var maximumOpenFiles: Int
  var maximumProcesses: Int
  var anyPort: Bool
  /// The mount namespace comes with the listeners, as the last descriptor.
  var handsOutNamespace: Bool
  /// The network namespace comes out before the program starts, which waits until something leads out of it.
  var awaitsNetwork: Bool
  var listeners: [UInt16]
  var workingDirectory: String
  /// Empty when it is told later.
  var command: [String]
  var environment: [String: String]

  /// One packet must hold it; the environment of a Lambda function is at most 4 KiB.
  static let limitBytes = 160 * 1024

  func encoded() throws(SandboxError) -> [UInt8] {
    var words: [String] = identity.map { ["\($0.uid)", "\($0.gid)"] } ?? ["-1", "-1"]
    words += ["\(maximumOpenFiles)", "\(maximumProcesses)", "1", anyPort ? "1" : "0", handsOutNamespace ? "1" : "0"]
    words.append(awaitsNetwork ? "1" : "0")
    words += ["\(listeners.count)"] + listeners.map { "\($0)" }
    return try Self.packet(words + Self.words(workingDirectory, command, environment))
  }

  /// What a sandbox that waits for its program gets.
  static func packet(
    workingDirectory: String, command: [String], environment: [String: String]
  ) throws(SandboxError) -> [UInt8] { try packet(words(workingDirectory, command, environment)) }

  private static func words(_ workingDirectory: String, _ command: [String], _ environment: [String: String]) -> [String] {
    [workingDirectory, "\(command.count)"] + command + ["\(environment.count)"]
      + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }

  /// What the outer `sandbox-init` becomes.
  static func packet(command: [String]) throws(SandboxError) -> [UInt8] { try packet(["\(command.count)"] + command) }

  private static func packet(_ words: [String]) throws(SandboxError) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in words {
      bytes.append(contentsOf: word.utf8)
      bytes.append(0)
    }
    guard bytes.count <= limitBytes, words.count <= 4096 else {
      throw SandboxError(step: "write plan", path: "", detail: "arguments and environment are larger than 160 KiB")
    }
    return bytes
  }
}

/// What `sandbox-init` says.
enum ControlMessage: Equatable {
  case listeners
  /// It waits for a way out; its network namespace comes along.
  case network
  case running
  /// The status is in the form of waitpid.
  case ended(status: Int32, peakKibibytes: Int)
  case failed(SandboxError)

  init?(_ bytes: [UInt8]) {
    let rest = String(decoding: bytes.dropFirst(), as: UTF8.self)
    switch bytes.first {
    case UInt8(ascii: "L"): self = .listeners
    case UInt8(ascii: "N"): self = .network
    case UInt8(ascii: "R"): self = .running
    case UInt8(ascii: "X"):
      let numbers = rest.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2 else { return nil }
      self = .ended(status: Int32(truncatingIfNeeded: numbers[0]), peakKibibytes: numbers[1])
    case UInt8(ascii: "E"):
      let parts = rest.split(separator: "\0", omittingEmptySubsequences: false)
      guard parts.count == 3, let number = Int32(parts[2]) else { return nil }
      self = .failed(SandboxError(step: String(parts[0]), path: String(parts[1]), errno: number))
    default: return nil
    }
  }
}

extension SandboxExit.Reason {
  init(waitStatus status: Int32) {
    self = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
  }
}
