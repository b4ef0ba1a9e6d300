import NIOCore
import NIOSSL
import Synchronization

/// A certificate and its key for the listeners that speak TLS (1.2 and 1.3; HTTP/2 by ALPN).
public struct HTTPServerTLS: Sendable {
  /// Shared by all copies, so that listeners follow a renewal.
  private final class Current: Sendable {
    let context: Mutex<NIOSSLContext>
    init(_ context: NIOSSLContext) { self.context = Mutex(context) }
  }
  private let current: Current
  /// For a connection that begins now.
  var context: NIOSSLContext { current.context.withLock { $0 } }

  /// - Parameters:
  ///   - certificates: PEM, the server's own first, then those that lead to its root.
  ///   - key: PEM, without a passphrase.
  public init(certificates: [UInt8], key: [UInt8]) throws(HTTPServerError) {
    current = Current(try Self.context(certificates, key))
  }

  /// Connections that begin from now on get this certificate; those that run keep theirs. After an error nothing has changed.
  public func renew(certificates: [UInt8], key: [UInt8]) throws(HTTPServerError) {
    let new = try Self.context(certificates, key)
    current.context.withLock { $0 = new }
  }

  private static func context(_ certificates: [UInt8], _ key: [UInt8]) throws(HTTPServerError) -> NIOSSLContext {
    do {
      let chain = try NIOSSLCertificate.fromPEMBytes(certificates)
      guard !chain.isEmpty else { throw HTTPServerError.badCertificate("there is no certificate in it") }
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["h2", "http/1.1"]
      return try NIOSSLContext(configuration: configuration)
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
