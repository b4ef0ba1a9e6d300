import Base

/// Words the platform's lines as the function's logging configuration asks for: as text, or as JSON events from a level on.
///
/// A nil line is not written (AWS: "System log level event mapping").
struct SystemLog: Sendable {
  private enum Level: Int { case debug, info, warn }

  private let function: FunctionVersion
  private let isJSON: Bool
  private let level: Level
  private let initialization: Initialization

  init(_ function: FunctionVersion, _ initialization: Initialization = .onDemand) {
    (self.function, self.initialization) = (function, initialization)
    isJSON = function.logFormat == .json
    level =
      switch function.systemLogLevel {
      case "DEBUG": .debug
      case "WARN": .warn
      default: .info
      }
  }

  func initStart(at now: Instant) -> String? {
    guard isJSON else { return PlatformLog.initStart(runtime: function.runtime, region: function.id.region) }
    return event("platform.initStart", .info, now, [
      ("initializationType", .string(initialization.rawValue)), ("phase", "init"), ("runtimeVersion", .string(function.runtime)),
      ("functionName", .string(function.id.name)), ("functionVersion", .string(function.version)),
    ])
  }

  func initReport(_ duration: Duration, status: String, errorType: String?, at now: Instant) -> String? {
    guard isJSON else { return PlatformLog.initReport(duration, status: status, errorType: errorType) }
    var record: [(String, JSON)] = [
      ("initializationType", .string(initialization.rawValue)), ("phase", "init"), ("status", .string(status)),
      ("metrics", .object(JSONObject([("durationMs", milliseconds(duration))]))),
    ]
    if let errorType { record.append(("errorType", .string(errorType))) }
    return event("platform.initReport", .warn, now, record)
  }

  func start(_ requestID: String, at now: Instant) -> String? {
    guard isJSON else { return PlatformLog.start(requestID, version: function.version) }
    return event(
      "platform.start", .info, now, [("requestId", .string(requestID)), ("version", .string(function.version))])
  }

  func end(_ requestID: String, _ usage: EnvironmentMachine.Usage, at now: Instant) -> String? {
    guard isJSON else { return PlatformLog.end(requestID) }
    return event(
      "platform.runtimeDone", usage.status == nil ? .debug : .warn, now,
      [("requestId", .string(requestID)), ("status", .string(usage.status ?? "success"))] + errorType(usage))
  }

  func report(
    _ requestID: String, _ usage: EnvironmentMachine.Usage, maximumUsed: Int, trace: String?, at now: Instant
  ) -> String? {
    guard isJSON else {
      return PlatformLog.report(
        requestID, usage, memorySize: function.memoryMegabytes, maximumUsed: maximumUsed, trace: trace)
    }
    let billed = PlatformLog.wholeMilliseconds(usage.duration + (usage.initDuration ?? .zero))
    var metrics: [(String, JSON)] = [
      ("durationMs", milliseconds(usage.duration)), ("billedDurationMs", .number(String(billed))),
      ("memorySizeMB", .number(String(function.memoryMegabytes))), ("maxMemoryUsedMB", .number(String(maximumUsed))),
    ]
    if let initDuration = usage.initDuration { metrics.append(("initDurationMs", milliseconds(initDuration))) }
    return event(
      "platform.report", usage.status == nil ? .info : .warn, now,
      [("requestId", .string(requestID)), ("metrics", .object(JSONObject(metrics))), ("status", .string(usage.status ?? "success"))]
        + errorType(usage))
  }

  private func errorType(_ usage: EnvironmentMachine.Usage) -> [(String, JSON)] {
    usage.status == "error" ? usage.errorType.map { [("errorType", .string($0))] } ?? [] : []
  }

  private func milliseconds(_ duration: Duration) -> JSON { .number(PlatformLog.milliseconds(duration)) }

  private func event(_ type: String, _ needed: Level, _ now: Instant, _ record: [(String, JSON)]) -> String? {
    guard needed.rawValue >= level.rawValue else { return nil }
    let event = JSON.object(
      JSONObject([
        ("time", .string(now.iso8601Milliseconds)), ("type", .string(type)), ("record", .object(JSONObject(record))),
      ]))
    return event.bytes.utf8Text + "\n"
  }
}
