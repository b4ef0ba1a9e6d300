import Base
import Crypto
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Trees of several packages laid over each other, for `/opt`: what comes later wins. The files are hard links, so a tree
/// costs only its directories. No link of a package is ever followed.
///
/// Like all unpacked code the trees are a cache; those of an earlier run are removed at the start.
final class LayerTrees: Sendable {
  static let prefix = ".layers-"
  private let root: String
  /// Trees that are kept. One more takes the place of the one that no environment has been started with for longest.
  private static let capacity = 1000
  private struct Tree { var hashes: [String], lastUse: Int }
  private struct State {
    var trees: [String: Tree] = [:]
    var uses = 0
  }
  private let state = Mutex(State())

  init(root: String) { self.root = root }

  /// Blocking; the packages are unpacked already.
  /// - Parameter hashes: in the order in which they are merged.
  /// - Throws: `PackageIOError`.
  func tree(of hashes: [String]) throws -> String {
    let name = SHA256.hash(data: Array(hashes.joined(separator: "/").utf8)).map { $0 }.hex
    let path = "\(root)/\(Self.prefix)\(name)"
    if use(path) { return path }
    let aside = "\(root)/\(PackageDisk.temporaryPrefix)layers-\(name)"
    try? PackageDisk.removeTree(aside)
    do {
      try Self.makeDirectory(aside)
      for hash in hashes { try Self.merge("\(root)/\(hash)", into: aside) }
      guard rename(aside, path) == 0 else { throw PackageIOError(step: "rename", path: path, errno: errno) }
    } catch {
      try? PackageDisk.removeTree(aside)
      throw error
    }
    try keep(path, hashes)
    return path
  }

  private func use(_ path: String) -> Bool {
    state.withLock { state in
      state.uses += 1
      state.trees[path]?.lastUse = state.uses
      return state.trees[path] != nil
    }
  }

  private func keep(_ path: String, _ hashes: [String]) throws {
    let oldest = state.withLock { state -> String? in
      state.trees[path] = Tree(hashes: hashes, lastUse: state.uses)
      guard state.trees.count > Self.capacity else { return nil }
      let oldest = state.trees.min { $0.value.lastUse < $1.value.lastUse }?.key
      if let oldest { state.trees[oldest] = nil }
      return oldest
    }
    if let oldest { try PackageDisk.removeTree(oldest) }
  }

  /// Removes the trees that a package is part of.
  func remove(with hash: String) throws {
    for path in state.withLock({ state in state.trees.filter { $0.value.hashes.contains(hash) }.map(\.key) }) {
      state.withLock { $0.trees[path] = nil }
      try PackageDisk.removeTree(path)
    }
  }

  private static func merge(_ source: String, into target: String) throws {
    for name in try PackageDisk.names(in: source) {
      let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
      let isDirectory = try kind(from) == S_IFDIR
      let old = try? kind(to)
      if let old, !(isDirectory && old == S_IFDIR) { try PackageDisk.removeTree(to) }
      if isDirectory {
        if old != S_IFDIR { try makeDirectory(to) }
        try merge(from, into: to)
      } else {
        guard linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0 else { throw PackageIOError(step: "link", path: to, errno: errno) }
      }
    }
  }

  private static func kind(_ path: String) throws -> mode_t {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw PackageIOError(step: "lstat", path: path, errno: errno) }
    return status.st_mode & S_IFMT
  }

  private static func makeDirectory(_ path: String) throws {
    guard mkdir(path, 0o755) == 0, chmod(path, 0o755) == 0 else { throw PackageIOError(step: "mkdir", path: path, errno: errno) }
  }
}
