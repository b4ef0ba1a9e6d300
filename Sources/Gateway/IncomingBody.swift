import Base
import Crypto
import Fabric
import HTTPServer
import Synchronization
import Wire

/// The body of a request as an operation reads it that takes bytes as they come: without the framing of `aws-chunked`, and with all
/// that the head promises checked on the way.
final class IncomingBody: Sendable {
  private struct State {
    /// Of a body that was collected.
    var collected: [UInt8]?
    var decoder: ChunkedDecoder?
    var hash: SHA256?
    var trailer: ChunkedTrailer?
  }
  private let state: Mutex<State>
  private let stream: HTTPBodyStream?
  private let declaredHash: String?
  private let service: String

  /// - Parameters:
  ///   - verification: what signed chunks are checked with; nil for a key without a secret.
  ///   - service: the signing name, for the errors.
  static func bytes(
    of request: HTTPRequest, _ claim: SignatureClaim?, _ verification: Verification?, service: String
  ) throws(AWSError) -> IncomingBytes {
    let head: ChunkedHead?
    do { head = try ChunkedHead(headers: request.headers) } catch { throw awsError(for: error, protocol: .restXml, service: service) }
    let body = IncomingBody(request, head, claim, verification, service)
    let plain = request.bodyStream.map { $0.expectedLength } ?? request.body.count
    return IncomingBytes(
      length: head.map(\.decodedLength) ?? plain, trailingChecksum: head?.checksum,
      trailer: { body.state.withLock { $0.trailer?.checksum } }
    ) { try await body.next() }
  }

  private init(
    _ request: HTTPRequest, _ head: ChunkedHead?, _ claim: SignatureClaim?, _ verification: Verification?, _ service: String
  ) {
    (stream, self.service) = (request.bodyStream, service)
    if case .sha256(let declared) = claim?.payload { declaredHash = declared } else { declaredHash = nil }
    state = Mutex(
      State(
        collected: request.bodyStream == nil ? request.body : nil, decoder: head.map { ChunkedDecoder($0, verification: verification) },
        hash: declaredHash == nil ? nil : SHA256()))
  }

  private func next() async throws -> [UInt8]? {
    while let raw = try await raw() {
      let piece = try state.withLock { state throws -> [UInt8] in
        raw.withUnsafeBytes { state.hash?.update(bufferPointer: $0) }
        guard state.decoder != nil else { return raw }
        var out: [UInt8] = []
        out.reserveCapacity(raw.count)
        do throws(ChunkedFailure) {
          // Through the optional: a copy would copy its buffers with each piece.
          try state.decoder?.feed(raw, into: &out)
        } catch {
          throw awsError(for: error, protocol: .restXml, service: service)
        }
        return out
      }
      if !piece.isEmpty { return piece }
    }
    try finish()
    return nil
  }

  /// The next bytes as the client sent them.
  private func raw() async throws -> [UInt8]? {
    guard let stream else { return state.withLock { $0.collected.take() }.flatMap { $0.isEmpty ? nil : $0 } }
    do {
      var pieces = stream.makeAsyncIterator()
      return try await pieces.next()
    } catch let error as HTTPServerError {
      throw Self.outward(error)
    }
  }

  private func finish() throws {
    try state.withLock { state throws in
      if let declaredHash, let hash = state.hash.take() {
        let computed = Array(hash.finalize()).hex
        guard computed == declaredHash.lowercased() else {
          throw awsError(
            for: SignatureFailure.payloadMismatch(declared: declaredHash, computed: computed), protocol: .restXml, service: service)
        }
      }
      guard state.trailer == nil, state.decoder != nil else { return }
      do throws(ChunkedFailure) { state.trailer = try state.decoder?.finish() } catch {
        throw awsError(for: error, protocol: .restXml, service: service)
      }
    }
  }

  /// In S3's words: nobody else has such bodies.
  private static func outward(_ error: HTTPServerError) -> AWSError {
    switch error {
    case .bodyTooLarge: BodyLimits.objectTooLarge(proposed: nil)
    case .bodyTooSlow:
      AWSError(
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
        status: 400)
    default:
      AWSError(
        "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", status: 400, cause: error)
    }
  }
}

/// What S3 takes from the query where the header is missing: presigning moves it there.
enum PresignedFields {
  static func merge(into request: inout WireRequest) {
    var fields: [(String, String)] = []
    for pair in request.query.utf8.split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      let name = percentDecoded(pair[..<equals]).utf8Text.lowercased()
      guard name.hasPrefix("x-amz-") && !ofSignature.contains(name) || name == "content-type" || name == "content-md5",
        request.headers[name] == nil
      else { continue }
      fields.append((name, percentDecoded(pair[equals...].dropFirst()).utf8Text))
    }
    for (name, value) in fields { request.headers.add(lowercased: name, value) }
  }

  private static let ofSignature: Set<String> = [
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
    "x-amz-security-token", "x-amz-content-sha256", "x-amz-sdk-checksum-algorithm", "x-amz-user-agent",
  ]
}
