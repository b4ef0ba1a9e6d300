import Base
import Fabric
import HTTPServer

/// Brings the batches of one subscriber to its server inside the sandbox, in their order, until its processes are gone.
///
/// A batch that is not taken is tried again, with longer and longer pauses; meanwhile the buffer fills, and then drops.
struct TelemetryDelivery: Sendable {
  private static let shortestPause = Duration.milliseconds(50)
  private static let longestPause = Duration.seconds(2)
  private static let headLimit = 8192

  let subscription: TelemetrySubscription
  let clock: any AmbientClock

  private struct NotTaken: Error {}

  func run(_ hub: TelemetryHub, _ process: RunningProcess) async {
    var pause = Self.shortestPause
    var next = await hub.nextBatch(for: subscription.name)
    while let batch = next, !Task.isCancelled {
      let left = try? await deliver(batch, hub, process)
      next = left ?? batch
      if left == nil {
        guard (try? await clock.sleepReal(for: pause)) != nil else { return }
        pause = min(pause * 2, Self.longestPause)
      } else {
        pause = Self.shortestPause
        if next?.isEmpty == true { next = await hub.nextBatch(for: subscription.name) }
      }
    }
  }

  /// - Returns: a batch that is still to be delivered; an empty one when there is none.
  private func deliver(_ batch: [[UInt8]], _ hub: TelemetryHub, _ process: RunningProcess) async throws -> [[UInt8]] {
    switch subscription.destination {
    case .http(let port, let path, let method):
      let body = [UInt8(ascii: "[")] + batch.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
      let head =
        "\(method) \(path) HTTP/1.1\r\nhost: sandbox.localdomain:\(port)\r\ncontent-type: application/json\r\n"
        + "content-length: \(body.count)\r\nconnection: close\r\n\r\n"
      try await process.withConnection(toPort: port) { connection in
        try await connection.write(Array(head.utf8) + body)
        // "HTTP/1.1 200 OK"
        let status = try await connection.readLine(limit: Self.headLimit)?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        guard let status, (200..<300).contains(status) else { throw NotTaken() }
      }
      hub.delivered(to: subscription.name, at: clock.wallNow())
      return []
    case .tcp(let port):
      return try await process.withConnection(toPort: port) { connection in
        var next = batch
        while !next.isEmpty {
          do { try await connection.write(next.flatMap { $0 + [UInt8(ascii: "\n")] }) } catch { return next }
          hub.delivered(to: subscription.name, at: clock.wallNow())
          next = await hub.nextBatch(for: subscription.name) ?? []
        }
        return next
      }
    }
  }
}
