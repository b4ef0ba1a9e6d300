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
    guard let (type, details) = midstreamError(stream) else { return .success([]) }
    return .functionError(FunctionError(type: type, body: details))
  }

  private func collect(_ stream: HTTPBodyStream) async throws -> InvocationOutcome {
    var body: [UInt8] = []
    for try await piece in stream {
      guard body.count + piece.count <= RuntimeAPILimits.maximumResponse else { return .functionError(.responseTooLarge) }
      body += piece
    }
    guard let (type, details) = midstreamError(stream) else { return .success(body) }
    return .functionError(functionError(type: type, details))
  }

  /// The trailers of an answer that failed after it had begun. The details are an error object, or whatever the runtime wrote;
  /// they come in base64, and are empty when they are none.
  private func midstreamError(_ stream: HTTPBodyStream) -> (type: String, details: [UInt8])? {
    let trailers = stream.trailers
    guard let type = trailers["lambda-runtime-function-error-type"], !type.isEmpty else { return nil }
    let details = trailers["lambda-runtime-function-error-body"].flatMap { decodeBase64($0) } ?? []
    return (FunctionError.known(type), details)
  }

  private var tooLarge: HTTPResponse {
    error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size.")
  }
}
