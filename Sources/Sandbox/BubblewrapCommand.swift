// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The command line that makes the namespaces and the file tree. It holds no secrets: every user of the host can read it.
struct BubblewrapCommand {
  /// The descriptor on which the outer sandbox-init leaves its own program file open: no mount is needed for it.
  static let guestInit = "/proc/self/fd/4"
  /// Where the files are that differ from user to user; `/etc/passwd` and `/etc/group` are links to it.
  static let guestPersonal = "/run/dewpoint"

  /// Where `probe` sees bubblewrap.
  static let guestBubblewrap = "/var/task/bwrap"

  var bubblewrap: String
  /// True when the server is root of this host: then bubblewrap makes no user namespace, so that directories which only
  /// root can read may be bound, and sandbox-init changes to an unprivileged uid of the host.
  var dropsToHostUID: Bool
  /// Sandboxes with a way out are started in a network namespace that has one.
  var hasRouter: Bool
  /// Each bind costs a quarter of a millisecond at every start.
  var runtimeBinds: [HostRoot.Entry]
  /// Where the files of `/etc` are that all sandboxes share.
  var etc: String

  func arguments(_ spec: SandboxSpec) -> [String] {
    var all = [bubblewrap, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if !hasRouter || spec.network == .none { all.append("--unshare-net") }
    if !dropsToHostUID {
      all += ["--unshare-user", "--uid", "\(SandboxHost.guestUID)", "--gid", "\(SandboxHost.guestGID)"]
    }
    // As process 1, sandbox-init reaps orphans and reports the exact status, which bubblewrap would fold into an exit code.
    all += ["--hostname", spec.hostname, "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if dropsToHostUID { all += ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap { ["--cap-add", $0] } }
    let temporary = spec.temporaryDirectory
    all += spec.root.map { ownRoot($0, temporary) } ?? hostRoot(spec)
    for bind in spec.readOnlyBinds { all += ["--ro-bind", bind.host, bind.guest] }
    if let hostPath = temporary.hostPath {
      all += ["--bind", hostPath, "/tmp"]
    } else {
      all += ["--perms", "0700", "--size", "\(temporary.limitBytes)", "--tmpfs", "/tmp"]
    }
    return all + ["--remount-ro", "/", "--chdir", "/", "--", Self.guestInit, "run"]
  }

  private func hostRoot(_ spec: SandboxSpec) -> [String] {
    var all: [String] = []
    // Directories that bubblewrap makes by itself on the way to a bind are closed to other users.
    for directory in parents(spec) { all += ["--perms", "0755", "--dir", directory] }
    for directory in spec.lateMountPoints { all += ["--perms", "0755", "--dir", directory] }
    for entry in runtimeBinds {
      switch entry {
      case .bind(let bind): all += ["--ro-bind", bind.host, bind.guest]
      case .link(let target, let path): all += ["--symlink", target, path]
      }
    }
    all += ["--ro-bind", spec.temporaryDirectory.personalPath, Self.guestPersonal]
    return all + ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
  }

  private func ownRoot(_ root: String, _ temporary: TemporaryDirectory) -> [String] {
    var all = ["--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    // Through a link, a mount would hit another place than is meant.
    guard Descriptors.isDirectory(root + "/etc"), Descriptors.linkTarget(root + "/etc") == nil else { return all }
    for name in ["passwd", "group"] { all += ["--ro-bind", "\(temporary.personalPath)/\(name)", "/etc/\(name)"] }
    for name in ["hosts", "resolv.conf"] where access("\(etc)/\(name)", F_OK) == 0 { all += ["--ro-bind", "\(etc)/\(name)", "/etc/\(name)"] }
    return all
  }

  /// The directories above all binds that no bind brings along, the upper ones first.
  private func parents(_ spec: SandboxSpec) -> [String] {
    let binds = spec.readOnlyBinds.map(\.guest) + runtimeBinds.map(\.guest) + spec.lateMountPoints
    var found: Set<String> = ["/run"]
    for path in binds {
      var parent = path
      while let slash = parent.lastIndex(of: "/"), slash != parent.startIndex {
        parent = String(parent[..<slash])
        found.insert(parent)
      }
    }
    let covered = Set(binds)
    return found.filter { directory in
      !covered.contains { directory == $0 || directory.hasPrefix($0 + "/") }
    }.sorted()
  }
}

/// The host's runtime directories, as every sandbox sees them: programs and libraries, and the few files of /etc that
/// programs cannot do without. Nothing that tells about users, services or secrets of the host.
enum HostRoot {
  enum Entry: Sendable, Equatable {
    case bind(SandboxSpec.Bind)
    case link(target: String, path: String)

    var guest: String {
      switch self {
      case .bind(let bind): bind.guest
      case .link(_, let path): path
      }
    }
  }

  static let directories = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"]
  /// Copied into one directory when the server starts: one mount instead of ten.
  static let files = [
    "ld.so.cache", "ssl/openssl.cnf", "nsswitch.conf", "mime.types", "protocols", "services", "localtime", "gai.conf",
  ]
  /// Mounted, because copying their hundreds of links would delay the server's start.
  static let etcDirectories = ["ssl/certs", "alternatives", "pki"]
  static let hosts = "127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n"

  /// - Parameter etc: a directory that is made and filled here.
  /// - Parameter resolver: `/etc/resolv.conf`; none where names cannot be asked for.
  static func entries(etc: String, resolver: String?) throws(SandboxError) -> [Entry] {
    var entries: [Entry] = directories.compactMap { path in
      if let target = Descriptors.linkTarget(path) { return .link(target: target, path: path) }
      return Descriptors.isDirectory(path) ? .bind(.init(host: path, guest: path)) : nil
    }
    // Guests of another uid must be able to pass, whatever the umask.
    for path in [etc, etc + "/ssl"] {
      try Descriptors.makeDirectories(path)
      chmod(path, 0o755)
    }
    for name in files { try copy("/etc/" + name, to: "\(etc)/\(name)") }
    try Descriptors.write(hosts, to: etc + "/hosts", create: true)
    if let resolver { try Descriptors.write(resolver, to: etc + "/resolv.conf", create: true) }
    for name in ["passwd", "group"] { symlink("\(BubblewrapCommand.guestPersonal)/\(name)", "\(etc)/\(name)") }
    // A Java machine of Debian has its settings here; who runs one mounts them.
    for name in Descriptors.list("/etc") where name.hasPrefix("java-") && Descriptors.isDirectory("/etc/" + name) {
      try Descriptors.makeDirectory("\(etc)/\(name)")
    }
    entries.append(.bind(.init(host: etc, guest: "/etc")))
    for name in etcDirectories where Descriptors.isDirectory("/etc/" + name) {
      try Descriptors.makeDirectory("\(etc)/\(name)")
      entries.append(.bind(.init(host: "/etc/" + name, guest: "/etc/" + name)))
    }
    return entries
  }

  /// What cannot be read is left out.
  private static func copy(_ source: String, to target: String) throws(SandboxError) {
    if let link = Descriptors.linkTarget(source) {
      symlink(link, target)
    } else if let bytes = Descriptors.readBytes(source, limit: 1 << 20) {
      try Descriptors.write(bytes, to: target, create: true)
    }
  }
}
