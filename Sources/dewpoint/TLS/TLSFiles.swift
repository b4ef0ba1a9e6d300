import Base
import Foundation
import HTTPServer
import X509

/// Where the local authority and the certificate of the server are kept: `DATA/tls/`.
///
/// A certificate and its key are one file, readable by its owner only, so that no start can find one without the other.
struct TLSFiles {
  private let directory: String
  private let clock: any AmbientClock
  private var authorityPath: String { directory + "/authority.pem" }
  private var serverPath: String { directory + "/server.pem" }

  init(dataDirectory: String, clock: any AmbientClock) {
    (directory, self.clock) = (dataDirectory + "/tls", clock)
  }

  /// The authority of this directory; made when there is none, or when it ends soon.
  func authority() throws -> TLSIdentity {
    let now = clock.wallNow()
    if let kept = try load(authorityPath), kept.isGood(at: now, for: TLSAuthority.renewedBefore) { return kept }
    return try save(TLSAuthority.create(at: now), at: authorityPath)
  }

  /// A certificate for these names; issued anew when it ends soon, lacks a name or is of another authority.
  func server(names: [String]) throws -> TLSPair {
    let (authority, now) = (try authority(), clock.wallNow())
    var leaf = try load(serverPath)
    if let kept = leaf, !kept.isGood(at: now, for: TLSAuthority.renewedBefore) || !TLSAuthority.issued(kept, by: authority, for: names) {
      leaf = nil
    }
    let pem = try (leaf ?? save(TLSAuthority.issue(by: authority, for: names, at: now), at: serverPath)).pem()
    // The authority too: some clients are given only its fingerprint.
    return TLSPair(certificates: Array((pem.certificate + "\n" + (try authority.pem().certificate)).utf8), key: Array(pem.key.utf8))
  }

  /// Certificate and key that the operator brings.
  static func ofOperator(certificate: String, key: String) throws -> TLSPair {
    TLSPair(certificates: try read(certificate), key: try read(key))
  }

  /// Whom Dewpoint trusts as a client besides the authorities of this host: those of the operator, and its own.
  static func roots(_ settings: TLSSettings, _ clock: any AmbientClock) throws -> [UInt8] {
    var roots = try settings.roots.map { try read($0) } ?? []
    if settings.isLocal {
      let own = try TLSFiles(dataDirectory: DataDirectory(settings.directory).root, clock: clock).authority()
      roots += Array(("\n" + (try own.pem().certificate) + "\n").utf8)
    }
    return roots
  }

  private func load(_ path: String) throws -> TLSIdentity? {
    guard access(path, F_OK) == 0 else { return nil }
    let text = try Self.read(path).utf8Text
    do {
      return TLSIdentity(certificate: try Certificate(pemEncoded: block("CERTIFICATE", text)), key: try .init(pemEncoded: block("PRIVATE KEY", text)))
    } catch {
      throw TLSFileError(path: path, reason: "it does not hold a certificate and a key; remove it to have a new one made")
    }
  }
  private func block(_ name: String, _ text: String) -> String {
    guard let start = text.range(of: "-----BEGIN \(name)-----"), let end = text.range(of: "-----END \(name)-----") else { return "" }
    return String(text[start.lowerBound..<end.upperBound])
  }

  private func save(_ identity: TLSIdentity, at path: String) throws -> TLSIdentity {
    let pem = try identity.pem()
    if mkdir(directory, 0o700) != 0, errno != EEXIST { throw TLSFileError(path: directory, reason: String(cString: strerror(errno))) }
    let new = "\(path).\(getpid())"
    let fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard fd >= 0 else { throw TLSFileError(path: new, reason: String(cString: strerror(errno))) }
    defer { close(fd) }
    let bytes = Array((pem.certificate + "\n" + pem.key + "\n").utf8)
    guard write(fd, bytes, bytes.count) == bytes.count, fsync(fd) == 0, rename(new, path) == 0 else {
      throw TLSFileError(path: path, reason: String(cString: strerror(errno)))
    }
    return identity
  }

  private static func read(_ path: String) throws -> [UInt8] {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw TLSFileError(path: path, reason: String(cString: strerror(errno))) }
    defer { close(fd) }
    // Chains are a few kilobytes.
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var count = 0
    while count < bytes.count {
      let n = bytes.withUnsafeMutableBytes { Foundation.read(fd, $0.baseAddress?.advanced(by: count), $0.count - count) }
      guard n > 0 else { break }
      count += n
    }
    return Array(bytes[..<count])
  }
}

struct TLSFileError: Error, CustomStringConvertible {
  var path: String
  var reason: String
  var description: String { "\(path): \(reason)" }
}
