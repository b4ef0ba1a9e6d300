import Base
import Fabric
import Synchronization

/// Calls by service, operation and status, and how long they took, since the start of the process.
///
/// Each operation belongs to one of several shards, so that requests seldom meet on a lock.
public final class RequestMetrics: Sendable {
  /// Who calls: a client, or a service by the door.
  public enum Origin: String, Sendable, CaseIterable { case client, service }

  public struct Row: Hashable, Sendable {
    public var service: String
    public var operation: String
    public var status: Int
    public var origin: Origin
  }
  private struct Name: Hashable {
    var service: String
    var operation: String
    var origin: Origin
  }
  private struct Series {
    var statuses: [Int: UInt64] = [:]
    var seconds = Histogram(Histogram.requestSeconds)
  }
  private final class Shard: Sendable { let series = Mutex<[Name: Series]>([:]) }

  /// Operations are those of the models, so the tables are bounded; a made-up name counts as `Unknown`.
  private static let maximumSeriesOfShard = 1000
  private let shards = (0..<16).map { _ in Shard() }

  public init() {}

  public func count(service: String, operation: String, status: Int, origin: Origin, duration: Duration) {
    let name = Name(service: service, operation: operation, origin: origin)
    shards[Int(UInt(bitPattern: name.hashValue) % UInt(shards.count))].series.withLock { table in
      guard table[name] != nil || table.count < Self.maximumSeriesOfShard else { return }
      table[name, default: Series()].statuses[status, default: 0] += 1
      table[name]?.seconds.add(duration.inSeconds)
    }
  }

  public var all: [Row: UInt64] {
    var rows: [Row: UInt64] = [:]
    for (name, series) in everything {
      for (status, count) in series.statuses {
        rows[Row(service: name.service, operation: name.operation, status: status, origin: name.origin)] = count
      }
    }
    return rows
  }

  private var everything: [(name: Name, series: Series)] {
    shards.flatMap { shard in shard.series.withLock { $0.map { ($0.key, $0.value) } } }
      .sorted { ($0.0.service, $0.0.operation, $0.0.origin.rawValue) < ($1.0.service, $1.0.operation, $1.0.origin.rawValue) }
  }

  public var measurements: [Measurement] {
    everything.flatMap { name, series -> [Measurement] in
      let labels = [("service", name.service), ("operation", name.operation), ("origin", name.origin.rawValue)]
        .map { (name: $0.0, value: $0.1) }
      let counts = series.statuses.sorted { $0.key < $1.key }.map { status, count in
        Measurement(
          "dewpoint_requests_total", .counter, Double(count), labels: labels + [(name: "status", value: "\(status)")],
          help: "Calls by operation, HTTP status and origin: a client, or another service.")
      }
      return counts + [
        Measurement(
          "dewpoint_request_duration_seconds", series.seconds, labels: labels,
          help: "How long calls took, long polls and the functions that were waited for included.")
      ]
    }
  }
}
