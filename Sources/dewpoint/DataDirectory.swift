import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of a server: the store, blobs, unpacked code and the state of the clock.
struct DataDirectory: Sendable {
  let root: String
  private let isTemporary: Bool

  var store: String { root + "/store" }
  var blobs: String { root + "/blobs" }
  var lambda: String { root + "/lambda" }
  private var clock: String { root + "/clock.json" }

  /// - Parameter path: nil makes a temporary directory for a server that keeps nothing.
  init(_ path: String?) throws {
    if let path {
      (root, isTemporary) = (Self.absolute(path), false)
    } else {
      var template = Array("\(environment("TMPDIR") ?? "/tmp")/dewpoint-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw DataDirectoryError(path: "/tmp", errno: errno) }
      (root, isTemporary) = (template.dropLast().map { UInt8(bitPattern: $0) }.utf8Text, true)
    }
    var made = ""
    for part in root.split(separator: "/") {
      made += "/\(part)"
      // Functions run as other users and must reach their code, so the way there may be passed but not listed.
      if mkdir(made, 0o711) != 0, errno != EEXIST { throw DataDirectoryError(path: made, errno: errno) }
    }
  }

  private static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return "\(String(cString: current))/\(path)"
  }

  func loadClock() -> AdjustableClock.Mode? {
    guard let json = (try? readFile(clock)).flatMap({ try? JSON.parse($0) }) else { return nil }
    if let frozen = json["frozenAt"]?.int { return .frozen(at: Instant(milliseconds: frozen)) }
    return json["offset"]?.int.map { .running(offset: .milliseconds($0)) }
  }

  /// Time that has passed for the services must not come back after a restart.
  func saveClock(_ mode: AdjustableClock.Mode) throws {
    guard !isTemporary else { return }
    let json: JSON =
      switch mode {
      case .running(let offset): ["offset": .int(offset.inMilliseconds)]
      case .frozen(let instant): ["frozenAt": .int(instant.milliseconds)]
      }
    let new = clock + ".new"
    let fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw DataDirectoryError(path: new, errno: errno) }
    defer { close(fd) }
    let bytes = json.bytes
    guard write(fd, bytes, bytes.count) == bytes.count, fsync(fd) == 0, rename(new, clock) == 0 else {
      throw DataDirectoryError(path: clock, errno: errno)
    }
  }

  private func readFile(_ path: String) throws -> [UInt8] {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw DataDirectoryError(path: path, errno: errno) }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(fd, &bytes, bytes.count)
    return Array(bytes.prefix(max(0, count)))
  }

  func removeIfTemporary() {
    guard isTemporary else { return }
    Self.removeTree(root)
  }
}

extension DataDirectory {
  /// Removes a directory with everything in it; links are removed, never followed.
  private static func removeTree(_ path: String) {
    if let stream = opendir(path) {
      var names: [String] = []
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 }.utf8Text }
        if name != ".", name != ".." { names.append(name) }
      }
      closedir(stream)
      for name in names {
        let child = "\(path)/\(name)"
        var status = stat()
        if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { removeTree(child) } else { unlink(child) }
      }
    }
    rmdir(path)
  }
}

struct DataDirectoryError: Error, CustomStringConvertible {
  var path: String
  var errno: Int32
  var description: String { "the data directory cannot be used: \(path): \(String(cString: strerror(errno)))" }
}
