import Base

/// The lines that Lambda itself writes into a function's log.
enum PlatformLog {
  static func initStart(runtime: String, region: Region) -> String {
    // AWS names the runtime build by a hash; ours is the identifier, so that equal runtimes have equal ARNs.
    "INIT_START Runtime Version: \(runtime)\tRuntime Version ARN: arn:aws:lambda:\(region)::runtime:\(runtime)\n"
  }
  static func start(_ requestID: String, version: String) -> String { "START RequestId: \(requestID) Version: \(version)\n" }
  static func end(_ requestID: String) -> String { "END RequestId: \(requestID)\n" }

  static func report(
    _ requestID: String, _ usage: EnvironmentMachine.Usage, memorySize: Int, maximumUsed: Int, trace: String?
  ) -> String {
    // Since 2025-08-01 the init phase of managed runtimes is billed too (AWS Compute blog, April 2025).
    let billed = usage.duration + (usage.initDuration ?? .zero)
    var text =
      "REPORT RequestId: \(requestID)\tDuration: \(milliseconds(usage.duration)) ms\tBilled Duration: \(wholeMilliseconds(billed)) ms"
      + "\tMemory Size: \(memorySize) MB\tMax Memory Used: \(maximumUsed) MB\t"
    if let initDuration = usage.initDuration { text += "Init Duration: \(milliseconds(initDuration)) ms\t" }
    if let status = usage.status { text += "Status: \(status)" }
    if let type = usage.errorType, usage.status == "error" { text += "\tError Type: \(type)" }
    if let trace { text += "\nXRAY TraceId: \(trace)\tSampled: true\t" }
    return text + "\n"
  }

  static func initReport(_ duration: Duration, status: String, errorType: String?) -> String {
    "INIT_REPORT Init Duration: \(milliseconds(duration)) ms\tPhase: init\tStatus: \(status)"
      + (errorType.map { "\tError Type: \($0)" } ?? "") + "\n"
  }

  /// Two decimals.
  static func milliseconds(_ duration: Duration) -> String {
    let hundredths = max(0, duration.inMicroseconds + 5) / 10
    return "\(hundredths / 100).\(padded(Int(hundredths % 100), 2))"
  }
  /// Rounded up, as it is billed.
  static func wholeMilliseconds(_ duration: Duration) -> Int64 { max(1, (duration.inMicroseconds + 999) / 1000) }
}
