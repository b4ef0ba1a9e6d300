import NIOCore
import NIOSSL

/// A certificate and its key for the listeners that speak TLS (1.2 and 1.3; HTTP/2 by ALPN).
public struct HTTPServerTLS: Sendable {
  let context: NIOSSLContext

  /// - Parameters:
  ///   - certificates: PEM, the server's own first, then those that lead to its root.
  ///   - key: PEM, without a passphrase.
  public init(certificates: [UInt8], key: [UInt8]) throws(HTTPServerError) {
    do {
      let chain = try NIOSSLCertificate.fromPEMBytes(certificates)
      guard !chain.isEmpty else { throw HTTPServerError.badCertificate("there is no certificate in it") }
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["h2", "http/1.1"]
      context = try NIOSSLContext(configuration: configuration)
    } catch let error as HTTPServerError {
      throw error
    } catch {
      throw .badCertificate("certificate and key do not make a pair that can be used (\(error))")
    }
  }
}

/// What a listening socket speaks. HTTP/1.1 and HTTP/2 are told apart by the client's first bytes, with and without TLS.
public struct HTTPTransport: Sendable {
  public enum Plaintext: Sendable {
    case everybody
    /// Clients on this host. Others are told to use TLS, and their connection is closed.
    case loopback
  }
  /// Nil: no TLS.
  public var tls: HTTPServerTLS?
  public var plaintext: Plaintext

  public init(tls: HTTPServerTLS? = nil, plaintext: Plaintext = .everybody) { (self.tls, self.plaintext) = (tls, plaintext) }
}
