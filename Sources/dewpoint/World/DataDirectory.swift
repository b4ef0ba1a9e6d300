import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of a server: the state of the day, and the name of the directory that it is in.
///
/// The first state lies in the root itself. One that takes its place is made beside it, complete, and becomes the state by one
/// rename of the file `STATE`: a crash leaves the old one or the new one. What `STATE` does not name is removed at the next start.
struct DataDirectory: Sendable {
  let root: String
  private let isTemporary: Bool

  /// - Parameter path: nil makes a temporary directory for a server that keeps nothing.
  init(_ path: String?) throws {
    if let path {
      (root, isTemporary) = (try Files.absolute(path), false)
    } else {
      (root, isTemporary) = (try Files.makeTemporary("\(environment("TMPDIR") ?? "/tmp")/dewpoint-"), true)
    }
    var made = ""
    for part in root.split(separator: "/") {
      made += "/\(part)"
      // Functions run as other users and must reach their code, so the way there may be passed but not listed.
      if mkdir(made, 0o711) != 0, errno != EEXIST { throw FileError("make the directory", made) }
    }
  }

  /// Takes the directory for this process, until it ends. Throws `DirectoryInUse`.
  func claim() throws {
    try refuseForeign()
    let path = root + "/LOCK"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileError("open", path) }
    // The descriptor stays open on purpose: the lock lives as long as the process.
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      throw DirectoryInUse(root: root)
    }
  }

  /// An exchange removes what the directory holds of a state, which must then be ours.
  private func refuseForeign() throws {
    let names = Set(Files.names(root))
    guard !names.contains("LOCK"), !names.isDisjoint(with: ["store", "blobs", "objects", "lambda"]),
      !Files.names(root + "/store").contains("CURRENT")
    else { return }
    throw ForeignDirectory(root: root)
  }

  private var pointer: String { root + "/STATE" }

  /// The state of the day.
  func current() throws -> StateDirectory {
    guard let name = try Files.read(pointer, limit: 256)?.utf8Text.trimmed else { return StateDirectory(path: root) }
    guard Self.isState(name) else { throw FileError("understand", pointer, EINVAL) }
    // Never go on with another state than the one that was acknowledged.
    guard access("\(root)/\(name)", F_OK) == 0 else { throw FileError("find the state", "\(root)/\(name)") }
    return StateDirectory(path: "\(root)/\(name)")
  }

  /// An empty directory for a state that is to become the one of the day, or nothing.
  func makeState() throws -> StateDirectory {
    let path = try Files.makeTemporary(root + "/" + Self.prefix)
    guard chmod(path, 0o711) == 0 else { throw FileError("open to all", path) }
    return StateDirectory(path: path)
  }

  /// From here on this is the state of the day, whatever happens to the process.
  func adopt(_ state: StateDirectory) throws {
    guard let name = state.path.split(separator: "/").last.map(String.init), Self.isState(name) else {
      throw FileError("adopt", state.path, EINVAL)
    }
    try Files.synchronise(state.path)
    try Files.replace(pointer, with: Array("\(name)\n".utf8))
  }

  /// Removes a state that was replaced, or one that will not be used; what a crash leaves of it is removed at the next start.
  func remove(_ state: StateDirectory) {
    if state.path == root { state.removeContents() } else { Files.removeTree(state.path) }
  }

  /// Removes states of which nobody speaks: those that were replaced, and those that never were complete. Only while none is being made.
  func removeOthers(than state: StateDirectory) {
    for name in Files.names(root) where Self.isState(name) && "\(root)/\(name)" != state.path {
      Files.removeTree("\(root)/\(name)")
    }
    if state.path != root { StateDirectory(path: root).removeContents() }
  }

  /// A name that no copy of a directory gets by chance: what has it is removed when nobody speaks of it.
  private static let prefix = "state-dewpoint-"
  private static func isState(_ name: String) -> Bool {
    name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 6 && !name.contains("/")
  }

  func removeIfTemporary() {
    if isTemporary { Files.removeTree(root) }
  }
}

/// The files of one state: the store, blobs, objects, unpacked code (only a cache) and the state of the clock.
struct StateDirectory: Sendable, Equatable {
  let path: String

  var store: String { path + "/store" }
  var blobs: String { path + "/blobs" }
  var objects: String { path + "/objects" }
  var lambda: String { path + "/lambda" }
  private var clock: String { path + "/clock.json" }

  func loadClock() throws -> AdjustableClock.Mode? {
    guard let bytes = try Files.read(clock, limit: 4096) else { return nil }
    return (try? JSON.parse(bytes)).flatMap(AdjustableClock.Mode.init(json:))
  }

  /// Time that has passed for the services must not come back after a restart.
  func saveClock(_ mode: AdjustableClock.Mode) throws { try Files.replace(clock, with: mode.json.bytes) }

  func removeContents() {
    for path in [store, blobs, objects, lambda] { Files.removeTree(path) }
    unlink(clock)
  }
}

extension AdjustableClock.Mode {
  var json: JSON {
    switch self {
    case .running(let offset): ["offset": .int(offset.inMilliseconds)]
    case .frozen(let instant): ["frozenAt": .int(instant.milliseconds)]
    }
  }
  init?(json: JSON) {
    // Texts and keys know the years up to 9999.
    let end = Instant.distantFuture.milliseconds
    if let frozen = json["frozenAt"]?.int, (0...end).contains(frozen) {
      self = .frozen(at: Instant(milliseconds: frozen))
    } else if let offset = json["offset"]?.int, (-end...end).contains(offset) {
      self = .running(offset: .milliseconds(offset))
    } else {
      return nil
    }
  }
}

struct ForeignDirectory: Error, CustomStringConvertible {
  var root: String
  var description: String { "\(root) has files of the names that a data directory has, and is none: choose another data directory" }
}

struct DirectoryInUse: Error, CustomStringConvertible {
  var root: String
  var description: String { "\(root) is in use by another process: stop that one, or choose another data directory" }
}
