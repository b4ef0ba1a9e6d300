import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Work on files that must be done with care: blocking, and every failure names step, path and reason.
enum Files {
  static func absolute(_ path: String) throws -> String {
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { throw FileError("find", ".") }
    defer { free(current) }
    return "\(String(cString: current))/\(path)"
  }

  /// The directory behind all links; nil when there is none of this name.
  static func directory(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    var status = stat()
    guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    return String(cString: resolved)
  }

  static func linkTarget(_ path: String) throws -> String {
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &bytes, bytes.count)
    guard count > 0 else { throw FileError("read the link", path) }
    return bytes[..<count].map { UInt8(bitPattern: $0) }.utf8Text
  }

  /// A new directory whose name is the prefix and six letters.
  static func makeTemporary(_ prefix: String) throws -> String {
    var template = Array("\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("make the directory", prefix) }
    return template.dropLast().map { UInt8(bitPattern: $0) }.utf8Text
  }

  /// Nil when there is no such file.
  static func read(_ path: String, limit: Int) throws -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw FileError("open", path)
    }
    defer { close(file) }
    var all: [UInt8] = []
    while let piece = try readPiece(file, path) {
      all += piece
      guard all.count <= limit else { throw FileError("read", path, EFBIG) }
    }
    return all
  }

  /// Nil at the end.
  static func readPiece(_ file: Int32, _ path: String, size: Int = 256 << 10) throws -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: size)
    while true {
      #if canImport(Glibc)
        let count = Glibc.read(file, &piece, size)
      #else
        let count = Darwin.read(file, &piece, size)
      #endif
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileError("read", path) }
      return count == 0 ? nil : Array(piece[..<count])
    }
  }

  static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes { all -> Int in
        let rest = UnsafeRawBufferPointer(rebasing: all[at...])
        #if canImport(Glibc)
          return Glibc.write(file, rest.baseAddress, rest.count)
        #else
          return Darwin.write(file, rest.baseAddress, rest.count)
        #endif
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError("write", path) }
      at += count
    }
  }

  /// The file has the old content or the new one, whatever happens.
  static func replace(_ path: String, with bytes: [UInt8]) throws {
    let new = path + ".new"
    let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileError("create", new) }
    defer { close(file) }
    try write(bytes, to: file, new)
    guard fsync(file) == 0 else { throw FileError("synchronise", new) }
    guard rename(new, path) == 0 else { throw FileError("rename", new) }
    try synchronise(parent(of: path))
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes the entries of a directory durable.
  static func synchronise(_ directory: String) throws {
    let file = open(directory, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("open", directory) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw FileError("synchronise", directory) }
  }

  static func names(_ directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 }.utf8Text }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a directory with everything in it; links are removed, never followed.
  static func removeTree(_ path: String) {
    for name in names(path) {
      let child = "\(path)/\(name)"
      var status = stat()
      if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { removeTree(child) } else { unlink(child) }
    }
    rmdir(path)
  }
}

struct FileError: Error, CustomStringConvertible {
  var step: String
  var path: String
  var errno: Int32

  init(_ step: String, _ path: String, _ errno: Int32 = currentErrno) { (self.step, self.path, self.errno) = (step, path, errno) }
  var description: String { "cannot \(step) \(path): \(String(cString: strerror(errno)))" }
}

private var currentErrno: Int32 { errno }
