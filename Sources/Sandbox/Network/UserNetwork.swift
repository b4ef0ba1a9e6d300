// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The way out for the sandboxes of a server that is not root: beside each, a process of slirp4netns that opens ordinary connections for
/// it. What slirp4netns would let through to the host itself, the sandbox has no route to.
struct UserNetwork: Sendable {
  /// Of slirp4netns.
  let program: String
  private let sandboxInit: String

  /// slirp4netns gives the sandbox .100 of this network, is .2 itself and answers for names at .3.
  static let resolverFile = "nameserver 169.254.98.3\noptions timeout:3 attempts:2\n"
  private static let device = "/dev/net/tun"

  init(sandboxInit: String) throws(SandboxError) {
    guard let program = Programs.find("slirp4netns") else {
      throw SandboxError(step: "find slirp4netns", path: "", errno: ENOENT)
    }
    guard access(Self.device, R_OK | W_OK) == 0 else { throw .last("open", Self.device) }
    (self.program, self.sandboxInit) = (program, sandboxInit)
  }

  /// A process that gives one sandbox its network. It ends with the sandbox, and with the server.
  struct Helper {
    let pid: pid_t
    /// Readable once the network is there; nil after that.
    private(set) var ready: Int32?
    /// slirp4netns ends when the other side of it is closed.
    private var exit: Int32?

    fileprivate init(pid: pid_t, ready: Int32, exit: Int32) { (self.pid, self.ready, self.exit) = (pid, ready, exit) }

    /// Whether it said so, once; nil when it has been asked already.
    mutating func takeReady() -> Bool? {
      guard let ready else { return nil }
      defer { self.ready = nil }
      var byte: UInt8 = 0
      defer { close(ready) }
      return read(ready, &byte, 1) == 1
    }

    mutating func end() {
      for descriptor in [ready, exit].compactMap({ $0 }) { close(descriptor) }
      (ready, exit) = (nil, nil)
      kill(pid, SIGKILL)
    }

    var isReaped: Bool {
      var status: Int32 = 0
      return waitpid(pid, &status, WNOHANG) != 0
    }
  }

  /// Called by the supervisor only.
  /// - Parameter space: the sandbox's network namespace, which stays the caller's.
  func start(in space: Int32) throws(SandboxError) -> Helper {
    let ready = try Descriptors.pipe(), exit = try Descriptors.pipe()
    defer {
      close(ready.write)
      close(exit.read)
    }
    do throws(SandboxError) {
      let pid = try spawnProcess(
        [sandboxInit, "network", program] + Self.hostAddresses().map { "\($0)" }, output: nil,
        inherits: [space, ready.write, exit.read])
      return Helper(pid: pid, ready: ready.read, exit: exit.write)
    } catch {
      close(ready.read)
      close(exit.write)
      throw error
    }
  }

  /// Of all interfaces, IPv4, in host byte order. The sandbox has no other protocol.
  static func hostAddresses() -> Set<UInt32> {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: Set<UInt32> = []
    var entry = first
    while let current = entry {
      if let address = current.pointee.ifa_addr, Int32(address.pointee.sa_family) == AF_INET {
        found.insert(address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt32(bigEndian: $0.pointee.sin_addr.s_addr) })
      }
      entry = current.pointee.ifa_next
    }
    return found
  }

  static func problem(for error: SandboxError) -> SandboxReport.Problem {
    let remedy =
      error.path == device
      ? "Let users open it (chmod 666 \(device)), or run the server as root."
      : "Install the package slirp4netns (apt-get install slirp4netns), or run the server as root."
    return .init(what: "functions cannot be given a way out: \(error)", remedy: remedy)
  }
}
