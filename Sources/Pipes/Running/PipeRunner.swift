import Base
import Fabric
import Logging
import Store
import Synchronization

/// Runs what should run, and carries out the changes that users ask for.
final class PipeRunner: Sendable {
  private let store: any Store
  private let roles: any RolePort
  private let queues: QueuePipe
  private let streams: StreamPipe
  private let ambient: Ambient
  private let changed: Nudge
  private let logger: Logger
  private let running = Mutex<[PipeName: (pipe: Pipe, stop: Nudge)]>([:])

  init(
    store: any Store, roles: any RolePort, queues: QueuePipe, streams: StreamPipe, ambient: Ambient, changed: Nudge, logger: Logger
  ) {
    (self.store, self.roles, self.queues, self.streams) = (store, roles, queues, streams)
    (self.ambient, self.changed, self.logger) = (ambient, changed, logger)
  }

  var runningCount: Int { running.withLock { $0.count } }

  /// Works until cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        do {
          try await reconcile(&group)
          await changed.wait()
        } catch {
          if Task.isCancelled { break }
          logger.error("pipes cannot be read", metadata: ["error": "\(error)"])
          try? await ambient.clock.sleepReal(for: .seconds(1))
        }
      }
      for name in running.withLock({ Array($0.keys) }) { stop(name) }
      group.cancelAll()
    }
  }

  private func reconcile(_ group: inout DiscardingTaskGroup) async throws {
    let pipes = try await store.read { try $0.allPipes() }
    let known = Set(pipes.map(\.name))
    for name in running.withLock({ Array($0.keys) }) where !known.contains(name) { stop(name) }
    for pipe in pipes {
      switch pipe.state {
      case .running: start(pipe, &group)
      case .stopped: stop(pipe.name)
      case .creating, .updating, .starting, .stopping: try await settle(pipe)
      case .deleting:
        stop(pipe.name)
        try await store.transact { t in
          guard try t.pipe(pipe.name)?.state == .deleting else { return }
          try t.delete(Keys.pipe(pipe.name))
          try t.deleteAll(KeyRange(prefix: Keys.shards(pipe.name)))
          try t.delete(Keys.stream(pipe.name))
        }
      }
    }
  }

  private func settle(_ pipe: Pipe) async throws {
    try await store.transact { t in
      guard var current = try t.pipe(pipe.name), current.state == pipe.state else { return }
      current.state = current.isWanted ? .running : .stopped
      try t.put(current)
    }
    changed.nudge()
  }

  private func stop(_ name: PipeName) {
    let entry = running.withLock { $0.removeValue(forKey: name) }
    entry?.stop.nudge()
  }

  private func start(_ pipe: Pipe, _ group: inout DiscardingTaskGroup) {
    if let entry = running.withLock({ $0[pipe.name] }) {
      guard entry.pipe.program != pipe.program else { return }
      stop(pipe.name)
    }
    let signal = Nudge()
    running.withLock { $0[pipe.name] = (pipe, signal) }
    group.addTask {
      let caller: @Sendable () async throws -> Caller = { try await self.caller(for: pipe) }
      switch pipe.kind {
      case .kinesis, .dynamoDB: await self.streams.run(pipe, until: signal, as: caller)
      case .queue, nil: await self.queues.run(pipe, until: signal, as: caller)
      }
    }
  }

  private func caller(for pipe: Pipe) async throws -> Caller {
    guard let role = ARN(pipe.role) else { throw PipesError.badRole }
    let service = ServicePrincipal(PipesService.principal, sourceARN: pipe.name.arn, sourceAccount: pipe.name.account)
    let session = try await roles.session(role: role, sessionName: pipe.name.name, by: service)
    return Caller(principal: .role(session), account: pipe.name.account, region: pipe.name.region, trace: TraceContext(ambient))
  }
}
