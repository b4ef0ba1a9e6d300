// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The command line that makes the namespaces and the file tree. It holds no secrets: every user of the host can read it.
struct BubblewrapCommand {
  static let guestInit = "/run/dewpoint/sandbox-init"

  var bubblewrap: String
  var sandboxInit: String
  /// True when the server is root of this host: then bubblewrap makes no user namespace, so that directories which only
  /// root can read may be bound, and sandbox-init changes to an unprivileged uid of the host.
  var dropsToHostUID: Bool
  var runtimeBinds: [HostRoot.Entry]

  func arguments(_ spec: SandboxSpec) -> [String] {
    var all = [bubblewrap, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"]
    if !dropsToHostUID {
      all += ["--unshare-user", "--uid", "\(SandboxHost.guestUID)", "--gid", "\(SandboxHost.guestGID)"]
    }
    // As process 1, sandbox-init reaps orphans and reports the exact status, which bubblewrap would fold into an exit code.
    all += ["--hostname", spec.hostname, "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if dropsToHostUID { all += ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap { ["--cap-add", $0] } }
    // Directories that bubblewrap makes by itself on the way to a bind are closed to other users.
    for directory in parents(spec) { all += ["--perms", "0755", "--dir", directory] }
    for entry in runtimeBinds {
      switch entry {
      case .bind(let bind): all += ["--ro-bind", bind.host, bind.guest]
      case .link(let target, let path): all += ["--symlink", target, path]
      }
    }
    let temporary = spec.temporaryDirectory
    all += ["--ro-bind", temporary.etcPath + "/passwd", "/etc/passwd", "--ro-bind", temporary.etcPath + "/group", "/etc/group"]
    all += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--ro-bind", sandboxInit, Self.guestInit]
    for bind in spec.readOnlyBinds { all += ["--ro-bind", bind.host, bind.guest] }
    if let hostPath = temporary.hostPath {
      all += ["--bind", hostPath, "/tmp"]
    } else {
      all += ["--perms", "0700", "--size", "\(temporary.limitBytes)", "--tmpfs", "/tmp"]
    }
    return all + ["--remount-ro", "/", "--chdir", "/", "--", Self.guestInit, "run"]
  }

  /// The directories above all binds that no bind brings along, the upper ones first.
  private func parents(_ spec: SandboxSpec) -> [String] {
    let binds = spec.readOnlyBinds.map(\.guest) + runtimeBinds.map(\.guest)
    var found: Set<String> = ["/etc", "/run", "/run/dewpoint"]
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

  static let directories = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]
  static let files = [
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates", "/etc/pki", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/protocols", "/etc/services",
    "/etc/localtime", "/etc/gai.conf", "/nix/store",
  ]

  static func entries(hosts: String) -> [Entry] {
    var entries: [Entry] = directories.compactMap { path in
      if let target = Descriptors.linkTarget(path) { return .link(target: target, path: path) }
      return Descriptors.isDirectory(path) ? .bind(.init(host: path, guest: path)) : nil
    }
    for path in files where access(path, R_OK) == 0 { entries.append(.bind(.init(host: path, guest: path))) }
    entries.append(.bind(.init(host: hosts, guest: "/etc/hosts")))
    return entries
  }

  static let hostsText = "127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n"
}
