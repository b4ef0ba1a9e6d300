import NIOCore
import Synchronization

/// Counts the connections of each client address, over all listeners.
final class AddressLimit: Sendable {
  private let maximum: Int
  /// An address is in here only while it has connections, so the table is no larger than their number.
  private let connections = Mutex<[ClientNetwork: Int]>([:])

  init(maximum: Int) { self.maximum = maximum }

  func admit(_ client: ClientNetwork) -> Bool {
    connections.withLock { connections in
      let count = connections[client, default: 0]
      guard count < maximum else { return false }
      connections[client] = count + 1
      return true
    }
  }
  func ended(_ client: ClientNetwork) {
    connections.withLock { connections in
      let left = connections[client, default: 1] - 1
      connections[client] = left > 0 ? left : nil
    }
  }
}

/// Whom a connection counts for: an IPv4 address, or the /64 of an IPv6 address, since a host is given all of one.
struct ClientNetwork: Hashable, Sendable {
  private let bits: UInt64
  private let isIPv6: Bool

  /// Nil for loopback and for sockets that have no address: behind those are all clients of a host.
  init?(_ address: SocketAddress?) {
    switch address {
    case .v4(let v4):
      let host = UInt32(bigEndian: v4.address.sin_addr.s_addr)
      if host >> 24 == 127 { return nil }
      (bits, isIPv6) = (UInt64(host), false)
    case .v6(let v6):
      let halves = withUnsafeBytes(of: v6.address.sin6_addr) {
        (UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)), UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
      }
      // ::1, and IPv4 addresses as a socket for both families shows them.
      if halves == (0, 1) { return nil }
      if halves.0 == 0, halves.1 >> 32 == 0xffff {
        if halves.1 >> 24 & 0xff == 127 { return nil }
        (bits, isIPv6) = (halves.1 & 0xffff_ffff, false)
      } else {
        (bits, isIPv6) = (halves.0, true)
      }
    case .unixDomainSocket, nil: return nil
    }
  }
}
