import Base
import Crypto

/// Makes and checks the links by which a package can be fetched without a signature of the caller: `GetFunction`'s
/// `Code.Location`. The hash alone must not do, because `CodeSha256` tells it to whoever may only list functions.
///
/// The key lives as long as the process, so a restart ends the links that are out.
struct PackageLinks: Sendable {
  /// As AWS states it of `Code.Location`.
  static let validity = Duration.minutes(10)
  private let key: SymmetricKey
  private let clock: any AmbientClock

  init(_ ambient: Ambient) { (key, clock) = (SymmetricKey(data: ambient.random.bytes(32)), ambient.clock) }

  /// Path and query for a package.
  func link(_ hash: String) -> String {
    // Clients hold the link against their own time, so it follows the real one.
    let expires = (clock.wallNow() + Self.validity).seconds
    return "/_dewpoint/lambda/packages/\(hash).zip?Expires=\(expires)&Signature=\(Array(code(hash, expires)).hex)"
  }

  /// The hash of the package that a link names; nil when we did not make the link or it has expired.
  func hash(file: String, query: String) -> String? {
    var values: [Substring: Substring] = [:]
    for pair in query.split(separator: "&").prefix(8) {
      let parts = pair.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    guard file.hasSuffix(".zip"), let expires = values["Expires"].flatMap({ Int64($0) }),
      let signature = values["Signature"].flatMap({ decodeHex($0) })
    else { return nil }
    let hash = String(file.dropLast(4))
    guard HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: text(hash, expires), using: key),
      clock.wallNow().seconds <= expires
    else { return nil }
    return hash
  }

  private func text(_ hash: String, _ expires: Int64) -> [UInt8] { Array("\(hash)\n\(expires)".utf8) }
  private func code(_ hash: String, _ expires: Int64) -> HMAC<SHA256>.MAC {
    HMAC<SHA256>.authenticationCode(for: text(hash, expires), using: key)
  }
}
