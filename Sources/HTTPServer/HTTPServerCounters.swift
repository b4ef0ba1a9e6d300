import Synchronization

/// What a server's connections have met. Counts since its start, but for the three that are open now.
public struct HTTPServerCounters: Sendable, Equatable {
  /// Connections open now; those that have not said yet what they speak are in neither of the next two.
  public var open = 0
  public var openHTTP1 = 0
  public var openHTTP2 = 0
  public var accepted = 0
  /// Of `accepted`: those that came over TLS, and those that speak HTTP/2.
  public var acceptedTLS = 0
  public var acceptedHTTP2 = 0
  /// Connections over the limit of their listener, or of their address.
  public var refusedByListener = 0
  public var refusedByAddress = 0
  /// Plain connections from beyond loopback to a listener that takes only TLS there.
  public var refusedPlaintext = 0
  /// Requests answered 503 because connections held too much memory.
  public var refusedByMemory = 0
  /// Requests that could not be read: 400, 414, 431, 501, 505.
  public var malformed = 0
  /// Handshakes that failed.
  public var failedHandshakes = 0
  /// Connections of HTTP/2 ended for floods and other breaches of the protocol.
  public var http2Breaches = 0
  public var timedOutHeads = 0
  public var timedOutBodies = 0
  public var timedOutWrites = 0
  public var timedOutIdle = 0
}

/// The same, as they are counted. Nothing is counted on the way of a request that goes well.
final class Counters: Sendable {
  let open = Atomic(0), openHTTP1 = Atomic(0), openHTTP2 = Atomic(0)
  let accepted = Atomic(0), acceptedTLS = Atomic(0), acceptedHTTP2 = Atomic(0)
  let refusedByListener = Atomic(0), refusedByAddress = Atomic(0), refusedPlaintext = Atomic(0), refusedByMemory = Atomic(0)
  let malformed = Atomic(0), failedHandshakes = Atomic(0), http2Breaches = Atomic(0)
  let timedOutHeads = Atomic(0), timedOutBodies = Atomic(0), timedOutWrites = Atomic(0), timedOutIdle = Atomic(0)

  var values: HTTPServerCounters {
    HTTPServerCounters(
      open: open.value, openHTTP1: openHTTP1.value, openHTTP2: openHTTP2.value, accepted: accepted.value,
      acceptedTLS: acceptedTLS.value, acceptedHTTP2: acceptedHTTP2.value, refusedByListener: refusedByListener.value,
      refusedByAddress: refusedByAddress.value, refusedPlaintext: refusedPlaintext.value, refusedByMemory: refusedByMemory.value,
      malformed: malformed.value, failedHandshakes: failedHandshakes.value, http2Breaches: http2Breaches.value,
      timedOutHeads: timedOutHeads.value, timedOutBodies: timedOutBodies.value, timedOutWrites: timedOutWrites.value,
      timedOutIdle: timedOutIdle.value)
  }
}

extension Atomic where Value == Int {
  func increment() { add(1, ordering: .relaxed) }
  func decrement() { subtract(1, ordering: .relaxed) }
  fileprivate var value: Int { load(ordering: .relaxed) }
}
