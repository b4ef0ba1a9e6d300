import Base
import Fabric
import Store

/// Keeps the hops of events and shows them: what became of an event, through every service, and why.
///
/// `record` puts a hop into a bounded buffer; a worker writes what has gathered, many hops in one row. A crash loses the hops of the last
/// quarter of a second, never an event. The oldest go when they are too old or all together take too much room.
public final class TracingService: ServiceModule, HopPort {
  public struct Configuration: Sendable {
    /// How long hops are kept, on the adjustable clock.
    public var retention: Duration
    /// Bytes that they may take, about.
    public var size: Int
    public init(retention: Duration = .days(7), size: Int = 64 << 20) { (self.retention, self.size) = (retention, size) }
  }

  let store: any Store
  private let ambient: Ambient
  private let configuration: Configuration
  private let buffer = HopBuffer()

  public init(store: any Store, ambient: Ambient, configuration: Configuration = Configuration()) {
    (self.store, self.ambient, self.configuration) = (store, ambient, configuration)
  }

  public func newID() -> String { ambient.random.bytes(8).hex }

  public func record(_ hop: Hop) {
    var hop = hop
    // What a client sends as its own segment is only a name to us.
    if let parent = hop.parent, parent.utf8.count > 64 { hop.parent = nil }
    hop.source = Self.cut(hop.source)
    hop.target = Self.cut(hop.target)
    hop.reason = hop.reason.map(Self.cut)
    buffer.add(hop)
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= TracingLimits.textBytes ? text : String(text.prefix(TracingLimits.textBytes / 4)) + "…"
  }

  public var apis: [ServiceAPI] { [] }
  public var workers: [any Worker] { [HopWorker(tracing: self, buffer: buffer, clock: ambient.clock)] }

  /// Returns when everything that was recorded before is in the store.
  public func flush() async throws {
    let taken = Taken()
    do {
      // Taken by the transaction itself: those that are under way come before it.
      try await store.transact { [buffer] in try HopRows.add(taken.hops(from: buffer), $0) }
    } catch {
      taken.putBack(into: buffer)
      throw error
    }
  }

  /// Removes all that is too old or too much.
  public func trimAll() async throws { while try await trim() {} }

  /// True when there may be more of it.
  func trim() async throws -> Bool {
    let (horizon, size) = (ambient.now - configuration.retention, configuration.size)
    return try await store.transact { try HopRows.trim(before: horizon, size: size, $0) }
  }

  public func removeAll(of account: AccountID) async throws {
    try await flush()
    var rest: KeyRange?
    repeat {
      let range = rest
      rest = try await store.transact { try HopRows.remove(of: account, in: range, limit: 100, $0) }
    } while rest != nil
  }

  public func measurements() async -> [Measurement] {
    let (recorded, lost) = buffer.totals
    return [
      Measurement("dewpoint_hops_recorded_total", .counter, Double(recorded), help: "Steps of events that were recorded."),
      Measurement("dewpoint_hops_lost_total", .counter, Double(lost), help: "Of those, what came faster than it could be kept."),
    ]
  }
}

/// Writes a short time after the first hop, or as soon as there are many.
private struct HopWorker: Worker {
  let tracing: TracingService
  let buffer: HopBuffer
  let clock: any AmbientClock
  var name: String { "hops" }
  var nudge: Nudge { buffer.started }

  func turn(_ now: Instant) async throws -> NextTurn {
    let count = buffer.count
    guard count > 0 else { return .onNudge }
    if count < TracingLimits.enough { await buffer.enough.wait(atMost: TracingLimits.gatherTime, clock: clock) }
    try await tracing.flush()
    try await tracing.trimAll()
    return .onNudge
  }

  /// What came since the last turn.
  func stop() async { try? await tracing.flush() }
}

/// What one flush has taken: its transaction may run again, or fail.
private final class Taken: @unchecked Sendable {
  // Unchecked: touched by the store's thread during the transaction, and by the caller after it.
  private var taken: [Hop]?

  func hops(from buffer: HopBuffer) -> [Hop] {
    let hops = taken ?? buffer.take()
    taken = hops
    return hops
  }
  func putBack(into buffer: HopBuffer) { if let taken { buffer.putBack(taken) } }
}
