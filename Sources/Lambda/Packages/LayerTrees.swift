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
  /// Trees that are kept. One more takes the place of the one that rests longest; those in use stay, however many.
  private let capacity: Int
  private struct Tree { var hashes: [String], users: Int, lastUse: Int }
  private struct State {
    var trees: [String: Tree] = [:]
    var uses = 0
  }
  private let state = Mutex(State())

  init(root: String, capacity: Int = 1000) { (self.root, self.capacity) = (root, capacity) }

  /// Blocking; the packages are unpacked already. The tree is in use until `release`.
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
      state.trees[path]?.users += 1
      return state.trees[path] != nil
    }
  }

  private func keep(_ path: String, _ hashes: [String]) throws {
    let evicted = state.withLock { state -> [String] in
      state.trees[path] = Tree(hashes: hashes, users: 1, lastUse: state.uses)
      let resting = state.trees.filter { $0.value.users == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
      let evicted = resting.prefix(max(0, state.trees.count - capacity)).map(\.key)
      for path in evicted { state.trees[path] = nil }
      return evicted
    }
    for path in evicted { try PackageDisk.removeTree(path) }
  }

  /// One user of the tree less. Does nothing for another path.
  func release(_ path: String) {
    state.withLock { if let users = $0.trees[path]?.users { $0.trees[path]?.users = max(0, users - 1) } }
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
