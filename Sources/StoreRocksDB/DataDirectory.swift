import Store
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The directory on disk: it is made if it is missing, and its FORMAT file says who may open it.
struct DataDirectory {
  private static let label = "dewpoint store format "
  let path: String

  /// Makes the directory or checks that the one that is there is ours and not from a newer version.
  init(_ path: String, formatVersion: Int) throws {
    self.path = path
    try make()
    if let version = try readFormat() {
      guard version <= formatVersion else {
        throw StoreError.cannotOpen(
          "\(path) was written in store format \(version), and this version reads up to \(formatVersion): use a newer dewpoint")
      }
    } else if access(path + "/CURRENT", F_OK) == 0 {
      throw StoreError.cannotOpen("\(path) holds a database but no FORMAT file: it is not a data directory of dewpoint")
    } else {
      try writeFormat(formatVersion)
    }
  }

  private func make() throws {
    var made = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += made.isEmpty || made == "/" ? part : "/" + part
      if mkdir(made, 0o700) != 0, errno != EEXIST { throw failure("make the directory", made) }
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw StoreError.cannotOpen("\(path) is not a directory")
    }
  }

  private func readFormat() throws -> Int? {
    let file = open(path + "/FORMAT", O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return nil }
      throw failure("open", path + "/FORMAT")
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(file, &bytes, bytes.count)
    let line = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").first ?? ""
    guard line.hasPrefix(Self.label), let version = Int(line.dropFirst(Self.label.count)) else {
      throw StoreError.cannotOpen("\(path)/FORMAT is not readable: \(line)")
    }
    return version
  }

  /// By a rename, so that no crash leaves half a line.
  private func writeFormat(_ version: Int) throws {
    let text = Array("\(Self.label)\(version)\n".utf8)
    let temporary = path + "/FORMAT.new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("create", temporary) }
    defer { close(file) }
    guard write(file, text, text.count) == text.count, fsync(file) == 0 else { throw failure("write", temporary) }
    guard rename(temporary, path + "/FORMAT") == 0 else { throw failure("rename", temporary) }
    try synchronise()
  }

  private func synchronise() throws {
    let directory = open(path, O_RDONLY | O_CLOEXEC)
    guard directory >= 0, fsync(directory) == 0 else { throw failure("synchronise", path) }
    close(directory)
  }

  private func failure(_ step: String, _ path: String) -> StoreError {
    .cannotOpen("cannot \(step) \(path): \(String(cString: strerror(errno)))")
  }

  /// Whether as much can be written as opening the database again may need: its logs become a table file.
  func hasRoom() -> Bool {
    let probe = path + "/probe"
    let file = open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    defer {
      close(file)
      unlink(probe)
    }
    #if canImport(Glibc)
      return posix_fallocate(file, 0, off_t(logBytes() + 1 << 20)) == 0 && fsync(file) == 0
    #else
      return ftruncate(file, off_t(logBytes() + 1 << 20)) == 0 && fsync(file) == 0
    #endif
  }

  private func logBytes() -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    var total = 0
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      var status = stat()
      if name.hasSuffix(".log"), stat(path + "/" + name, &status) == 0 { total += Int(status.st_size) }
    }
    return total
  }
}
