import AsyncHTTPClient
import Base
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one client of the server: connections to the same host are used again.
///
/// `close` must be called before it is let go.
public final class PooledHTTPClient: HTTPSender {
  public struct Configuration: Sendable {
    /// Certificates (PEM) of authorities that are trusted besides those of this host.
    public var roots: [UInt8]
    public var connectionsPerHost: Int
    public var keepAlive: Duration
    /// Addresses that only the own link knows, among them those where clouds keep the credentials of a host, may be called.
    public var allowsLinkLocal: Bool
    public init(
      roots: [UInt8] = [], connectionsPerHost: Int = 32, keepAlive: Duration = .seconds(30), allowsLinkLocal: Bool = false
    ) {
      (self.roots, self.connectionsPerHost, self.keepAlive) = (roots, connectionsPerHost, keepAlive)
      self.allowsLinkLocal = allowsLinkLocal
    }
  }

  private let client: AsyncHTTPClient.HTTPClient
  private let clock: any AmbientClock

  /// - Parameter clock: only its real time is used.
  /// - Throws: when the roots hold no certificate.
  public convenience init(_ configuration: Configuration = .init(), clock: any AmbientClock) throws {
    try self.init(configuration, clock: clock) { !configuration.allowsLinkLocal && $0.isLinkLocal }
  }

  /// - Parameter refuses: asked about the address behind each new connection, before anything is sent.
  init(_ configuration: Configuration, clock: any AmbientClock, refuses: @escaping @Sendable (SocketAddress) -> Bool) throws {
    var tls = TLSConfiguration.makeClientConfiguration()
    if !configuration.roots.isEmpty {
      tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(configuration.roots))]
    }
    var settings = AsyncHTTPClient.HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), decompression: .disabled)
    settings.connectionPool.idleTimeout = .milliseconds(configuration.keepAlive.inMilliseconds)
    settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionsPerHost
    // Whoever asked decides whether and when to try again.
    settings.connectionPool.retryConnectionEstablishment = false
    settings.httpVersion = .http1Only
    // What a name stands for is known for certain only once there is a connection.
    settings.http1_1ConnectionDebugInitializer = { channel in
      guard let address = channel.remoteAddress, refuses(address) else { return channel.eventLoop.makeSucceededVoidFuture() }
      channel.close(promise: nil)
      return channel.eventLoop.makeFailedFuture(RefusedAddress())
    }
    client = AsyncHTTPClient.HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    self.clock = clock
  }

  /// Ends all connections; requests that run fail.
  public func close() async { try? await client.shutdown() }

  public func send(_ request: OutgoingRequest) async throws -> IncomingAnswer {
    // The library's own deadline does not count the body of the answer.
    let answer = try await withThrowingTaskGroup(of: IncomingAnswer?.self) { group in
      group.addTask { try await self.exchange(request) }
      group.addTask {
        try await self.clock.sleepReal(for: request.limit)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
    guard let answer else { throw OutgoingFailure.timedOut }
    return answer
  }

  private func exchange(_ request: OutgoingRequest) async throws -> IncomingAnswer {
    var outgoing = HTTPClientRequest(url: request.url)
    outgoing.method = HTTPMethod(rawValue: request.method)
    for field in request.headers { outgoing.headers.add(name: field.name, value: field.value) }
    outgoing.headers.replaceOrAdd(name: HeaderFields.outgoingMark, value: "1")
    if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
    do {
      let response = try await client.execute(outgoing, timeout: .milliseconds(max(1, request.limit.inMilliseconds)))
      var answer = IncomingAnswer(status: Int(response.status.code))
      for (name, value) in response.headers { answer.headers.add(name, value) }
      for try await var piece in response.body {
        let room = request.maximumAnswer - answer.body.count
        answer.body += piece.readBytes(length: min(room, piece.readableBytes)) ?? []
        if piece.readableBytes > 0 {
          answer.isCut = true
          break
        }
      }
      return answer
    } catch {
      throw Self.failure(error, request)
    }
  }

  private static func failure(_ error: any Error, _ request: OutgoingRequest) -> any Error {
    switch error {
    case is CancellationError: return error
    case is RefusedAddress: return OutgoingFailure.cannotConnect("link-local addresses are not called")
    case let error as HTTPClientError: return failure(error, request)
    case let error as NIOConnectionError: return OutgoingFailure.cannotConnect(cause(of: error))
    // What an address without a name answers.
    case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
      return OutgoingFailure.cannotConnect("\(error)")
    case is NIOSSLError, is NIOSSLExtraError: return OutgoingFailure.cannotConnect("TLS: \(error)")
    default: return OutgoingFailure.broken("\(error)")
    }
  }

  private static func failure(_ error: HTTPClientError, _ request: OutgoingRequest) -> any Error {
    switch error {
    case .cancelled: return CancellationError()
    case .invalidURL, .emptyHost, .emptyScheme, .missingSocketPath: return OutgoingFailure.badURL(request.url)
    case .deadlineExceeded, .readTimeout, .getConnectionFromPoolTimeout: return OutgoingFailure.timedOut
    case .connectTimeout: return OutgoingFailure.cannotConnect("nobody answers")
    case .tlsHandshakeTimeout: return OutgoingFailure.cannotConnect("TLS: no answer")
    // Its case has a value, and so no name to compare with.
    case _ where error.description.contains("unsupportedScheme"): return OutgoingFailure.badURL(request.url)
    default: return OutgoingFailure.broken("\(error)")
    }
  }

  /// The first reason, in few words.
  private static func cause(of error: NIOConnectionError) -> String {
    if let first = error.connectionErrors.first { return "\(first.error)" }
    return "\(error.dnsAError ?? error.dnsAAAAError ?? error)"
  }
}

/// Nobody may be called there.
private struct RefusedAddress: Error {}

extension SocketAddress {
  /// 169.254.0.0/16, also as an IPv6 address, and fe80::/10.
  var isLinkLocal: Bool {
    switch self {
    case .v4(let address): return withUnsafeBytes(of: address.address.sin_addr) { $0.starts(with: [169, 254]) }
    case .v6(let address):
      return withUnsafeBytes(of: address.address.sin6_addr) { bytes in
        bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 || bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254])
      }
    case .unixDomainSocket: return false
    }
  }
}
