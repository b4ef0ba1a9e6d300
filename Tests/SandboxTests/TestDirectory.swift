import Glibc

@testable import Sandbox

/// A directory of the host that goes with the value.
final class TestDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/dewpoint-sandbox-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SandboxError.last("mkdtemp", "/tmp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chmod(path, 0o755)
  }

  deinit { Descriptors.removeTree(path) }

  func write(_ name: String, _ text: String) { try? Descriptors.write(text, to: "\(path)/\(name)", create: true) }
}
