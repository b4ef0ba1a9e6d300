import Synchronization

/// What several tasks have seen, in the order in which they said so.
public final class Recorder<Value: Sendable>: Sendable {
  private let list = Mutex<[Value]>([])
  public init() {}
  public func add(_ value: Value) { list.withLock { $0.append(value) } }
  public var values: [Value] { list.withLock { $0 } }
  public var count: Int { list.withLock { $0.count } }
}
