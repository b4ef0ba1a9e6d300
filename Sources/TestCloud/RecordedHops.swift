import Fabric
import Synchronization

/// Keeps the hops in the order in which they were recorded, for tests.
public final class RecordedHops: HopPort {
  private let recorder = Recorder<Hop>()
  private let last = Mutex(0)
  public init() {}
  public func record(_ hop: Hop) { recorder.add(hop) }
  public func newID() -> String { last.withLock { $0 += 1; return "hop-\($0)" } }

  public var all: [Hop] { recorder.values }
  public var count: Int { recorder.count }
}
