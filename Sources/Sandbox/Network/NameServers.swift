// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The host's name servers, as `/etc/resolv.conf` names them now.
struct NameServers {
  /// The C library uses no more either.
  static let maximum = 3

  private(set) var addresses: [SocketAddress] = []
  private let path: String
  private var seen: timespec?

  init(path: String = "/etc/resolv.conf") { self.path = path }

  /// Reads the file again if it has changed: hosts move between networks.
  mutating func refresh() {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    let changed = status.st_mtim
    if let seen, seen.tv_sec == changed.tv_sec, seen.tv_nsec == changed.tv_nsec { return }
    seen = changed
    addresses = Self.parse(Descriptors.read(path) ?? "")
  }

  static func parse(_ text: String) -> [SocketAddress] {
    let found = text.split(separator: "\n").compactMap { line -> SocketAddress? in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, words[0] == "nameserver" else { return nil }
      return SocketAddress(String(words[1]), port: 53)
    }
    return Array(found.prefix(maximum))
  }
}

/// An address and port of IPv4 or IPv6.
struct SocketAddress: Hashable {
  private var bytes: [UInt8]

  /// - Parameter text: numbers only; addresses of one link (`%eth0`) are not taken.
  init?(_ text: String, port: UInt16) {
    var four = sockaddr_in()
    var six = sockaddr_in6()
    if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
      (four.sin_family, four.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
      bytes = withUnsafeBytes(of: &four, Array.init)
    } else if inet_pton(AF_INET6, text, &six.sin6_addr) == 1 {
      (six.sin6_family, six.sin6_port) = (sa_family_t(AF_INET6), port.bigEndian)
      bytes = withUnsafeBytes(of: &six, Array.init)
    } else {
      return nil
    }
  }

  /// - Parameter address: IPv4, in host byte order.
  init(_ address: UInt32, port: UInt16) {
    var four = sockaddr_in()
    (four.sin_family, four.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
    four.sin_addr.s_addr = address.bigEndian
    bytes = withUnsafeBytes(of: &four, Array.init)
  }

  /// As the kernel wrote it.
  init(_ storage: sockaddr_storage, length: socklen_t) {
    var storage = storage
    bytes = Array(withUnsafeBytes(of: &storage, Array.init).prefix(Int(length)))
  }

  var family: Int32 { bytes.withUnsafeBytes { Int32($0.loadUnaligned(as: sa_family_t.self)) } }

  /// The address without its port, of IPv4.
  var host: UInt32 {
    guard family == AF_INET, bytes.count >= 8 else { return 0 }
    return bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
  }

  func withSocketAddress<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
    // Copied, because an array of bytes need not have the alignment.
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(bytes.count)) }
    }
  }

  /// A socket that is connected to this address, so that answers of nobody else are taken; or nil. Streams may still be connecting.
  func connected(_ kind: __socket_type, timeout: Int = 0) -> Int32? {
    let made = socket(family, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    if timeout > 0 { Self.setTimeout(made, seconds: timeout) }
    if withSocketAddress({ connect(made, $0, $1) }) == 0 { return made }
    close(made)
    return nil
  }

  static func setTimeout(_ descriptor: Int32, seconds: Int) {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
  }
}
