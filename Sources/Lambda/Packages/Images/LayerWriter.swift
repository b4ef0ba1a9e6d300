import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What all layers of an image together may still use.
struct ImageBudget {
  var entries = LambdaLimits.imageEntries
  /// Of the paths of all entries, which are kept while their layer is applied.
  var pathBytes = 256 << 20
  /// Of the uncompressed layers.
  var bytes = LambdaLimits.imageBytes

  /// For one more file or directory.
  mutating func take(pathBytes: Int) throws {
    (entries, self.pathBytes) = (entries - 1, self.pathBytes - pathBytes)
    guard entries >= 0, self.pathBytes >= 0 else { throw PackageError.defect("too many files") }
  }
}

/// Applies one layer of an image to the tree of those below it (OCI image specification, "Image Layer Filesystem Changeset").
///
/// Everything that is written lies below the root, because each parent is looked up by `ImageRoot`. Devices and pipes are left
/// out; owners, extended attributes and the bits that let a program run as somebody else do not count in a sandbox.
struct LayerWriter {
  private let root: ImageRoot
  /// Paths that this layer brought: its whiteouts do not concern them.
  private var brought: Set<String> = []
  /// Directories that hold nothing of the lower layers any more.
  private var cleared: Set<String> = []
  private var file: (descriptor: Int32, path: String, mode: mode_t, modified: Int)?
  /// Most entries have the same parent as the one before.
  private var lastParent: (components: ArraySlice<String>, path: String)?

  private static let whiteout = ".wh."
  private static let opaque = ".wh..wh..opq"

  init(root: ImageRoot) { self.root = root }

  /// - Throws: `PackageError`, `PackageIOError`; the tree is then to be thrown away, after `close`.
  mutating func apply(_ event: TarEvent, _ budget: inout ImageBudget) throws {
    switch event {
    case .entry(let entry):
      try budget.take(pathBytes: entry.name.utf8.count)
      try begin(entry, &budget)
    case .data(let bytes):
      if let file { try Unpacker.writeAll(bytes, to: file.descriptor, path: file.path) }
    case .endOfEntry: try endFile()
    }
  }

  /// Lets go of a file that was begun and will not be ended.
  mutating func close() {
    if let file { Self.close(file.descriptor) }
    file = nil
  }

  private static func close(_ descriptor: Int32) {
    #if canImport(Glibc)
      Glibc.close(descriptor)
    #else
      Darwin.close(descriptor)
    #endif
  }

  private mutating func begin(_ entry: TarEntry, _ budget: inout ImageBudget) throws {
    let components = try TarEntry.components(entry.name)
    guard let name = components.last else { return }
    let parent = try parent(components.dropLast(), &budget)
    if name == Self.opaque { return try clear(parent) }
    if name.hasPrefix(Self.whiteout) {
      // Names with two marks are notes of a storage driver.
      guard !name.hasPrefix(".wh..wh.") else { return }
      let hidden = String(name.dropFirst(Self.whiteout.count))
      guard !hidden.isEmpty, hidden != ".", hidden != ".." else { throw PackageError.defect("a whiteout of nothing") }
      return try remove(parent + "/" + hidden, keepingBrought: true)
    }
    try place(entry, at: parent + "/" + name)
    brought.insert(parent + "/" + name)
  }

  private mutating func place(_ entry: TarEntry, at path: String) throws {
    switch entry.kind {
    case .directory:
      if try kind(path) != S_IFDIR {
        try remove(path, keepingBrought: false)
        try ImageRoot.makeDirectory(path)
      }
      guard chmod(path, Self.mode(entry.mode) | 0o700) == 0 else { throw PackageIOError(step: "chmod", path: path, errno: errno) }
    case .file:
      try remove(path, keepingBrought: false)
      let mode = Self.mode(entry.mode) | 0o600
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
      guard descriptor >= 0 else { throw PackageIOError(step: "open", path: path, errno: errno) }
      file = (descriptor, path, mode, entry.modified)
    case .symbolicLink(let target):
      guard !target.isEmpty, target.utf8.count < 4096 else { throw PackageError.defect("malformed link") }
      try remove(path, keepingBrought: false)
      guard symlink(target, path) == 0 else { throw PackageIOError(step: "symlink", path: path, errno: errno) }
    case .hardLink(let target): try link(to: target, path)
    case .other: break
    }
  }

  /// What the host's own users and the owner's bits allow does not count: the tree is read-only for the function, and nobody
  /// else may change it.
  private static func mode(_ mode: Int) -> mode_t { mode_t(mode & 0o755) }

  private mutating func link(to target: String, _ path: String) throws {
    let components = try TarEntry.components(target)
    guard let name = components.last, let parent = try root.directory(components.dropLast(), missing: .fails) else {
      throw PackageError.defect("a link to nothing: \(target)")
    }
    let source = parent + "/" + name
    guard let kind = try kind(source) else { throw PackageError.defect("a link to nothing: \(target)") }
    guard kind != S_IFDIR else { throw PackageError.defect("a link to a directory: \(target)") }
    guard source != path else { return }
    try remove(path, keepingBrought: false)
    guard linkat(AT_FDCWD, source, AT_FDCWD, path, 0) == 0 else {
      // The file may have lain in what was just replaced.
      guard errno != ENOENT else { throw PackageError.defect("a link to nothing: \(target)") }
      throw PackageIOError(step: "link", path: path, errno: errno)
    }
  }

  private mutating func endFile() throws {
    guard let (descriptor, path, mode, modified) = file else { return }
    defer { close() }
    // The mode of open() is narrowed by the umask. The time counts: interpreters compare it with that of what they compiled.
    let time = timespec(tv_sec: modified, tv_nsec: 0)
    guard fchmod(descriptor, mode) == 0 else { throw PackageIOError(step: "fchmod", path: path, errno: errno) }
    guard futimens(descriptor, [time, time]) == 0 else { throw PackageIOError(step: "futimens", path: path, errno: errno) }
  }

  private mutating func parent(_ components: ArraySlice<String>, _ budget: inout ImageBudget) throws -> String {
    if let lastParent, lastParent.components == components { return lastParent.path }
    guard let path = try root.directory(components, missing: .made, made: { try budget.take(pathBytes: 0) }) else {
      throw PackageError.defect("no directory: \(components.joined(separator: "/"))")
    }
    lastParent = (components, path)
    return path
  }

  /// Nil when there is nothing.
  private func kind(_ path: String) throws -> mode_t? {
    var status = stat()
    if lstat(path, &status) == 0 { return status.st_mode & S_IFMT }
    guard errno == ENOENT || errno == ENOTDIR else { throw PackageIOError(step: "lstat", path: path, errno: errno) }
    return nil
  }

  private mutating func remove(_ path: String, keepingBrought: Bool) throws {
    guard let kind = try kind(path) else { return }
    if keepingBrought {
      if kind == S_IFDIR, try holdsBrought(path) { return try clear(path) }
      if brought.contains(path) { return }
    }
    // What lies below a directory or behind a link that goes may be what was looked up before.
    if kind != S_IFREG { lastParent = nil }
    try PackageDisk.removeTree(path)
  }

  /// Removes what lower layers brought into a directory.
  private mutating func clear(_ directory: String) throws {
    guard cleared.insert(directory).inserted else { return }
    lastParent = nil
    for name in try PackageDisk.names(in: directory) { try remove(directory + "/" + name, keepingBrought: true) }
  }

  private func holdsBrought(_ directory: String) throws -> Bool {
    if brought.contains(directory) { return true }
    for name in try PackageDisk.names(in: directory) {
      let path = directory + "/" + name
      if brought.contains(path) { return true }
      if try kind(path) == S_IFDIR, try holdsBrought(path) { return true }
    }
    return false
  }
}
