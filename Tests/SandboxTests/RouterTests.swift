import CNetwork
import Glibc
import Testing

@testable import Sandbox

/// Each test has a host of its own: a network namespace in which nothing else lives and which leads nowhere.
@Suite(.enabled(if: Workbench.canIsolate), .timeLimit(.minutes(1)))
struct RouterTests {
  @Test func `a router is one link of the host, and goes without a trace`() throws {
    try onOwnHost { () throws(SandboxError) in
      let router = try Router()
      let sandbox = try router.connect()
      #expect(links() == ["dewpoint0", "lo"])
      #expect(Descriptors.read("/proc/sys/net/ipv4/ip_forward") == "1\n")
      let second = try Router()
      #expect(links() == ["dewpoint0", "dewpoint1", "lo"])
      withExtendedLifetime((router, second)) { _ = close(sandbox) }
    }
  }

  @Test func `a namespace that is connected has an address of its own and one gateway`() throws {
    try onOwnHost { () throws(SandboxError) in
      let router = try Router()
      let spaces = [try router.connect(), try router.connect()]
      var addresses: [String] = []
      for space in spaces {
        let seen = try inside(space) { (links: links(), routes: routes(), address: ownAddress()) }
        #expect(seen.links == ["eth0", "lo"])
        // By address and mask as the kernel prints them: default, the gateway, and what cannot be reached.
        #expect(seen.routes == ["00000000/00000000", "0000FEA9/0000FFFF", "01FEFEA9/FFFFFFFF"])
        addresses.append(seen.address)
        close(space)
      }
      #expect(addresses == ["169.254.4.1", "169.254.4.2"])
      withExtendedLifetime(router) {}
    }
  }

  @Test func `looking whether there can be a way out changes nothing`() throws {
    try onOwnHost { () throws(SandboxError) in
      try Descriptors.write("0", to: "/proc/sys/net/ipv4/ip_forward")
      #expect(Router.probe() == nil)
      #expect(Descriptors.read("/proc/sys/net/ipv4/ip_forward") == "0\n")
    }
  }

  @Test(arguments: [
    (SandboxError(step: "unshare network", path: "", errno: EPERM), "root"),
    (SandboxError(step: "open", path: "/proc/sys/net/ipv4/ip_forward", errno: EROFS), "ip_forward=1"),
    (SandboxError(step: "add veth", path: "", errno: EOPNOTSUPP), "nf_tables"),
  ])
  func `what is missing is named with its remedy`(error: SandboxError, remedy: String) {
    #expect(Router.problem(for: error).remedy.contains(remedy))
  }

  // The host of a test

  private func onOwnHost(_ body: @escaping @Sendable () throws(SandboxError) -> Void) throws {
    try OwnThread.run { () throws(SandboxError) in
      var (space, step): (Int32, UnsafePointer<CChar>?) = (-1, nil)
      let error = dewpoint_new_namespace(&space, &step)
      guard error == 0 else { throw SandboxError(step: "unshare", path: "", errno: error) }
      close(space)
      try body()
    }
  }

  private func inside<T: Sendable>(_ space: Int32, _ body: @escaping @Sendable () -> T) throws(SandboxError) -> T {
    try OwnThread.run { () throws(SandboxError) in
      guard dewpoint_enter_namespace(space) == 0 else { throw .last("setns", "") }
      return body()
    }
  }
}

private func links() -> [String] {
  (Descriptors.read("/proc/thread-self/net/dev") ?? "").split(separator: "\n").dropFirst(2)
    .compactMap { $0.split(separator: ":").first?.trimmed }.sorted()
}

private func routes() -> [String] {
  (Descriptors.read("/proc/thread-self/net/route") ?? "").split(separator: "\n").dropFirst()
    .map { line in
      let words = line.split(separator: "\t")
      return words.count > 7 ? "\(words[1])/\(words[7])" : String(line)
    }.sorted()
}

/// What a datagram to somewhere would come from.
private func ownAddress() -> String {
  guard let socket = SocketAddress("192.0.2.1", port: 9)?.connected(SOCK_DGRAM) else { return "" }
  defer { close(socket) }
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  _ = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
  }
  let host = UInt32(bigEndian: address.sin_addr.s_addr)
  return [24, 16, 8, 0].map { "\(host >> $0 & 0xff)" }.joined(separator: ".")
}

extension Substring {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
