// What the product uses of swift-crypto, so that the harness builds without BoringSSL, which takes longer to compile than all
// the rest. Digests are not what is searched for errors here; they only have to be the same for the same bytes. SHA-256 is the
// real one, since the product knows one of its values; the others are made of it in their lengths.

public protocol HashFunction: Sendable {
  init()
  mutating func update(bufferPointer: UnsafeRawBufferPointer)
  func finalize() -> Digest
}

extension HashFunction {
  public static func hash(data: some Sequence<UInt8>) -> Digest {
    var hash = Self()
    hash.update(data: data)
    return hash.finalize()
  }
  public mutating func update(data: some Sequence<UInt8>) { Array(data).withUnsafeBytes { update(bufferPointer: $0) } }
}

public struct Digest: Sequence, Equatable, Sendable {
  let bytes: [UInt8]
  public func makeIterator() -> IndexingIterator<[UInt8]> { bytes.makeIterator() }
  public func withUnsafeBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T { try bytes.withUnsafeBytes(body) }
}

public struct SHA256: HashFunction {
  public typealias Digest = Crypto.Digest
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var block: [UInt8] = []
  private var count: UInt64 = 0

  public init() {}

  public mutating func update(bufferPointer: UnsafeRawBufferPointer) {
    count += UInt64(bufferPointer.count)
    for byte in bufferPointer {
      block.append(byte)
      if block.count == 64 { compress() }
    }
  }

  public func finalize() -> Digest {
    var last = self
    last.block.append(0x80)
    if last.block.count == 64 { last.compress() }
    while last.block.count != 56 {
      last.block.append(0)
      if last.block.count == 64 { last.compress() }
    }
    for shift in stride(from: 56, through: 0, by: -8) { last.block.append(UInt8(truncatingIfNeeded: count * 8 >> UInt64(shift))) }
    last.compress()
    return Digest(bytes: last.state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } })
  }

  private mutating func compress() {
    var w = [UInt32](repeating: 0, count: 64)
    for i in 0..<16 { for j in 0..<4 { w[i] = w[i] << 8 | UInt32(block[i * 4 + j]) } }
    for i in 16..<64 {
      let a = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3
      let b = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10
      w[i] = w[i - 16] &+ a &+ w[i - 7] &+ b
    }
    // Each in a variable of its own: an array would be made anew in every round.
    var (a, b, c, d) = (state[0], state[1], state[2], state[3]), (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for i in 0..<64 {
      let first = h &+ (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) &+ (e & f ^ ~e & g) &+ Self.constants[i] &+ w[i]
      let second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) &+ (a & b ^ a & c ^ b & c)
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
    }
    for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] &+= value }
    block.removeAll(keepingCapacity: true)
  }

  private func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }

  /// The fractions of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = {
    var primes: [UInt32] = []
    var candidate: UInt32 = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      // The largest r with r³ ≤ prime · 2⁹⁶; its lowest 32 bits are the fraction. The root of the largest, 311, is below 7.
      var low: UInt128 = 0, high: UInt128 = 7 << 32
      while high - low > 1 {
        let middle = (low + high) / 2
        if middle * middle * middle <= UInt128(prime) << 96 { low = middle } else { high = middle }
      }
      return UInt32(truncatingIfNeeded: low)
    }
  }()
}

/// Digests that only have the right length.
public protocol StandIn: HashFunction {
  static var length: Int { get }
  var hash: SHA256 { get set }
}
extension StandIn {
  public mutating func update(bufferPointer: UnsafeRawBufferPointer) { hash.update(bufferPointer: bufferPointer) }
  public func finalize() -> Digest {
    let bytes = hash.finalize().bytes
    return Digest(bytes: Array((bytes + bytes).prefix(Self.length)))
  }
}

public struct SHA512: StandIn {
  public static let length = 64
  public var hash = SHA256()
  public init() {}
}

public enum Insecure {
  public struct MD5: StandIn {
    public static let length = 16
    public var hash = SHA256()
    public init() {}
  }
  public struct SHA1: StandIn {
    public static let length = 20
    public var hash = SHA256()
    public init() {}
  }
}

public struct SymmetricKey: Sendable {
  let bytes: [UInt8]
  public init(data: some Sequence<UInt8>) { bytes = Array(data) }
}

public struct HMAC<H: HashFunction>: Sendable {
  private var inner = H()
  private let key: [UInt8]
  public init(key: SymmetricKey) {
    self.key = key.bytes
    inner.update(data: key.bytes)
  }
  public mutating func update(data: some Sequence<UInt8>) { inner.update(data: data) }
  public func finalize() -> Digest {
    var outer = H()
    outer.update(data: key)
    outer.update(data: inner.finalize())
    return outer.finalize()
  }
}
