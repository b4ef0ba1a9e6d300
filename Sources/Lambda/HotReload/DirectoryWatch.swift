import Base
import Dispatch
import Glibc
import Synchronization

/// Sees every change below one directory, by inotify. A change that was made before `take` is called is seen by it: the kernel has
/// queued the event when the write returns.
final class DirectoryWatch: Sendable {
  /// Directories of one tree. What lies in further ones is not seen (`isComplete`).
  static let maximumDirectories = 10_000
  private static let maximumDepth = 64
  /// Names of changed files that are remembered, for people.
  static let maximumNames = 20

  struct Identity: Equatable, Sendable {
    var device: UInt64
    var inode: UInt64
  }

  private struct State {
    /// The path below the root, by watch descriptor; the root's own is empty.
    var paths: [Int32: String] = [:]
    var isComplete = true
    var isChanged = false
    var names: [String] = []
  }

  let root: String
  /// Of the directory that is watched: another one may have its name by now.
  let identity: Identity
  private let descriptor: Int32
  private let state = Mutex(State())
  // Dispatch's sources may be used from any thread; the protocol does not say so.
  private nonisolated(unsafe) let source: any DispatchSourceRead

  /// Blocking: it walks the tree.
  /// - Parameter onChange: called on a queue when something may have changed.
  /// - Throws: `PackageIOError` when the directory is not there, or nothing can be watched.
  init(_ root: String, onChange: @escaping @Sendable () -> Void) throws {
    self.root = root
    guard let identity = Self.identity(of: root) else { throw PackageIOError(step: "stat", path: root, errno: errno) }
    self.identity = identity
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else { throw PackageIOError(step: "inotify_init", path: root, errno: errno) }
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: Self.queue)
    source.setCancelHandler { [descriptor] in close(descriptor) }
    source.setEventHandler { [weak self] in
      guard let self else { return }
      if self.drain() { onChange() }
    }
    state.withLock { watch("", &$0, depth: 0) }
    source.resume()
  }

  deinit { source.cancel() }

  private static let queue = DispatchQueue(label: "dewpoint.hot-reload")

  /// Of what has this name now, links followed; nil when that is no directory.
  static func identity(of path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// Whether every directory of the tree is watched. If not, changes may remain unseen.
  var isComplete: Bool { state.withLock { $0.isComplete } }

  /// The names of what has changed since the last time, some of them; nil when nothing has.
  func take() -> [String]? {
    drain()
    return state.withLock { state in
      defer { (state.isChanged, state.names) = (false, []) }
      return state.isChanged ? state.names : nil
    }
  }

  /// Notes the events that the kernel holds. True when one of them is a change.
  @discardableResult
  private func drain() -> Bool {
    state.withLock { state in
      let wasChanged = state.isChanged
      state.isChanged = false
      withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
        while true {
          let count = read(descriptor, buffer.baseAddress, buffer.count)
          guard count > 0 else { break }
          note(UnsafeRawBufferPointer(rebasing: buffer[..<count]), &state)
        }
      }
      defer { state.isChanged = state.isChanged || wasChanged }
      return state.isChanged
    }
  }

  private func note(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
    let headLength = MemoryLayout<inotify_event>.size
    var at = 0
    while at + headLength <= bytes.count {
      let event = bytes.loadUnaligned(fromByteOffset: at, as: inotify_event.self)
      let name = bytes[(at + headLength)..<(at + headLength + Int(event.len))].prefix { $0 != 0 }.utf8Text
      note(event, name, &state)
      at += headLength + Int(event.len)
    }
  }

  private func note(_ event: inotify_event, _ name: String, _ state: inout State) {
    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return startAnew(&state) }
    guard let directory = state.paths[event.wd] else { return }
    if event.mask & UInt32(IN_IGNORED) != 0 {
      state.paths[event.wd] = nil
      return
    }
    let path = directory.isEmpty ? name : name.isEmpty ? directory : "\(directory)/\(name)"
    guard !IgnoredPaths.contains(path) else { return }
    state.isChanged = true
    if state.names.count < Self.maximumNames, !path.isEmpty, !state.names.contains(path) { state.names.append(path) }
    guard event.mask & UInt32(IN_ISDIR) != 0, !name.isEmpty else { return }
    if event.mask & UInt32(IN_MOVED_FROM) != 0 { forget(path, &state) }
    if event.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 { watch(path, &state, depth: path.split(separator: "/").count) }
  }

  /// Events were lost: nobody knows what is there.
  private func startAnew(_ state: inout State) {
    for number in state.paths.keys { inotify_rm_watch(descriptor, number) }
    (state.paths, state.isComplete, state.isChanged) = ([:], true, true)
    watch("", &state, depth: 0)
  }

  /// A directory went elsewhere; its watches would go on under the old name.
  private func forget(_ path: String, _ state: inout State) {
    for (number, known) in state.paths where known == path || known.hasPrefix(path + "/") {
      inotify_rm_watch(descriptor, number)
      state.paths[number] = nil
    }
  }

  private static let mask = UInt32(
    IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK)

  /// With all directories below. The watch comes before the look inside, so that what is made meanwhile is seen by one of the two.
  private func watch(_ path: String, _ state: inout State, depth: Int) {
    guard depth <= Self.maximumDepth, state.paths.count < Self.maximumDirectories else {
      state.isComplete = false
      return
    }
    let full = path.isEmpty ? root : "\(root)/\(path)"
    // The root may be a link on purpose; no other one is followed.
    let number = inotify_add_watch(descriptor, full, path.isEmpty ? Self.mask : Self.mask | UInt32(IN_DONT_FOLLOW))
    guard number >= 0 else {
      // What went away meanwhile is announced by its parent.
      if errno != ENOENT && errno != ENOTDIR { state.isComplete = false }
      return
    }
    state.paths[number] = path
    for name in (try? PackageDisk.names(in: full)) ?? [] {
      let inner = path.isEmpty ? name : "\(path)/\(name)"
      guard !IgnoredPaths.contains(inner), Self.isDirectory("\(full)/\(name)") else { continue }
      watch(inner, &state, depth: depth + 1)
    }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
