// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A step that the sandbox could not take: which step, on what, and the system's error number (0 where there is none).
public struct SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
  public let step: String
  public let path: String
  public let errno: Int32
  /// What the failing program said, for example bubblewrap's own message. At most 4 KiB.
  public let detail: String

  public init(step: String, path: String, errno: Int32 = 0, detail: String = "") {
    self.step = step
    self.path = path
    self.errno = errno
    self.detail = detail
  }

  /// The system's words for the error number.
  public var reason: String { String(cString: strerror(errno)) }

  public var description: String {
    var text = path.isEmpty ? step : "\(step) \(path)"
    if errno != 0 { text += ": \(reason) (errno \(errno))" }
    if !detail.isEmpty { text += ": \(detail)" }
    return text
  }

  static func last(_ step: String, _ path: String) -> SandboxError { SandboxError(step: step, path: path, errno: Glibc.errno) }
}
