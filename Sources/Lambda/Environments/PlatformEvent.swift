import Base
import Fabric

/// What the platform has to tell of an environment. It goes into the log (`SystemLog`) and to extensions that have subscribed
/// (`TelemetryEvent`) (AWS: "Lambda Telemetry API Event schema reference").
enum PlatformEvent: Sendable {
  /// Whether an init runs by itself, or once more as part of an invocation (the suppressed init).
  enum Phase: String, Sendable { case `init`, invoke }

  /// How a phase has ended.
  struct Ending: Sendable, Equatable {
    /// `success`, `error`, `failure` or `timeout`.
    var status: String
    var errorType: String?
    static let success = Ending(status: "success")
    var isSuccess: Bool { status == "success" }
  }

  case initStart(Phase)
  case initRuntimeDone(Phase, Ending)
  case initReport(Phase, Duration, Ending)
  case restoreStart
  case restoreRuntimeDone(Ending)
  case restoreReport(Duration, Ending)
  case start(Invocation)
  case runtimeDone(Invocation, EnvironmentMachine.Usage)
  case end(requestID: String)
  case report(Invocation, EnvironmentMachine.Usage, maximumMemory: Int)
  /// - Parameter requestID: empty outside of invocations.
  case fault(requestID: String, message: String, errorType: String)
  case extensionState(ExtensionSet.Member)
  case subscribed(TelemetryAPI, name: String, types: [TelemetryKind])
  case dropped(records: Int, bytes: Int)
}

/// What a subscription may ask for, and what each record is one of.
enum TelemetryKind: String, Sendable, CaseIterable { case platform, function, `extension` }

/// The two ways to subscribe; an environment uses one of them.
enum TelemetryAPI: Sendable { case telemetry, logs }

extension PlatformEvent {
  /// The name in the JSON log and in telemetry.
  var type: String {
    switch self {
    case .initStart: "platform.initStart"
    case .initRuntimeDone: "platform.initRuntimeDone"
    case .initReport: "platform.initReport"
    case .restoreStart: "platform.restoreStart"
    case .restoreRuntimeDone: "platform.restoreRuntimeDone"
    case .restoreReport: "platform.restoreReport"
    case .start: "platform.start"
    case .runtimeDone: "platform.runtimeDone"
    case .end: "platform.end"
    case .report: "platform.report"
    case .fault: "platform.fault"
    case .extensionState: "platform.extension"
    case .subscribed(.telemetry, _, _): "platform.telemetrySubscription"
    case .subscribed(.logs, _, _): "platform.logsSubscription"
    case .dropped: "platform.logsDropped"
    }
  }
}

extension EnvironmentMachine.Usage {
  var ending: PlatformEvent.Ending { .init(status: status ?? "success", errorType: status == "error" ? errorType : nil) }
}
