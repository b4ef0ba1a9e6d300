import Base
import Fabric

/// States that are to take the place of the running one, in their order. Whoever asks waits for the exchange; it happens
/// whether he still waits or not.
final class Exchanges: Sendable {
  struct Order: Sendable {
    /// Makes the state that comes, at its turn. Nothing has happened yet when it throws.
    var prepare: @Sendable () async throws -> (state: OpenState, clock: AdjustableClock.Mode)
    fileprivate var completion: CheckedContinuation<Void, any Error>

    func complete(_ result: Result<Void, any Error>) { completion.resume(with: result) }
  }
  /// More than anybody would ask for at the same time.
  private static let limit = 1000

  let orders: AsyncStream<Order>
  private let sink: AsyncStream<Order>.Continuation

  init() { (orders, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.limit)) }

  func ask(_ prepare: @escaping @Sendable () async throws -> (state: OpenState, clock: AdjustableClock.Mode)) async throws {
    try await withCheckedThrowingContinuation { completion in
      let order = Order(prepare: prepare, completion: completion)
      if case .enqueued = sink.yield(order) { return }
      order.complete(.failure(AWSError("ServiceUnavailable", "The server is stopping, or too many ask for a new state.", status: 503)))
    }
  }

  /// No more orders; those that wait are still carried out.
  func finish() { sink.finish() }
}
