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
  private let running = Mutex<[String: (mapping: EventSourceMapping, stop: Nudge)]>([:])

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
    for (uuid, entry) in running.withLock({ $0 }) where !known.contains(uuid) { stop(uuid, entry.stop) }
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
    if let entry = running.withLock({ $0[uuid] }) { stop(uuid, entry.stop) }
  }

  private func stop(_ uuid: String, _ signal: Nudge) {
    running.withLock { $0[uuid] = nil }
    signal.nudge()
  }

  private func start(_ mapping: EventSourceMapping, _ group: inout DiscardingTaskGroup) {
    if let entry = running.withLock({ $0[mapping.uuid] }) {
      guard entry.mapping != mapping else { return }
      stop(mapping.uuid, entry.stop)
    }
    let signal = Nudge()
    running.withLock { $0[mapping.uuid] = (mapping, signal) }
    group.addTask {
      await withDiscardingTaskGroup { pair in
        pair.addTask {
          switch mapping.kind {
          case .queue: await self.poller.run(mapping, until: signal)
          case .kinesis, .dynamoDB: await self.streams.run(mapping, until: signal)
          }
        }
      }
    }
  }
}
