import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A directory that is the root of a file tree of somebody else. Links in it mean what they would mean to a process whose root it is:
/// no path leads out of it, whatever the links say.
///
/// For trees that nobody changes at the same time.
struct ImageRoot: Sendable {
  let path: String
  /// As Linux counts them.
  private static let maximumLinks = 40

  /// What to do with a directory that is missing.
  enum Missing { case fails, made }

  /// The path on the host of a directory below the root, all links followed.
  /// - Returns: nil when it is not there, or no directory, and `missing` does not say to make it.
  /// - Throws: `PackageError` for links that lead in circles or a file in the place of a directory, `PackageIOError`.
  /// - Parameter made: is called for each directory before it is made.
  func directory(_ components: some Sequence<String>, missing: Missing, made: () throws -> Void = {}) throws -> String? {
    var followed = 0
    guard let found = try walk(Array(components), &followed, missing, made: made) else { return nil }
    return path + found.map { "/" + $0 }.joined()
  }

  /// The path on the host of what a path in the tree means, all links followed.
  func resolve(_ guest: String) throws -> String? {
    var followed = 0
    guard let found = try walk(Self.split(guest), &followed, .fails, lastMayBeFile: true) else { return nil }
    return path + found.map { "/" + $0 }.joined()
  }

  private static func split(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
  }

  private func walk(
    _ components: [String], _ followed: inout Int, _ missing: Missing, lastMayBeFile: Bool = false, made: () throws -> Void = {}
  ) throws -> [String]? {
    // The next component is the last one of this list.
    var ahead = Array(components.reversed())
    var behind: [String] = []
    while let name = ahead.popLast() {
      if name == ".." {
        _ = behind.popLast()
        continue
      }
      let place = path + behind.map { "/" + $0 }.joined() + "/" + name
      var status = stat()
      if lstat(place, &status) != 0 {
        guard errno == ENOENT || errno == ENOTDIR else { throw PackageIOError(step: "lstat", path: place, errno: errno) }
        guard missing == .made else { return nil }
        try made()
        try Self.makeDirectory(place)
        behind.append(name)
        continue
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: behind.append(name)
      case S_IFLNK:
        followed += 1
        guard followed <= Self.maximumLinks else { throw PackageError.defect("links lead in circles at \(name)") }
        guard let target = Self.target(of: place) else { throw PackageIOError(step: "readlink", path: place, errno: errno) }
        if target.hasPrefix("/") { behind = [] }
        ahead += Self.split(target).reversed()
        guard ahead.count <= 4096 else { throw PackageError.defect("links lead too far at \(name)") }
      default:
        guard lastMayBeFile, ahead.isEmpty else {
          if missing == .made { throw PackageError.defect("\(name) is no directory") }
          return nil
        }
        behind.append(name)
      }
    }
    return behind
  }

  static func makeDirectory(_ path: String) throws {
    guard mkdir(path, 0o755) == 0, chmod(path, 0o755) == 0 else { throw PackageIOError(step: "mkdir", path: path, errno: errno) }
  }

  private static func target(of link: String) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(link, &buffer, buffer.count)
    guard count > 0 else { return nil }
    return buffer.prefix(count).map { UInt8(bitPattern: $0) }.utf8Text
  }
}

extension ImageRoot {
  /// Finds the program that a first word of an entry point means, as a shell would: by its path, or in the directories of `PATH`.
  /// - Returns: an absolute path of the guest. Nil for a word without a slash that is nowhere.
  func program(_ word: String, searchPath: String, workingDirectory: String) -> String? {
    if word.hasPrefix("/") { return word }
    if word.utf8.contains(UInt8(ascii: "/")) { return workingDirectory + "/" + word }
    for directory in searchPath.split(separator: ":") where directory.hasPrefix("/") {
      let candidate = "\(directory)/\(word)"
      guard let place = try? resolve(candidate) else { continue }
      var status = stat()
      if stat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 { return candidate }
    }
    return nil
  }
}
