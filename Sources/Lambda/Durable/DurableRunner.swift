import Base
import Fabric
import Logging
import Store

/// Runs what durable executions need: invocations of their functions, chained invocations, and the news of their end.
/// Everything that it works on is noted in the store, so that what a server leaves behind is begun again by the next one.
final class DurableRunner: Sendable {
  /// Executions looked at in one transaction. How many invocations are under way is bounded by the concurrency of each account, and
  /// not here: one that waits for another execution must not take that one's place.
  private static let step = 20

  private let executions: DurableExecutions
  private let control: ControlPlane
  private let invoker: Invoker
  private let reports: DurableReports
  private let logger: Logger

  init(
    executions: DurableExecutions, control: ControlPlane, invoker: Invoker, reports: DurableReports, logger: Logger
  ) {
    (self.executions, self.control, self.invoker) = (executions, control, invoker)
    (self.reports, self.logger) = (reports, logger)
  }

  private var ambient: Ambient { executions.ambient }

  /// Works until cancelled; what is under way then is finished first.
  func run() async {
    while !Task.isCancelled {
      do { try await executions.recover(); break } catch { await pause(error) }
    }
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        do {
          let next = try await dispatch(&group)
          if let next { await executions.nudge.wait(until: next, clock: ambient.clock) } else { await executions.nudge.wait() }
        } catch {
          await pause(error)
        }
      }
    }
  }

  private func pause(_ error: any Error) async {
    logger.error("durable executions cannot be read", metadata: ["error": "\(error)"])
    try? await ambient.clock.sleepReal(for: .seconds(1))
  }

  /// Starts what is due; returns when the next time comes, at once when there is more to do now.
  private func dispatch(_ group: inout DiscardingTaskGroup) async throws -> Instant? {
    while !Task.isCancelled {
      let (work, next) = try await executions.take(limit: Self.step)
      for work in work {
        for effect in work.effects {
          group.addTask {
            await self.perform(effect, for: work.execution)
            self.executions.nudge.nudge()
          }
        }
      }
      guard let next, next <= ambient.now else { return next }
    }
    return nil
  }

  private func perform(_ effect: DurableEffect, for execution: DurableExecution) async {
    let id = execution.id
    switch effect {
    case .invoke(let invocation):
      let end = await end(of: invocation, execution)
      await keep(id) { try await $0.finish(invocation, of: id, with: end) }
    case .chain(let operation):
      let end = await end(ofChain: operation, execution)
      await keep(id) { try await $0.finish(chain: operation, of: id, with: end) }
    case .report:
      await reports.tell(id)
      await keep(id) { try await $0.step(id) { machine, _ in machine.reported() } }
    case .forget: break
    }
  }

  /// What came of a step is stored as soon as the store can. When the server ends before, the step stays noted as taken, and
  /// the next life of the server begins it again.
  private func keep(_ id: DurableExecutionID, _ body: (DurableExecutions) async throws -> Void) async {
    while true {
      do { return try await body(executions) } catch {
        logger.error(
          "a step of a durable execution could not be stored", metadata: ["execution": "\(id.arn)", "error": "\(error)"])
        if Task.isCancelled || error as? StoreError == .closed { return }
        try? await ambient.clock.sleepReal(for: .seconds(1))
      }
    }
  }
}

// Invocations

extension DurableRunner {
  private func end(of invocation: DurableInvocation, _ execution: DurableExecution) async -> DurableInvocationEnd {
    let id = execution.id
    let name = FunctionName(id: id.function, qualifier: id.version)
    do {
      let resolved = try await control.resolve(name)
      // Without an event the execution has ended meanwhile.
      guard let event = try await executions.event(for: invocation, of: id) else { return .refused }
      let (requestID, result) = try await invoker.run(resolved, payload: event, invokedARN: name.arn, trace: execution.trace, by: id.arn)
      switch result.outcome {
      case .success(let body): return .answered(body, requestID: requestID)
      case .functionError(let error): return .failed(DurableError(functionError: error.body), requestID: requestID)
      case .systemError(let reason):
        logger.notice("a durable function could not be run", metadata: ["execution": "\(id.arn)", "reason": "\(reason)"])
        return .refused
      }
    } catch let error as AWSError where error.code == "ResourceNotFoundException" || error.code == "RecursiveInvocationException" {
      return .gone(DurableError(error.message, type: error.code))
    } catch {
      return .refused
    }
  }

  private func end(ofChain operation: String, _ execution: DurableExecution) async -> DurableChainEnd {
    let id = execution.id
    do {
      let found = try await executions.store.read { try DurableRows($0).operation(id, operation) }
      guard case .chainedInvoke(let chain) = found?.details else { return .failed(nil) }
      let name = try FunctionName(chain.function, account: id.function.account, region: id.function.region)
      let resolved = try await control.resolve(name)
      let (_, result) = try await invoker.run(
        resolved, payload: Array((chain.input ?? "{}").utf8), invokedARN: name.arn, trace: execution.trace.visiting(id.function),
        by: id.arn)
      switch result.outcome {
      case .success(let body): return Self.chainEnd(body)
      case .functionError(let error): return .failed(DurableError(functionError: error.body))
      case .systemError: return .refused(after: nil)
      }
    } catch let error as AWSError {
      if error.status == 429 || error.fault == .server { return .refused(after: nil) }
      return .failed(DurableError(error.message, type: error.code))
    } catch {
      return .refused(after: nil)
    }
  }

  private static func chainEnd(_ body: [UInt8]) -> DurableChainEnd {
    guard body.count <= DurableLimits.asynchronousPayload else {
      return .failed(DurableError(DurableMachine.tooLarge("CHAINED_INVOKE output", DurableLimits.asynchronousPayload)))
    }
    guard let text = String(validating: body, as: UTF8.self) else {
      return .failed(DurableError("CHAINED_INVOKE response could not be decoded as UTF-8."))
    }
    return .succeeded(text.isEmpty ? nil : text)
  }
}
