import Base
import HTTPServer
import Logging

/// Certificates with the key of the first, as PEM.
struct TLSPair: Sendable, Equatable {
  var certificates: [UInt8]
  var key: [UInt8]
}

/// Keeps the certificate of a server that runs for long good: the local authority's is issued anew a month before its end, and
/// the operator's files are read again, which somebody else renews.
struct TLSRenewal: Sendable {
  /// Real time, as certificates live in.
  static let pause = Duration.seconds(10)

  /// What is to be served now: from the files, made anew where it has to be.
  let pair: @Sendable () throws -> TLSPair
  let clock: any AmbientClock
  let logger: Logger

  /// Until the task is cancelled. What cannot be read or used is said once, and the certificate that is there stays.
  func run(_ tls: HTTPServerTLS, from first: TLSPair) async {
    var (served, refused) = (first, nil as String?)
    while (try? await clock.sleepReal(for: Self.pause)) != nil {
      do {
        served = try renew(tls, served)
        refused = nil
      } catch {
        if refused != "\(error)" { logger.error("the certificate cannot be renewed", metadata: ["error": "\(error)"]) }
        refused = "\(error)"
      }
    }
  }

  /// - Returns: what is served from now on.
  func renew(_ tls: HTTPServerTLS, _ served: TLSPair) throws -> TLSPair {
    let new = try pair()
    guard new != served else { return served }
    try tls.renew(certificates: new.certificates, key: new.key)
    logger.notice("the certificate was renewed")
    return new
  }
}
