import Base
import Crypto
import Synchronization

/// HMAC-SHA256 with the key already hashed in: the states after the inner and the outer padded key.
struct KeyedHash: Sendable {
  private let inner: SHA256
  private let outer: SHA256

  init(key: [UInt8]) {
    let key = key.count > 64 ? Array(SHA256.hash(bytes: key)) : key
    var block = [UInt8](repeating: 0x36, count: 64)
    for (i, byte) in key.enumerated() { block[i] ^= byte }
    var inner = SHA256()
    block.withUnsafeBytes { inner.update(bufferPointer: $0) }
    for i in block.indices { block[i] ^= 0x36 ^ 0x5c }
    var outer = SHA256()
    block.withUnsafeBytes { outer.update(bufferPointer: $0) }
    (self.inner, self.outer) = (inner, outer)
  }

  func code(_ message: [UInt8]) -> SHA256.Digest {
    var inner = inner, outer = outer
    message.withUnsafeBytes { inner.update(bufferPointer: $0) }
    inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
    return outer.finalize()
  }
}

extension SHA256 {
  static func hash(bytes: [UInt8]) -> Digest {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    return hash.finalize()
  }
}

/// The key that a secret gives for one day, Region and service.
struct SigningKey: Sendable {
  let hash: KeyedHash

  init(secret: String, date: String, region: String, service: String) {
    var key = Array("AWS4\(secret)".utf8)
    for part in [date, region, service, "aws4_request"] { key = Array(KeyedHash(key: key).code(Array(part.utf8))) }
    hash = KeyedHash(key: key)
  }
}

/// Signing keys that were used lately, since deriving one costs as much as the rest of a check.
///
/// Holds at most `capacity` keys: half of them young, half old; a key that is used becomes young, and when the young are too
/// many, the old are dropped and the young become old.
public final class SigningKeyCache: Sendable {
  private struct Name: Hashable {
    var secret: String, date: String, region: String, service: String
  }
  private struct Generations {
    var young: [Name: SigningKey] = [:]
    var old: [Name: SigningKey] = [:]
  }
  private let half: Int
  private let generations = Mutex(Generations())

  public init(capacity: Int = 2048) { half = max(capacity / 2, 1) }

  public var count: Int { generations.withLock { $0.young.count + $0.old.count } }

  func key(secret: String, date: String, region: String, service: String) -> SigningKey {
    let name = Name(secret: secret, date: date, region: region, service: service)
    if let key = generations.withLock({ find(name, in: &$0) }) { return key }
    let key = SigningKey(secret: secret, date: date, region: region, service: service)
    generations.withLock { insert(key, name, in: &$0) }
    return key
  }
  private func find(_ name: Name, in generations: inout Generations) -> SigningKey? {
    if let key = generations.young[name] { return key }
    guard let key = generations.old.removeValue(forKey: name) else { return nil }
    insert(key, name, in: &generations)
    return key
  }
  private func insert(_ key: SigningKey, _ name: Name, in generations: inout Generations) {
    if generations.young.count >= half {
      generations.old = generations.young
      generations.young = [:]
    }
    generations.young[name] = key
  }
}
