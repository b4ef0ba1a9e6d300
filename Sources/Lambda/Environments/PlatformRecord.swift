import Base
import Fabric

/// Makes the `record` objects of platform events, for the JSON log and for telemetry.
struct PlatformRecord: Sendable {
  let function: FunctionVersion
  let initialization: Initialization
  /// Names the environment, as on AWS.
  let logStream: String

  /// Nil for what has no record of its own but a text.
  func record(of event: PlatformEvent, at now: Instant) -> JSON {
    switch event {
    case .initStart(let phase):
      return object([("initializationType", type), ("phase", .string(phase.rawValue))] + instance)
    case .initRuntimeDone(let phase, let ending):
      return object([("initializationType", type), ("phase", .string(phase.rawValue))] + fields(ending))
    case .initReport(let phase, let duration, let ending):
      return object(
        [("initializationType", type), ("phase", .string(phase.rawValue))] + fields(ending) + [("metrics", durationOnly(duration))])
    case .restoreStart: return object(instance)
    case .restoreRuntimeDone(let ending): return object(fields(ending))
    case .restoreReport(let duration, let ending): return object(fields(ending) + [("metrics", durationOnly(duration))])
    case .start(let invocation):
      return object([("requestId", .string(invocation.requestID)), ("version", .string(function.version))] + tracing(invocation))
    case .runtimeDone(let invocation, let usage): return runtimeDone(invocation, usage, now)
    case .end(let requestID): return object([("requestId", .string(requestID))])
    case .report(let invocation, let usage, let memory): return report(invocation, usage, memory, now)
    case .fault(let requestID, let message, let errorType):
      return .string(PlatformLog.fault(requestID, message, errorType))
    case .extensionState(let member):
      return object(
        [
          ("name", .string(member.name)), ("state", .string(member.stage.name)),
          ("events", .array(member.events.map { .string($0.rawValue) })),
        ] + (member.errorType.map { [("errorType", .string($0))] } ?? []))
    case .subscribed(_, let name, let types):
      return object([
        ("name", .string(name)), ("state", "Subscribed"), ("types", .array(types.map { .string($0.rawValue) })),
      ])
    case .dropped(let records, let bytes):
      return object([
        ("reason", "Some logs were dropped because the downstream consumer is slower than the logs production rate"),
        ("droppedRecords", .int(Int64(records))), ("droppedBytes", .int(Int64(bytes))),
      ])
    }
  }

  private func runtimeDone(_ invocation: Invocation, _ usage: EnvironmentMachine.Usage, _ now: Instant) -> JSON {
    var spans: [JSON] = []
    if let latency = usage.responseLatency {
      let overhead = usage.runtimeOverhead ?? .zero
      let responded = now - overhead
      spans = [
        span("responseLatency", responded - latency, latency), span("responseDuration", responded, .zero),
        span("runtimeOverhead", responded, overhead),
      ]
    }
    var metrics: [(String, JSON)] = [("durationMs", milliseconds(usage.runtimeDuration ?? usage.duration))]
    if let bytes = usage.producedBytes { metrics.append(("producedBytes", .int(Int64(bytes)))) }
    return object(
      [("requestId", .string(invocation.requestID))] + fields(usage.ending) + tracing(invocation)
        + (spans.isEmpty ? [] : [("spans", .array(spans))]) + [("metrics", object(metrics))])
  }

  private func report(_ invocation: Invocation, _ usage: EnvironmentMachine.Usage, _ memory: Int, _ now: Instant) -> JSON {
    var metrics: [(String, JSON)] = [
      ("durationMs", milliseconds(usage.duration)), ("billedDurationMs", .int(usage.billedMilliseconds)),
      ("memorySizeMB", .int(Int64(function.memoryMegabytes))), ("maxMemoryUsedMB", .int(Int64(memory))),
    ]
    if let duration = usage.initDuration { metrics.append(("initDurationMs", milliseconds(duration))) }
    if let duration = usage.restoreDuration {
      metrics += [("restoreDurationMs", milliseconds(duration)), ("billedRestoreDurationMs", .int(PlatformLog.wholeMilliseconds(duration)))]
    }
    let spans = usage.extensionOverhead.map { [("spans", JSON.array([span("extensionOverhead", now - $0, $0)]))] } ?? []
    return object(
      [("requestId", .string(invocation.requestID)), ("metrics", object(metrics))] + tracing(invocation) + spans
        + fields(usage.ending))
  }

  private var type: JSON { .string(initialization.rawValue) }

  private var instance: [(String, JSON)] {
    [
      ("runtimeVersion", .string(function.runtime)),
      ("runtimeVersionArn", .string(PlatformLog.runtimeARN(function.runtime, function.id.region))),
      ("functionName", .string(function.id.name)), ("functionVersion", .string(function.version)),
      ("instanceId", .string(logStream)), ("instanceMaxMemory", .int(Int64(function.memoryMegabytes) << 20)),
    ]
  }

  /// Only of what X-Ray records.
  private func tracing(_ invocation: Invocation) -> [(String, JSON)] {
    guard function.traces(invocation) else { return [] }
    return [
      (
        "tracing",
        object([
          ("spanId", .string(invocation.segmentID)), ("type", "X-Amzn-Trace-Id"), ("value", .string(invocation.trace.header)),
        ])
      )
    ]
  }

  private func fields(_ ending: PlatformEvent.Ending) -> [(String, JSON)] {
    [("status", .string(ending.status))] + (ending.errorType.map { [("errorType", .string($0))] } ?? [])
  }

  private func span(_ name: String, _ start: Instant, _ duration: Duration) -> JSON {
    object([("name", .string(name)), ("start", .string(start.iso8601Milliseconds)), ("durationMs", milliseconds(duration))])
  }
  private func durationOnly(_ duration: Duration) -> JSON { object([("durationMs", milliseconds(duration))]) }
  private func milliseconds(_ duration: Duration) -> JSON { .number(PlatformLog.milliseconds(duration)) }
  private func object(_ members: [(String, JSON)]) -> JSON { .object(JSONObject(members)) }
}

extension FunctionVersion {
  /// Whether X-Ray records the invocation.
  func traces(_ invocation: Invocation) -> Bool { tracing == .active || invocation.trace.sampled == "1" }
}

extension Invocation {
  /// Of the trace: 16 hexadecimal digits, the same for all that is told of this attempt.
  var segmentID: String { String(attemptID.filter { $0 != "-" }.prefix(16)) }
}

extension EnvironmentMachine.Usage {
  /// Since 2025-08-01 the init phase of managed runtimes is billed too (AWS Compute blog, April 2025); a restore always was.
  var billedMilliseconds: Int64 { PlatformLog.wholeMilliseconds(duration + (initDuration ?? .zero) + (restoreDuration ?? .zero)) }
}
