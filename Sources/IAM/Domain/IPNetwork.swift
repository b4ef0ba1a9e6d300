#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An IPv4 or IPv6 address. An IPv4 address in IPv6 form (`::ffff:10.0.0.1`) is the IPv4 address.
struct IPAddress: Sendable, Equatable {
  /// 4 or 16 bytes.
  let bytes: [UInt8]

  /// Nil for text that is no address.
  init?(_ text: some StringProtocol) {
    var v4 = in_addr()
    if inet_pton(AF_INET, String(text), &v4) == 1 {
      bytes = withUnsafeBytes(of: &v4) { Array($0) }
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, String(text), &v6) == 1 else { return nil }
    let all = withUnsafeBytes(of: &v6) { Array($0) }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    bytes = all.starts(with: mapped) ? Array(all[12...]) : all
  }
}

/// Addresses that share their first bits: `10.0.0.0/8`, or a single address.
struct IPNetwork: Sendable, Equatable {
  let address: IPAddress
  let prefixLength: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else { return nil }
    self.address = address
    let bits = address.bytes.count * 8
    guard parts.count == 2 else {
      prefixLength = bits
      return
    }
    guard let length = Int(parts[1]), (0...bits).contains(length) else { return nil }
    prefixLength = length
  }

  func contains(_ other: IPAddress) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    for (i, (mine, theirs)) in zip(address.bytes, other.bytes).enumerated() {
      let bits = min(8, prefixLength - i * 8)
      guard bits > 0 else { return true }
      let mask = UInt8(truncatingIfNeeded: 0xff00 >> bits)
      if mine & mask != theirs & mask { return false }
    }
    return true
  }
}
