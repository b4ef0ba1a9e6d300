import Base
import Fabric
import Logging
import Synchronization

/// Runs the pollers of every enabled event source mapping, and carries out the changes that users make to mappings.
final class MappingRunner: Sendable {
  private let control: ControlPlane
  private let poller: QueuePoller
  private let streams: StreamPoller
  private let ambient: Ambient
  private let logger: Logger
  private struct Run {
    var mapping: EventSourceMapping
    let stop = Nudge()
    /// It finishes what it has begun. Nobody else reads its stream until then: two readers would hand out records twice.
    var isEnding = false
  }
  private let running = Mutex<[String: Run]>([:])

  init(control: ControlPlane, poller: QueuePoller, streams: StreamPoller, ambient: Ambient, logger: Logger) {
    (self.control, self.poller, self.streams) = (control, poller, streams)
    (self.ambient, self.logger) = (ambient, logger)
  }

  var runningCount: Int { running.withLock { $0.count } }

  /// Works until cancelled; batches under way are finished first.
  func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        do {
          try await reconcile(&group)
          await control.mappingNudge.wait()
        } catch {
          logger.error("event source mappings cannot be read", metadata: ["error": "\(error)"])
          try? await ambient.clock.sleepReal(for: .seconds(1))
        }
      }
    }
  }

  /// Compares what should poll with what does.
  private func reconcile(_ group: inout DiscardingTaskGroup) async throws {
    let mappings = try await control.mappings()
    let known = Set(mappings.map(\.uuid))
    for uuid in running.withLock({ Array($0.keys) }) where !known.contains(uuid) { stop(uuid) }
    for mapping in mappings {
      switch mapping.state {
      case .enabled: start(mapping, &group)
      case .creating, .enabling, .updating: try await settle(mapping, as: mapping.isWanted ? .enabled : .disabled)
      case .disabling:
        stop(mapping.uuid)
        try await settle(mapping, as: .disabled)
      case .deleting:
        stop(mapping.uuid)
        try await control.removeMapping(mapping.uuid)
      case .disabled: stop(mapping.uuid)
      }
    }
  }

  private func settle(_ mapping: EventSourceMapping, as state: EventSourceMapping.State) async throws {
    if try await control.setMappingState(mapping.uuid, from: mapping.state, to: state) { control.mappingNudge.nudge() }
  }

  private func stop(_ uuid: String) {
    running.withLock { running in
      guard let run = running[uuid] else { return }
      // Two may receive from one queue, which gives a message to one of them.
      if run.mapping.kind == .queue { running[uuid] = nil } else { running[uuid]?.isEnding = true }
      run.stop.nudge()
    }
  }

  private func start(_ mapping: EventSourceMapping, _ group: inout DiscardingTaskGroup) {
    if let run = running.withLock({ $0[mapping.uuid] }) {
      guard run.isEnding || run.mapping != mapping else { return }
      stop(mapping.uuid)
    }
    let run = Run(mapping: mapping)
    // One that ends calls here when it has.
    guard running.withLock({ $0[mapping.uuid] == nil }) else { return }
    running.withLock { $0[mapping.uuid] = run }
    group.addTask {
      switch mapping.kind {
      case .queue: await self.poller.run(mapping, until: run.stop)
      case .kinesis, .dynamoDB: await self.streams.run(mapping, until: run.stop)
      }
      self.ended(run)
    }
  }

  private func ended(_ run: Run) {
    let wasKnown = running.withLock { running in
      guard running[run.mapping.uuid]?.stop === run.stop else { return false }
      running[run.mapping.uuid] = nil
      return true
    }
    if wasKnown { control.mappingNudge.nudge() }
  }
}
