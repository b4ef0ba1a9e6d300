import Base
import Fabric
import Logging
import Synchronization

/// Reads the stream of one mapping: every shard that may be read, its children when it has ended.
struct StreamPoller: Sendable {
  /// How often it is looked for shards that nobody told of. Adjusted time.
  private static let lookPause = Duration.minutes(1)

  let delivery: StreamDelivery

  /// Runs until the task is cancelled or the signal comes. Batches that run are finished.
  func run(_ mapping: EventSourceMapping, until stop: Nudge) async {
    guard let settings = mapping.stream, let filter = try? EventFilter(mapping.filters, of: mapping.kind) else {
      // Checked when the mapping was made; without its filter it must not pass over or deliver anything.
      delivery.logger.error("a mapping of a stream cannot be read", metadata: ["mapping": "\(mapping.uuid)"])
      return await stop.wait()
    }
    await withTaskGroup(of: Void.self) { race in
      race.addTask { await stop.wait() }
      race.addTask { await supervise(mapping, settings, filter) }
      await race.next()
      race.cancelAll()
    }
  }

  private func supervise(_ mapping: EventSourceMapping, _ settings: StreamSettings, _ filter: EventFilter) async {
    let running = RunningShards()
    var failures = 0
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        do {
          for shard in try await readable(mapping, settings) where running.begin(shard) {
            group.addTask {
              await run(shard, of: mapping, settings, filter)
              running.end(shard)
            }
          }
          failures = 0
          await delivery.wait(running.changed, until: delivery.now + Self.lookPause)
        } catch is CancellationError {
          return
        } catch {
          failures += 1
          await delivery.cannotRead(mapping, "", error, failures)
        }
      }
    }
  }

  /// The shards that may be read now. New ones are noted with where they begin.
  private func readable(_ mapping: EventSourceMapping, _ settings: StreamSettings) async throws -> [String] {
    let store = delivery.control.store
    let shards = try await delivery.describe(mapping).shards
    let known = try await store.read { try ShardRows.all(of: mapping.uuid, $0) }
    let plan = ShardPlan(shards, known: known.mapValues(\.isFinished), start: settings.start)
    var new: [String: ShardRow] = [:]
    for (shard, position) in plan.beginnings {
      new[shard] = ShardRow(position: .iterator(try await delivery.iterator(mapping, shard, at: position)), owner: "")
    }
    for shard in plan.skipped { new[shard] = ShardRow(position: .finished, owner: "") }
    if !new.isEmpty { try await store.transact { [new] in try ShardRows.begin(new, of: mapping.uuid, in: $0) } }
    return plan.readable
  }

  private func run(_ shard: String, of mapping: EventSourceMapping, _ settings: StreamSettings, _ filter: EventFilter) async {
    let owner = delivery.ambient.uuid()
    do {
      let row = try await delivery.control.store.transact { try ShardRows.takeOver(shard, of: mapping.uuid, by: owner, in: $0) }
      guard let row, !row.isFinished else { return }
      _ = await ShardRunner(mapping, settings, shard: shard, row: row, filter: filter, delivery: delivery).run()
    } catch {
      await delivery.cannotRead(mapping, shard, error, 1)
    }
  }
}

/// The shards of a mapping that are being read.
private final class RunningShards: Sendable {
  private let shards = Mutex<Set<String>>([])
  /// One has come to its end.
  let changed = Nudge()

  func begin(_ shard: String) -> Bool { shards.withLock { $0.insert(shard).inserted } }
  func end(_ shard: String) {
    shards.withLock { _ = $0.remove(shard) }
    changed.nudge()
  }
}
