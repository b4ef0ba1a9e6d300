import Base

/// Words the platform's lines as the function's logging configuration asks for: as text, or as JSON events from a level on.
struct SystemLog: Sendable {
  private enum Level: Int { case debug, info, warn }

  let record: PlatformRecord
  private let isJSON: Bool
  private let level: Level

  init(_ record: PlatformRecord) {
    self.record = record
    isJSON = record.function.logFormat == .json
    level =
      switch record.function.systemLogLevel {
      case "DEBUG": .debug
      case "WARN": .warn
      default: .info
      }
  }

  /// Nil when it is not written.
  func line(for event: PlatformEvent, at now: Instant) -> String? {
    guard isJSON else { return PlatformLog.line(for: event, of: record) }
    guard let needed = Self.level(of: event, record.initialization), needed.rawValue >= level.rawValue else { return nil }
    let object = JSON.object(
      JSONObject([
        ("time", .string(now.iso8601Milliseconds)), ("type", .string(event.type)), ("record", record.record(of: event, at: now)),
      ]))
    return object.bytes.utf8Text + "\n"
  }

  /// AWS: "System log level event mapping"; nil for what is not in the JSON log.
  private static func level(of event: PlatformEvent, _ type: Initialization) -> Level? {
    switch event {
    case .initStart, .restoreStart, .start, .subscribed: .info
    case .initRuntimeDone(_, let ending), .restoreRuntimeDone(let ending): ending.isSuccess ? .debug : .warn
    case .initReport(_, _, let ending): !ending.isSuccess ? .warn : type == .onDemand ? .debug : .info
    case .restoreReport(_, let ending): ending.isSuccess ? .info : .warn
    case .runtimeDone(_, let usage): usage.status == nil ? .debug : .warn
    case .report(_, let usage, _): usage.status == nil ? .info : .warn
    case .extensionState(let member): member.errorType == nil ? .info : .warn
    case .dropped: .warn
    case .end, .fault: nil
    }
  }
}
