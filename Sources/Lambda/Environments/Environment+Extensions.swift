import Base
import Fabric
import Sandbox

// The side of an environment that its extensions see, and the programs that run beside the runtime.
extension Environment {
  // MARK: From the extensions

  /// - Returns: the identifier that it uses from now on.
  func register(_ name: String, events: [String]) -> Result<String, ExtensionSet.Refusal> {
    let id = ambient.uuid()
    return decide { machine, now in
      switch machine.register(name, id: id, events: events, now: now) {
      case .success(let actions): (.success(id), actions)
      case .failure(let refusal): (.failure(refusal), [])
      }
    }
  }

  /// Waits for the next event of an extension; what it did before is done.
  func nextEvent(of id: String) async -> ExtensionAnswer {
    let request = guarded.withLock { guarded in
      guarded.extensionRequests += 1
      return guarded.extensionRequests
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<ExtensionAnswer, Never>) in
        if let mail = guarded.withLock({ $0.extensionMail.removeValue(forKey: id) }) {
          continuation.resume(returning: .event(mail))
          return
        }
        drain()
        if let refusal = tell(.extensionAsked(id: id)) { continuation.resume(returning: .refused(refusal)); return }
        var rest: UInt64 = 0
        let late = guarded.withLock { guarded -> ExtensionAnswer? in
          if let mail = guarded.extensionMail.removeValue(forKey: id) { return .event(mail) }
          if case .stopped = guarded.machine.state { return .nothing }
          if Task.isCancelled { return .nothing }
          guarded.rests += 1
          rest = guarded.rests
          guarded.extensionWaiters.updateValue((request, continuation), forKey: id)?.continuation.resume(returning: .nothing)
          return nil
        }
        if let late { continuation.resume(returning: late) } else { rests(rest) }
      }
    } onCancel: {
      // Another connection of the extension may wait by now.
      guarded.withLock { guarded -> CheckedContinuation<ExtensionAnswer, Never>? in
        guard guarded.extensionWaiters[id]?.request == request else { return nil }
        return guarded.extensionWaiters.removeValue(forKey: id)?.continuation
      }?.resume(returning: .nothing)
    }
  }

  /// An extension says that it fails; nil when it is noted.
  func reportExtension(_ id: String, isInit: Bool, type: String) -> ExtensionSet.Refusal? {
    tell(.extensionReported(id: id, isInit: isInit, type: type))
  }

  /// The registered name behind an identifier.
  func extensionName(of id: String) -> String? { guarded.withLock { $0.machine.extensions.member(id: id)?.name } }

  /// An extension wants telemetry; nil when it is subscribed.
  func subscribe(_ subscription: TelemetrySubscription) -> TelemetryHub.Refusal? {
    guard let process = guarded.withLock({ $0.process?.sandboxed }) else { return .closed }
    switch telemetry.add(subscription) {
    case .failure(let refusal): return refusal
    case .success(let isNew):
      guard isNew else { return nil }
      process.order(.subscription(subscription))
      tell(PlatformEvent.subscribed(subscription.api, name: subscription.name, types: subscription.types))
      return nil
    }
  }

  private func tell(_ event: EnvironmentMachine.Event) -> ExtensionSet.Refusal? {
    decide { machine, now in
      let actions = machine.handle(event, now: now)
      if case .refuse(let refusal)? = actions.first { return (refusal, []) }
      return (nil, actions)
    }
  }

  // MARK: The programs of a sandbox

  /// Starts what the machine asks for and hears how it ends, until the process takes no more orders.
  func runPrograms(of process: RunningProcess?) async {
    guard let process else { return }
    if let names = process.programs?.extensions { feed(.prepared(extensions: names)) }
    await withDiscardingTaskGroup { group in
      for await order in process.orders {
        switch order {
        case .extensions(let names):
          for name in names { group.addTask { await self.runExtension(name, process) } }
        case .runtime: group.addTask { await self.runRuntime(process) }
        case .subscription(let subscription):
          group.addTask { [telemetry, ambient] in
            await TelemetryDelivery(subscription: subscription, clock: ambient.clock).run(telemetry, process)
          }
        }
      }
      group.cancelAll()
    }
  }

  private func runExtension(_ name: String, _ process: RunningProcess) async {
    let program: SandboxProgram
    do {
      program = try await process.startExtension(name)
    } catch {
      let (reason, type) = Self.launchError(error, LaunchPlan.extensionDirectory + "/" + name)
      feed(.extensionNotStarted(name: name, reason: reason, type: type))
      return
    }
    let end = await run(program, process)
    feed(.extensionEnded(name: name, end))
  }

  private func runRuntime(_ process: RunningProcess) async {
    let program: SandboxProgram
    do {
      program = try await process.startRuntime()
    } catch {
      let reason = Self.launchError(error, process.programs?.runtime.executable ?? "").reason
      feed(.runtimeEnded(.notStarted(reason)))
      return
    }
    feed(.runtimeEnded(await run(program, process)))
  }

  /// Until its end, with its last words in the log.
  private func run(_ program: SandboxProgram, _ process: RunningProcess) async -> ProcessEnd {
    let reason = await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while await program.output.ready() {
          self.drain(process)
          self.flush()
        }
      }
      let reason = await program.exit()
      // A child of the program may hold the pipe open.
      group.cancelAll()
      return reason
    }
    drain(process)
    flush()
    return process.isOutOfMemory ? .outOfMemory : ProcessEnd(reason)
  }

  /// In the words of AWS, and its name for the kind of failure.
  private static func launchError(_ error: any Error, _ path: String) -> (reason: String, type: String) {
    guard let error = error as? SandboxError else { return ("\(error)", "UnknownError") }
    return ("fork/exec \(path): \(error.reason.lowercased())", error.errno == 13 ? "PermissionDenied" : "UnknownError")
  }
}
