import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A snapshot on this machine's disk.
struct SnapshotFile: Sendable {
  let path: String
  init(_ path: String) { self.path = path }

  /// Reads it from its beginning to its end.
  func read(_ body: ([UInt8]) async throws -> Void) async throws {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("open", path) }
    defer { close(file) }
    while let piece = try Files.readPiece(file, path) { try await body(piece) }
  }

  func load(into state: OpenState) async throws -> SnapshotManifest {
    var loading = SnapshotLoading(into: state)
    try await read { try await loading.feed($0) }
    return try loading.finish()
  }

  /// Checks all of it.
  func examine() async throws -> (manifest: SnapshotManifest, contents: SnapshotContents) {
    var reader = SnapshotReader()
    var found: (manifest: SnapshotManifest?, contents: SnapshotContents?)
    try await read { piece in
      for item in try reader.feed(piece) {
        if case .manifest(let manifest) = item { found.manifest = manifest }
        if case .end(let contents) = item { found.contents = contents }
      }
    }
    try reader.finish()
    guard let manifest = found.manifest, let contents = found.contents else { throw SnapshotError.truncated }
    return (manifest, contents)
  }

  /// Writes it anew: the path has the old content or all of the new one, which only its owner may read, for it holds secrets.
  /// - Parameter fill: hands over the bytes; they must be a whole snapshot.
  func replace(_ fill: (_ write: ([UInt8]) throws -> Void) throws -> Void) throws -> SnapshotContents {
    let new = "\(path).new.\(getpid())"
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileError("create", new) }
    defer {
      close(file)
      unlink(new)  // Nothing is left of it when it was renamed.
    }
    var reader = SnapshotReader()
    var contents = SnapshotContents()
    try fill { piece in
      for case .end(let all) in try reader.feed(piece) { contents = all }
      try Files.write(piece, to: file, new)
    }
    try reader.finish()
    guard fsync(file) == 0 else { throw FileError("synchronise", new) }
    guard rename(new, path) == 0 else { throw FileError("rename", new) }
    try Files.synchronise(Files.parent(of: path))
    return contents
  }
}
