import Synchronization

/// Requests by service, operation and status since the start of the process.
public final class RequestMetrics: Sendable {
  public struct Row: Hashable, Sendable {
    public var service: String
    public var operation: String
    public var status: Int
  }
  /// Operations are those of the models, so the table is bounded; a made-up name counts as `Unknown`.
  private static let maximumRows = 10_000
  private let rows = Mutex<[Row: UInt64]>([:])

  public init() {}

  public func count(service: String, operation: String, status: Int) {
    let row = Row(service: service, operation: operation, status: status)
    rows.withLock { rows in
      guard rows[row] != nil || rows.count < Self.maximumRows else { return }
      rows[row, default: 0] += 1
    }
  }
  public var all: [Row: UInt64] { rows.withLock { $0 } }
}
