import NIOCore
import NIOPosix

/// A connection that the server itself has opened, for bytes in both directions. For one task.
public struct ByteConnection: Sendable {
  let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
  let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

  /// Returns when the system has taken the bytes.
  public func write(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

  /// The first line that the other side sends, without its end; nil when it closes before. To be called once.
  /// - Throws: `HTTPServerError.bodyTooLarge` when a line does not end within the limit.
  public func readLine(limit: Int) async throws -> String? {
    var line: [UInt8] = []
    for try await piece in inbound {
      for byte in piece.readableBytesView {
        if byte == UInt8(ascii: "\n") {
          if line.last == UInt8(ascii: "\r") { line.removeLast() }
          return String(decoding: line, as: UTF8.self)
        }
        guard line.count < limit else { throw HTTPServerError.bodyTooLarge(maximum: limit) }
        line.append(byte)
      }
    }
    return nil
  }
}

extension HTTPServer {
  /// Hands over a connected socket that someone else opened, perhaps in another network namespace, and closes it after `body`. The
  /// server owns `fd` from here on, also when this throws. Cancelling closes it.
  public func withConnectedSocket<T: Sendable>(
    _ fd: Int32, _ body: (ByteConnection) async throws -> T
  ) async throws -> T {
    let channel = try await ClientBootstrap(group: group).withConnectedSocket(fd) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
    return try await channel.executeThenClose { inbound, outbound in
      try await body(ByteConnection(inbound: inbound, outbound: outbound))
    }
  }
}
