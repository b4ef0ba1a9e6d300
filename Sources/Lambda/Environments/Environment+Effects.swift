import Base
import Fabric

// What the machine has decided, done.
extension Environment {
  func perform(_ action: EnvironmentMachine.Action) {
    switch action {
    case .launch:
      // A kill that came when the last process was already gone is not meant for the next one.
      guarded.withLock { $0.mustKill = false }
      orderSink.yield(.launch)
    case .startExtensions(let names): process?.sandboxed?.order(.extensions(names))
    case .startRuntime: process?.sandboxed?.order(.runtime)
    case .kill:
      guarded.withLock { guarded in
        if guarded.process == nil { guarded.mustKill = true } else { guarded.isKilled = true }
        return guarded.process
      }?.kill()
    case .limit:
      tellBooted()
      telemetry.close()
      do { try process?.limitCPU() } catch {
        log.withLock { $0.platform("The CPU share could not be set: \(error)\n", at: ambient.now) }
      }
    case .deliver(let invocation, let deadline): answerRuntime(.invocation(invocation, deadline: wallTime(deadline)))
    case .restore: answerRuntime(.restored)
    case .invokeExtensions(let ids, let invocation, let deadline):
      answerExtensions(ids, ExtensionEvent.invoke(invocation, deadline: wallTime(deadline)))
    case .shutDownExtensions(let ids, let reason, let deadline):
      telemetry.flush()
      watchNudge.nudge()
      answerExtensions(ids, ExtensionEvent.shutdown(reason, deadline: wallTime(deadline)))
    case .terminateRuntime:
      telemetry.flush()
      watchNudge.nudge()
      thaw()
      process?.terminateRuntime()
    case .killRuntime: process?.killRuntime()
    case .beginLog: log.withLock { $0.begin() }
    case .tell(let event): tell(event)
    case .answer(let invocation, let outcome, let duration): answer(invocation, outcome, duration)
    case .finish(let invocation, let outcome, let usage): finish(invocation, outcome, usage)
    case .free: report(id, .free)
    case .gone: end(.gone(failure: guarded.withLock { $0.failure }))
    case .initFailed(let type): end(.initFailed(type: type))
    case .rejectRequest, .refuse: break
    }
  }

  private var process: (any EnvironmentProcess)? { guarded.withLock { $0.process } }

  /// Function code lives in real time, so that is what its deadline is told in.
  private func wallTime(_ deadline: Duration) -> Instant {
    ambient.clock.wallNow() + (deadline - guarded.withLock { $0.held.now(ambient.clock.monotonic()) })
  }

  private func thaw() {
    guarded.withLock { guarded in
      if guarded.isFrozen { guarded.process?.setFrozen(false) }
      guarded.isFrozen = false
      // What was about to be frozen has something to do now.
      guarded.rests += 1
    }
  }

  private func answerRuntime(_ answer: NextAnswer) {
    thaw()
    guarded.withLock { guarded in
      if guarded.waiter == nil { guarded.mailbox = answer }
      return guarded.waiter.take()
    }?.resume(returning: answer)
  }

  private func answerExtensions(_ ids: [String], _ event: [UInt8]) {
    thaw()
    for id in ids {
      guarded.withLock { guarded in
        let waiter = guarded.extensionWaiters.removeValue(forKey: id)?.continuation
        if waiter == nil { guarded.extensionMail[id] = event }
        return waiter
      }?.resume(returning: .event(event))
    }
  }

  private func end(_ last: Report) {
    let (waiter, extensionWaiters) = guarded.withLock { guarded in
      defer { guarded.extensionWaiters = [:] }
      return (guarded.waiter.take(), guarded.extensionWaiters.values)
    }
    waiter?.resume(returning: .nothing)
    for waiter in extensionWaiters { waiter.continuation.resume(returning: .nothing) }
    orderSink.yield(.end)
    report(id, last)
  }

  /// The caller gets the answer while extensions still work. Who wants the log has to wait for its last line.
  private func answer(_ invocation: Invocation, _ outcome: InvocationOutcome, _ duration: Duration) {
    guard !invocation.wantsLogTail else { return }
    let completion = guarded.withLock { $0.completions.removeValue(forKey: invocation.attemptID) }
    completion?(InvocationResult(outcome: outcome, executedVersion: function.version, logTail: [], duration: duration))
  }

  private func finish(_ invocation: Invocation, _ outcome: InvocationOutcome, _ usage: EnvironmentMachine.Usage) {
    let (completion, process, last) = guarded.withLock { guarded in
      if case .invocation(let waiting, _)? = guarded.mailbox, waiting.attemptID == invocation.attemptID { guarded.mailbox = nil }
      return (guarded.completions.removeValue(forKey: invocation.attemptID), guarded.process, guarded.peakMemoryBytes)
    }
    let used = (process?.peakMemoryBytes() ?? last) >> 20
    let maximum = max(1, min(used, function.memoryMegabytes))
    if let process { drain(process) }
    log.withLock { $0.settle(at: ambient.now, publish) }
    tell(.end(requestID: invocation.requestID))
    tell(.report(invocation, usage, maximumMemory: maximum))
    if let duration = usage.extensionOverhead { report(id, .extensionsWorked(invocation, function, duration)) }
    let tail = invocation.wantsLogTail ? log.withLock { $0.tailBytes } : []
    flush()
    completion?(
      InvocationResult(outcome: outcome, executedVersion: function.version, logTail: tail, duration: usage.duration))
  }
}
