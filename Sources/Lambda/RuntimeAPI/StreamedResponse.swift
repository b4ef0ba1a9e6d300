import Base
import HTTPServer

/// An answer that the runtime sends piece by piece (AWS: "Building a custom runtime", response streaming).
extension RuntimeAPIHandler {
  /// Reads the pieces no faster than the caller takes them, so that a slow caller makes the function wait.
  func pass(_ stream: HTTPBodyStream, of id: String, _ request: HTTPRequest) async -> HTTPResponse {
    let type = request.headers["content-type"] ?? "application/octet-stream"
    guard let target = environment.beginStream(id, contentType: type) else {
      return error(400, "InvalidRequestID", "Invalid request ID")
    }
    let outcome: InvocationOutcome?
    do {
      outcome =
        switch target {
        case .pipe(let pipe): try await pass(stream, into: pipe)
        case .collected: try await collect(stream)
        }
    } catch {
      environment.breakStream(id)
      return self.error(400, "TruncatedResponse", "The response ended before it was complete.")
    }
    guard let outcome, environment.endStream(id, outcome) else { return error(400, "InvalidRequestID", "Invalid request ID") }
    if case .functionError(.responseTooLarge) = outcome { return tooLarge }
    if case .functionError(.streamTooLarge) = outcome { return tooLarge }
    return accepted
  }

  /// Nil when the invocation was over before its answer.
  private func pass(_ stream: HTTPBodyStream, into pipe: ResponsePipe) async throws -> InvocationOutcome? {
    for try await piece in stream {
      switch await pipe.write(piece) {
      case .taken: continue
      case .over: return nil
      case .tooLarge: return .functionError(.streamTooLarge)
      }
    }
    return midstreamError(stream).map { .functionError($0) } ?? .success([])
  }

  private func collect(_ stream: HTTPBodyStream) async throws -> InvocationOutcome {
    var body: [UInt8] = []
    for try await piece in stream {
      guard body.count + piece.count <= RuntimeAPILimits.maximumResponse else { return .functionError(.responseTooLarge) }
      body += piece
    }
    return midstreamError(stream).map { .functionError($0) } ?? .success(body)
  }

  /// The trailers of an answer that failed after it had begun; the error object comes in base64.
  private func midstreamError(_ stream: HTTPBodyStream) -> FunctionError? {
    let trailers = stream.trailers
    let type = trailers["lambda-runtime-function-error-type"], body = trailers["lambda-runtime-function-error-body"]
    guard type != nil || body != nil else { return nil }
    return functionError(type: type ?? "Function.Unknown", body.flatMap { decodeBase64($0) } ?? [])
  }

  private var tooLarge: HTTPResponse {
    error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size.")
  }
}
