import Base
import Crypto
import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The directory of unpacked packages. Its blocking calls run one after the other on a queue of their own.
struct PackageDisk: Sendable {
  private let root: String
  private let queue: DispatchQueue

  /// - Parameter label: of its queue.
  init(root: String, label: String = "dewpoint.packages") {
    (self.root, queue) = (root, DispatchQueue(label: label))
    queue.async { Self.prepare(root) }
  }

  func run<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
  }

  static let temporaryPrefix = ".unpack-"

  /// Makes the directory with its parents, and removes what an interrupted run left. A failure shows itself when the
  /// first package is unpacked.
  private static func prepare(_ root: String) {
    var path = root.hasPrefix("/") ? "" : "."
    for component in root.split(separator: "/") {
      path += "/" + component
      mkdir(path, 0o755)
    }
    for name in (try? names(in: root)) ?? [] 
    where name.hasPrefix(temporaryPrefix) || name.hasPrefix(LayerTrees.prefix) {
      try? removeTree(root + "/" + name)
    }
  }

  func existing(_ hash: String) -> String? {
    var status = stat()
    return lstat(path(hash), &status) == 0 ? path(hash) : nil
  }

  /// The names of all that is kept.
  func kept() -> [String] { ((try? Self.names(in: root)) ?? []).filter { !$0.hasPrefix(".") } }

  private func path(_ hash: String) -> String { root + "/" + hash }

  func unpack(_ zip: [UInt8], hash: String) throws -> String {
    if let path = existing(hash) { return path }
    return try make(hash) { try Unpacker(archive: ZipArchive(zip), root: $0).unpack() }
  }

  /// Fills a directory of its own and moves that to its place as a whole, so that nobody sees half a package.
  func make(_ hash: String, _ fill: (_ directory: String) throws -> Void) throws -> String {
    let temporary = try makeAside(fill)
    guard rename(temporary, path(hash)) == 0 else {
      let error = PackageIOError(step: "rename", path: path(hash), errno: errno)
      try? Self.removeTree(temporary)
      throw error
    }
    return path(hash)
  }

  /// - Returns: the hash.
  func check(_ zip: [UInt8]) throws -> String {
    try Self.removeTree(try makeAside { try Unpacker(archive: ZipArchive(zip), root: $0).unpack() })
    return SHA256.hash(data: zip).map { $0 }.hex
  }

  private func makeAside(_ fill: (_ directory: String) throws -> Void) throws -> String {
    var template = Array("\(root)/\(Self.temporaryPrefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw PackageIOError(step: "mkdtemp", path: root, errno: errno) }
    let temporary = template.dropLast().map { UInt8(bitPattern: $0) }.utf8Text
    do {
      guard chmod(temporary, 0o755) == 0 else { throw PackageIOError(step: "chmod", path: temporary, errno: errno) }
      try fill(temporary)
    } catch {
      try? Self.removeTree(temporary)
      throw error
    }
    return temporary
  }

  func remove(_ hash: String) throws {
    guard existing(hash) != nil else { return }
    // Out of sight first, so that an interrupted removal leaves no half of a package behind.
    let aside = "\(root)/\(Self.temporaryPrefix)removed-\(hash)"
    guard rename(path(hash), aside) == 0 else { throw PackageIOError(step: "rename", path: path(hash), errno: errno) }
    try Self.removeTree(aside)
  }

  static func names(in directory: String) throws -> [String] {
    guard let handle = opendir(directory) else { throw PackageIOError(step: "opendir", path: directory, errno: errno) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.prefix(while: { $0 != 0 }).utf8Text }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Follows no links. The depth is bounded, because the unpacker bounds it.
  static func removeTree(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw PackageIOError(step: "lstat", path: path, errno: errno) }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try names(in: path) { try removeTree(path + "/" + name) }
      guard rmdir(path) == 0 else { throw PackageIOError(step: "rmdir", path: path, errno: errno) }
    } else {
      guard unlink(path) == 0 else { throw PackageIOError(step: "unlink", path: path, errno: errno) }
    }
  }
}
