import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A system call on a package's files failed.
struct PackageIOError: Error, Sendable {
  var step: String
  var path: String
  var errno: Int32
}

/// Writes the entries of an archive into a directory that nobody else knows yet.
///
/// All files become readable for everybody and writable for the owner: function code runs under another user id. Links come
/// last, so that no write can follow one.
struct Unpacker {
  let archive: ZipArchive
  let root: String

  /// - Throws: `PackageError` or `PackageIOError`; the directory is then to be thrown away.
  func unpack() throws {
    var made: Set<String> = []
    for entry in archive.entries {
      switch entry.kind {
      case .directory: try makeDirectories(entry.path[...], &made)
      case .file(let isExecutable):
        try makeDirectories(entry.path.dropLast(), &made)
        try writeFile(entry, mode: isExecutable ? 0o755 : 0o644)
      case .link: try makeDirectories(entry.path.dropLast(), &made)
      }
    }
    for entry in archive.entries where entry.kind == .link { try makeLink(entry) }
  }

  private func path(_ components: some Sequence<String>) -> String { root + "/" + components.joined(separator: "/") }

  private func makeDirectories(_ components: ArraySlice<String>, _ made: inout Set<String>) throws {
    guard !components.isEmpty, !made.contains(path(components)) else { return }
    try makeDirectories(components.dropLast(), &made)
    let path = path(components)
    guard mkdir(path, 0o755) == 0, chmod(path, 0o755) == 0 else { throw PackageIOError(step: "mkdir", path: path, errno: errno) }
    made.insert(path)
  }

  private func writeFile(_ entry: ZipEntry, mode: mode_t) throws {
    let path = path(entry.path)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else { throw PackageIOError(step: "open", path: path, errno: errno) }
    defer { close(file) }
    try readData(entry) { try Self.writeAll($0, to: file, path: path) }
    // The mode of open() is narrowed by the umask.
    guard fchmod(file, mode) == 0 else { throw PackageIOError(step: "fchmod", path: path, errno: errno) }
  }

  static func writeAll(_ bytes: ArraySlice<UInt8>, to file: Int32, path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let n = write(file, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if n < 0, errno == EINTR { continue }
        guard n > 0 else { throw PackageIOError(step: "write", path: path, errno: errno) }
        done += n
      }
    }
  }

  /// Passes on the data of an entry and checks its length and checksum.
  private func readData(_ entry: ZipEntry, into sink: (ArraySlice<UInt8>) throws -> Void) throws {
    var checksum = CRC(.crc32)
    if entry.isCompressed {
      do {
        try Inflater.inflate(archive.bytes[entry.data], size: entry.size) { bytes in
          checksum.update(bytes)
          try sink(bytes)
        }
      } catch InflateFailure.malformed(let reason) {
        throw PackageError.defect(reason)
      }
    } else {
      checksum.update(archive.bytes[entry.data])
      try sink(archive.bytes[entry.data])
    }
    guard checksum.value == UInt64(entry.checksum) else { throw PackageError.defect("wrong checksum of \(path(entry.path))") }
  }

  private func makeLink(_ entry: ZipEntry) throws {
    var target: [UInt8] = []
    try readData(entry) { target += $0 }
    guard Self.staysInside(target, depth: entry.path.count - 1) else { throw PackageError.defect("link leads outside") }
    let path = path(entry.path)
    guard symlink(target.utf8Text, path) == 0 else { throw PackageIOError(step: "symlink", path: path, errno: errno) }
  }

  /// Whether a link in a directory `depth` levels below the root cannot lead out of it. Going up is allowed only at the start:
  /// after a name, which may itself be a link, `..` could mean any place.
  static func staysInside(_ target: [UInt8], depth: Int) -> Bool {
    guard !target.isEmpty, target.first != UInt8(ascii: "/"), !target.contains(0), !target.contains(UInt8(ascii: "\\")),
      String(validating: target, as: UTF8.self) != nil
    else { return false }
    var depth = depth, hasName = false
    for part in target.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      if part.elementsEqual("..".utf8) {
        depth -= 1
        if hasName || depth < 0 { return false }
      } else {
        hasName = true
      }
    }
    return true
  }
}
