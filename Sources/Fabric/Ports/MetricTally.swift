import Base
import Synchronization

/// Adds up by the minute what a service measures of its things, until CloudWatch asks for it: the memory of a `MetricSource`.
public final class MetricTally<Subject: Hashable & Sendable, Metric: Hashable & Sendable>: Sendable {
  private struct Slot: Hashable, Sendable {
    var subject: Subject
    var minute: Instant
  }
  private struct State {
    var values: [Slot: [Metric: MetricStatistics]] = [:]
    var isAnnounced = false
  }
  private let state = Mutex(State())
  private let announced = Mutex<Nudge?>(nil)
  private let limit: Int

  /// - Parameter limit: subjects and minutes kept at a time; what comes above is lost, rather than more and more memory.
  public init(limit: Int = .max) { self.limit = limit }

  /// From now on the port asks the source, whose tally this is, for what was measured.
  public func report(_ source: any MetricSource, to port: any MetricPort) {
    let nudge = port.gather(from: source)
    announced.withLock { $0 = nudge }
  }

  public func add(_ values: [(Metric, Double)], to subject: Subject, at now: Instant) { add([(subject, values)], at: now) }

  public func add(_ changes: [(Subject, [(Metric, Double)])], at now: Instant) {
    let minute = now.minute
    let isFirst = state.withLock { state -> Bool in
      for (subject, values) in changes {
        let slot = Slot(subject: subject, minute: minute)
        guard state.values[slot] != nil || state.values.count < limit else { continue }
        for (metric, value) in values { state.values[slot, default: [:]][metric, default: MetricStatistics()].add(value) }
      }
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
    if isFirst { announced.withLock { $0 }?.nudge() }
  }

  /// What was added since the last time.
  /// - Parameter describe: the series of a metric of a subject, and its unit.
  public func drain(_ describe: (Subject, Metric) -> (series: MetricSeries, unit: String)) -> [MetricSample] {
    let taken = state.withLock { state in
      defer { state = State() }
      return state.values
    }
    return taken.flatMap { slot, metrics in
      metrics.map { metric, statistics in
        let (series, unit) = describe(slot.subject, metric)
        return MetricSample(series, unit: unit, time: slot.minute, statistics)
      }
    }
  }
}
