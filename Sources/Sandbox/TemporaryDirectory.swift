// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What a sandbox sees as `/tmp`. It belongs to its owner, not to a process: the next sandbox that gets it finds the files.
///
/// As root it is a tmpfs of exactly the given size, because a directory on disk cannot bound bytes. Its pages count as memory
/// of the sandbox that writes them. Without root, each launch has a new tmpfs and the files are lost (`survivesRestart`);
/// a plain process without root gets a directory whose size nothing limits.
public final class TemporaryDirectory: Sendable {
  enum Kind: Sendable {
    /// A tmpfs on the host, until released.
    case mounted
    /// A new tmpfs in each sandbox.
    case perLaunch
    /// An ordinary directory.
    case plain
  }

  public var limitBytes: Int { limit.load(ordering: .relaxed) }
  private let limit: Atomic<Int>
  /// Where it is on the host; `nil` if there is a new one for each launch.
  public let hostPath: String?
  public var survivesRestart: Bool { hostPath != nil }
  /// The host uid and gid of the processes that use it; `nil` means that of the server.
  let identity: (uid: UInt32, gid: UInt32)?
  /// Holds `passwd` and `group` for this uid.
  let personalPath: String
  private let directory: String
  private let released = Mutex(false)
  private let onRelease: @Sendable () -> Void

  init(
    directory: String, limitBytes: Int, identity: (uid: UInt32, gid: UInt32)?, kind: Kind,
    onRelease: @escaping @Sendable () -> Void
  ) throws(SandboxError) {
    self.directory = directory
    limit = Atomic(limitBytes)
    self.identity = identity
    self.hostPath = kind == .perLaunch ? nil : directory + "/tmp"
    self.personalPath = directory + "/personal"
    self.onRelease = onRelease
    try Descriptors.makeDirectories(personalPath)
    let (uid, gid) = identity ?? (SandboxHost.guestUID, SandboxHost.guestGID)
    let user = SandboxHost.guestUser
    let passwd = "root:x:0:0:root:/:/sbin/nologin\n\(user):x:\(uid):\(gid)::/tmp:/sbin/nologin\n"
    try Descriptors.write(passwd, to: personalPath + "/passwd", create: true)
    try Descriptors.write("root:x:0:\n\(user):x:\(gid):\n", to: personalPath + "/group", create: true)
    chmod(personalPath, 0o755)
    guard let hostPath else { return }
    try Descriptors.makeDirectory(hostPath, mode: 0o700)
    guard kind == .mounted else { return }
    let owner = identity.map { "uid=\($0.uid),gid=\($0.gid)" } ?? "uid=\(geteuid()),gid=\(getegid())"
    guard mount("dewpoint", hostPath, "tmpfs", Self.flags, "\(Self.size(limitBytes)),mode=0700,\(owner)") == 0 else {
      throw .last("mount tmpfs", hostPath)
    }
  }

  private static let flags = UInt(MS_NOSUID) | UInt(MS_NODEV)
  private static func size(_ bytes: Int) -> String { "size=\(bytes),nr_inodes=\(max(1024, bytes / 4096))" }

  /// Gives it another size, also while a sandbox runs on it. Only for one that is mounted, as root.
  public func resize(limitBytes new: Int) throws(SandboxError) {
    guard new != limitBytes else { return }
    guard let hostPath, mount(nil, hostPath, nil, Self.flags | UInt(MS_REMOUNT), Self.size(new)) == 0 else {
      throw .last("remount tmpfs", hostPath ?? "")
    }
    limit.store(new, ordering: .relaxed)
  }

  /// Bytes in it now; `nil` if it is not on the host.
  public func usedBytes() -> Int? {
    guard let hostPath else { return nil }
    var status = statvfs()
    guard statvfs(hostPath, &status) == 0 else { return nil }
    return Int(status.f_blocks - status.f_bfree) * Int(status.f_frsize)
  }

  /// Throws the files away, once no sandbox runs on it. May be called twice; the last reference does it too.
  public func release() {
    let first = released.withLock { value in
      defer { value = true }
      return !value
    }
    guard first else { return }
    Self.remove(directory)
    onRelease()
  }

  deinit { release() }

  /// Unmounts and removes the directory of a temporary directory; also for those that a crashed server left.
  static func remove(_ directory: String) {
    umount2(directory + "/tmp", Int32(MNT_DETACH))
    Descriptors.removeTree(directory)
  }
}
