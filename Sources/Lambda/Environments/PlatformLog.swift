import Base

/// The lines that Lambda itself writes into a function's log.
enum PlatformLog {
  /// AWS names the runtime build by a hash; ours is the identifier, so that equal runtimes have equal ARNs.
  static func runtimeARN(_ runtime: String, _ region: Region) -> String { "arn:aws:lambda:\(region)::runtime:\(runtime)" }

  /// Nil for what is told to subscribers only.
  static func line(for event: PlatformEvent, of record: PlatformRecord) -> String? {
    let function = record.function
    let versions = "Runtime Version: \(function.runtime)\tRuntime Version ARN: \(runtimeARN(function.runtime, function.id.region))\n"
    switch event {
    // An image has no runtime with a version.
    case .initStart: return function.image == nil ? "INIT_START \(versions)" : nil
    case .initReport(let phase, let duration, let ending):
      // AWS: a successful init is reported by the invocation, except where it ran long before.
      guard !ending.isSuccess || (record.initialization != .onDemand && phase == .`init`) else { return nil }
      return "INIT_REPORT Init Duration: \(milliseconds(duration)) ms\tPhase: \(phase.rawValue)\(text(ending))\n"
    case .restoreStart: return "RESTORE_START \(versions)"
    case .restoreReport(let duration, let ending):
      return "RESTORE_REPORT Restore Duration: \(milliseconds(duration)) ms\(text(ending))\n"
    case .start(let invocation): return "START RequestId: \(invocation.requestID) Version: \(function.version)\n"
    case .end(let requestID): return "END RequestId: \(requestID)\n"
    case .report(let invocation, let usage, let memory): return report(invocation, usage, memory, function)
    case .fault(let requestID, let message, let errorType): return fault(requestID, message, errorType)
    case .extensionState(let member):
      let events = member.events.map(\.rawValue).joined(separator: ", ")
      return "EXTENSION\tName: \(member.name)\tState: \(member.stage.name)\tEvents: [\(events)]"
        + (member.errorType.map { "\tError Type: \($0)" } ?? "") + "\n"
    case .subscribed(let api, let name, let types):
      let kinds = types.map { $0.rawValue.prefix(1).uppercased() + $0.rawValue.dropFirst() }.joined(separator: ", ")
      return "\(api == .telemetry ? "TELEMETRY" : "LOGS")\tName: \(name)\tState: Subscribed\tTypes: [\(kinds)]\n"
    case .initRuntimeDone, .restoreRuntimeDone, .runtimeDone, .dropped: return nil
    }
  }

  private static func text(_ ending: PlatformEvent.Ending) -> String {
    ending.isSuccess ? "" : "\tStatus: \(ending.status)" + (ending.errorType.map { "\tError Type: \($0)" } ?? "")
  }

  static func fault(_ requestID: String, _ message: String, _ errorType: String) -> String {
    "RequestId: \(requestID) Error: \(message)\n\(errorType)\n"
  }

  private static func report(
    _ invocation: Invocation, _ usage: EnvironmentMachine.Usage, _ memory: Int, _ function: FunctionVersion
  ) -> String {
    var text =
      "REPORT RequestId: \(invocation.requestID)\tDuration: \(milliseconds(usage.duration)) ms"
      + "\tBilled Duration: \(usage.billedMilliseconds) ms\tMemory Size: \(function.memoryMegabytes) MB\tMax Memory Used: \(memory) MB\t"
    if let duration = usage.initDuration { text += "Init Duration: \(milliseconds(duration)) ms\t" }
    if let duration = usage.restoreDuration {
      text += "Restore Duration: \(milliseconds(duration)) ms\tBilled Restore Duration: \(wholeMilliseconds(duration)) ms\t"
    }
    if let status = usage.status { text += "Status: \(status)" }
    if let type = usage.errorType, usage.status == "error" { text += "\tError Type: \(type)" }
    if function.traces(invocation) {
      text += "\nXRAY TraceId: \(invocation.trace.root)\tSegmentId: \(invocation.segmentID)\tSampled: true\t"
    }
    return text + "\n"
  }

  /// Two decimals.
  static func milliseconds(_ duration: Duration) -> String {
    let hundredths = max(0, duration.inMicroseconds + 5) / 10
    return "\(hundredths / 100).\(padded(Int(hundredths % 100), 2))"
  }
  /// Rounded up, as it is billed.
  static func wholeMilliseconds(_ duration: Duration) -> Int64 { max(1, (duration.inMicroseconds + 999) / 1000) }
}
