/// Writes a streamed response.
public struct HTTPBodyWriter: Sendable {
  let connection: Connection
  let exchange: Exchange

  /// Returns once the client has taken enough of what was written before.
  ///
  /// Throws `clientGone`, `responseEnded`, `lengthMismatch` (more than the declared length) or `CancellationError`.
  public func write(_ bytes: [UInt8]) async throws {
    guard !bytes.isEmpty else { return }
    if connection.loop.inEventLoop {
      try connection.send(bytes, of: exchange)
      if connection.isWritable { return }
    }
    let wasSent = connection.loop.inEventLoop
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        connection.onLoop { connection in
          do {
            if !wasSent { try connection.send(bytes, of: exchange) }
            connection.awaitWritable(continuation, of: exchange)
          } catch {
            continuation.resume(throwing: error)
          }
        }
      }
    } onCancel: {
      connection.onLoop { $0.cancelWrites(of: exchange) }
    }
  }
}
