// SPDX-License-Identifier: Apache-2.0
import CNetwork
import Glibc
import Logging
import Synchronization

/// The way out of this host for the sandboxes of one server: a network namespace between theirs and the host's.
///
/// ```
/// sandbox  eth0 169.254.4.1/32 ──veth── router  169.254.254.1:53 names ──veth── host  dewpoint0 169.254.252.1/30 ── its own network
/// ```
/// The router lets new connections out only, hides the sandboxes behind one address and bounds their number; the host's rules keep what
/// comes from it away from the host's own addresses. Sandboxes do not see each other.
///
/// Nothing outlives the server: the namespace is held by descriptors alone and takes all links with it, and the host's rules belong to a
/// socket. Only forwarding of IPv4 stays on when it was off.
final class Router: Sendable {
  /// Link-local addresses: no function may reach one, so none that it may want to reach is hidden.
  enum Address {
    /// The gateway of every sandbox, and where it finds names.
    static let names: UInt32 = 0xa9fe_fe01  // 169.254.254.1
    static let linkLocal: UInt32 = 0xa9fe_0000
    static let firstSandbox: UInt32 = 0xa9fe_0401  // 169.254.4.1
    static let sandboxes: UInt32 = 24_000
    static func host(_ number: UInt32) -> UInt32 { 0xa9fe_fc01 + 4 * number }  // 169.254.252.1, .5, …
    static func router(_ number: UInt32) -> UInt32 { host(number) + 1 }
  }

  static let resolverFile = "nameserver 169.254.254.1\noptions timeout:3 attempts:2\n"
  /// Open connections of one sandbox. AWS lets a function have 1,024 descriptors.
  static let maximumConnections: UInt32 = 1024
  /// Servers side by side in one network namespace.
  private static let maximumServers: UInt32 = 64
  private static let loopback: Int32 = 1
  private static let forwardingFile = "/proc/sys/net/ipv4/ip_forward"

  private let reservation: Reservation
  /// The router's namespace.
  private let space: Int32
  /// The netlink socket by which links are made in it.
  private let links: Int32
  private let rules: Int32
  private let names: NameForwarder
  private let next = Mutex<UInt32>(0)

  /// - Parameter turnsOnForwarding: false only looks whether it could.
  init(turnsOnForwarding: Bool = true) throws(SandboxError) {
    try Self.checkForwarding(turnsOn: turnsOnForwarding)
    reservation = try Reservation(below: Self.maximumServers)
    let (link, number) = (reservation.link, reservation.number)
    let parts = try OwnThread.run { () throws(SandboxError) in try Self.build(link, number) }
    (space, links, rules) = (parts.space, parts.links, parts.rules)
    names = NameForwarder(datagrams: parts.datagrams, connections: parts.connections)
    names.start()
  }

  deinit {
    names.stop()
    close(rules)
    close(links)
    close(space)
  }

  /// A new network namespace with its loopback and a way out. It and its addresses end with the last process in it.
  /// - Returns: its descriptor, which is the caller's.
  func connect() throws(SandboxError) -> Int32 {
    var attempts = 8
    while true {
      attempts -= 1
      do throws(SandboxError) {
        return try connect(number: nextNumber())
      } catch {
        // The number has gone round to a sandbox that still lives.
        guard attempts > 0, error.errno == EEXIST || error.errno == EBUSY else { throw error }
      }
    }
  }

  private func nextNumber() -> UInt32 {
    next.withLock { next in
      defer { next = (next + 1) % Address.sandboxes }
      return next
    }
  }

  private func connect(number: UInt32) throws(SandboxError) -> Int32 {
    let links = links
    return try OwnThread.run { () throws(SandboxError) in
      let space = try Self.newNamespace()
      do throws(SandboxError) {
        try Self.connect(space, links: links, number: number)
      } catch {
        close(space)
        throw error
      }
      return space
    }
  }

  private static func connect(_ space: Int32, links: Int32, number: UInt32) throws(SandboxError) {
    let inside = try linkSocket()
    defer { close(inside) }
    let (address, index, eth0) = (Address.firstSandbox + number, Int32(number) + 10, Int32(2))
    try call { dewpoint_raise(inside, loopback, 0, &$0) }
    try call { dewpoint_add_pair(links, "sandbox\(number)", index, "eth0", eth0, space, &$0) }
    try call { dewpoint_add_address(inside, eth0, address, 32, &$0) }
    try call { dewpoint_raise(inside, eth0, 0, &$0) }
    try call { dewpoint_add_route(inside, eth0, Address.names, 32, 0, &$0) }
    try call { dewpoint_add_route(inside, eth0, 0, 0, Address.names, &$0) }
    try call { dewpoint_add_unreachable(inside, Address.linkLocal, 16, &$0) }
    try call { dewpoint_raise(links, index, 1, &$0) }
    try call { dewpoint_add_route(links, index, address, 32, 0, &$0) }
  }

  /// Makes one for a moment. Forwarding stays as it is.
  static func probe() -> SandboxReport.Problem? {
    do throws(SandboxError) {
      return try Router(turnsOnForwarding: false).blocker()
    } catch {
      return problem(for: error)
    }
  }

  /// Rules of others on the host that will not let through what they do not know; ours cannot overrule them.
  func blocker() -> SandboxReport.Problem? {
    var name = [CChar](repeating: 0, count: 64)
    guard (try? Self.call({ dewpoint_find_blocker(&name, &$0) })) != nil, name[0] != 0 else { return nil }
    let table = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return .init(
      what: "rules on this host (table \(table)) drop packets that are forwarded, so functions may have no way out",
      remedy: "Let them pass: iptables -I FORWARD -i dewpoint+ -j ACCEPT; iptables -I FORWARD -o dewpoint+ -m conntrack --ctstate "
        + "RELATED,ESTABLISHED -j ACCEPT (with Docker in the chain DOCKER-USER instead of FORWARD).")
  }

  static func problem(for error: SandboxError) -> SandboxReport.Problem {
    let remedy =
      switch error.errno {
      case EPERM, EACCES, EROFS:
        error.path == forwardingFile
          ? "Turn on forwarding (sysctl net.ipv4.ip_forward=1); in a container, on the host or with --sysctl net.ipv4.ip_forward=1."
          : "Run the server as root; in a container with --privileged, or with CAP_NET_ADMIN and CAP_SYS_ADMIN."
      case EOPNOTSUPP, EPROTONOSUPPORT, ENOENT, EINVAL:
        "It needs Linux 5.12 or newer with veth and nf_tables (modprobe veth nf_tables nft_masq nft_fib_inet nft_connlimit)."
      default: "Or start the server with function-network none."
      }
    return .init(what: "functions cannot be given a way out: \(error)", remedy: remedy)
  }

  private struct Parts: Sendable {
    var space: Int32 = -1, links: Int32 = -1, rules: Int32 = -1, datagrams: Int32 = -1, connections: Int32 = -1
    func close() { for descriptor in [space, links, rules, datagrams, connections] where descriptor >= 0 { Glibc.close(descriptor) } }
  }

  /// On a thread of its own, which begins in the host's namespace and ends in the router's.
  private static func build(_ link: String, _ number: UInt32) throws(SandboxError) -> Parts {
    var parts = Parts()
    do throws(SandboxError) {
      try build(link, number, &parts)
    } catch {
      parts.close()
      throw error
    }
    return parts
  }

  private static func build(_ link: String, _ number: UInt32, _ parts: inout Parts) throws(SandboxError) {
    var host: Int32 = -1
    try call { dewpoint_own_namespace(&host, &$0) }
    defer { close(host) }
    let outside = try linkSocket()
    defer { close(outside) }
    // Before there is a link that they are about.
    try call { dewpoint_filter_host(link, Address.router(number), &parts.rules, &$0) }
    parts.space = try newNamespace()
    parts.links = try linkSocket()
    let (links, up) = (parts.links, Int32(2))
    try call { dewpoint_filter_router("up", Address.names, maximumConnections, &$0) }
    try call { dewpoint_raise(links, loopback, 0, &$0) }
    try call { dewpoint_add_address(links, loopback, Address.names, 32, &$0) }
    parts.datagrams = try NameForwarder.socket(SOCK_DGRAM, address: Address.names)
    parts.connections = try NameForwarder.socket(SOCK_STREAM, address: Address.names)
    try call { dewpoint_add_pair(links, "up", up, link, 0, host, &$0) }
    try call { dewpoint_add_address(links, up, Address.router(number), 30, &$0) }
    try call { dewpoint_raise(links, up, 1, &$0) }
    var outer: Int32 = 0
    try call { dewpoint_find_link(outside, link, &outer, &$0) }
    try call { dewpoint_add_address(outside, outer, Address.host(number), 30, &$0) }
    try call { dewpoint_raise(outside, outer, 1, &$0) }
    try call { dewpoint_add_route(links, up, 0, 0, Address.host(number), &$0) }
  }

  private static func newNamespace() throws(SandboxError) -> Int32 {
    var space: Int32 = -1
    try call { dewpoint_new_namespace(&space, &$0) }
    defer { close(space) }
    // Above all that a child gets by number.
    let high = fcntl(space, F_DUPFD_CLOEXEC, 16)
    guard high >= 0 else { throw .last("dup", "net") }
    return high
  }

  private static func linkSocket() throws(SandboxError) -> Int32 {
    var socket: Int32 = -1
    try call { dewpoint_link_socket(&socket, &$0) }
    return socket
  }

  private static func call(_ body: (inout UnsafePointer<CChar>?) -> Int32) throws(SandboxError) {
    var step: UnsafePointer<CChar>?
    let error = body(&step)
    guard error == 0 else {
      throw SandboxError(step: step.map { String(cString: $0) } ?? "network", path: "", errno: error)
    }
  }

  private static func checkForwarding(turnsOn: Bool) throws(SandboxError) {
    guard Descriptors.read(forwardingFile)?.first != "1" else { return }
    if turnsOn {
      try Descriptors.write("1", to: forwardingFile)
    } else if access(forwardingFile, W_OK) != 0 {
      throw .last("write", forwardingFile)
    }
  }
}

/// Which of the servers in this network namespace we are: an abstract socket is bound by one of them, and let go when it ends.
private struct Reservation: ~Copyable {
  let number: UInt32
  private let descriptor: Int32
  var link: String { "dewpoint\(number)" }

  init(below limit: UInt32) throws(SandboxError) {
    for number in 0..<limit {
      let made = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard made >= 0 else { throw .last("socket", "") }
      if Self.bind(made, to: "dewpoint-network-\(number)") {
        self.number = number
        descriptor = made
        return
      }
      close(made)
    }
    throw SandboxError(step: "reserve link", path: "", errno: EADDRINUSE, detail: "\(limit) servers have one already")
  }

  deinit { close(descriptor) }

  private static func bind(_ descriptor: Int32, to name: String) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The leading NUL makes the name abstract.
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      for (at, byte) in name.utf8.enumerated() { path[at + 1] = byte }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) == 0 }
    }
  }
}
