import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The Runtime API client for Node functions, written to a directory that sandboxes mount as /var/runtime.
struct NodeClient: Sendable {
  let directory: String

  /// Writes the client that this binary carries, over whatever an older one left.
  func install() throws {
    var path = ""
    for part in directory.split(separator: "/") {
      path += "/\(part)"
      if mkdir(path, 0o755) != 0, errno != EEXIST { throw LaunchFailure.sandbox("mkdir \(path): errno \(errno)") }
    }
    let file = "\(directory)/runtime.mjs"
    let fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw LaunchFailure.sandbox("open \(file): errno \(errno)") }
    defer { close(fd) }
    let bytes = PackageResources.runtime_mjs
    guard write(fd, bytes, bytes.count) == bytes.count else { throw LaunchFailure.sandbox("write \(file): errno \(errno)") }
  }
}
