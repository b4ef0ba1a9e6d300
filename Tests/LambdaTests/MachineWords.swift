import Base
import Fabric

@testable import Lambda

func invocation(_ id: String) -> Invocation {
  Invocation(
    requestID: id, attemptID: id, payload: [], invokedARN: "arn", trace: TraceContext(root: "1-00000000-000000000000000000000000"))
}

/// The names of the actions, with the request and what became of it. What is only told to subscribers is left out.
func names(_ actions: [EnvironmentMachine.Action]) -> [String] {
  actions.compactMap { action in
    switch action {
    case .launch: "launch"
    case .startExtensions(let names): "start extensions \(names.joined(separator: " "))"
    case .startRuntime: "start runtime"
    case .kill: "kill"
    case .limit, .beginLog: nil
    case .deliver(let invocation, _): "deliver \(invocation.requestID)"
    case .invokeExtensions(let ids, let invocation, _): "invoke \(ids.joined(separator: " ")) \(invocation.requestID)"
    case .shutDownExtensions(let ids, let reason, _): "shut down \(ids.joined(separator: " ")) \(reason)"
    case .restore: "restore"
    case .terminateRuntime: "terminate runtime"
    case .killRuntime: "kill runtime"
    case .tell(let event): name(event)
    case .answer(let invocation, let outcome, _): "answer \(invocation.requestID) \(text(outcome))"
    case .finish(let invocation, let outcome, let usage): "finish \(invocation.requestID) \(text(outcome)) \(usage.status ?? "ok")"
    case .free: "free"
    case .gone: "gone"
    case .initFailed(let type): "init failed \(type)"
    case .rejectRequest: "reject"
    case .refuse(let refusal): "refuse \(refusal.type)"
    }
  }
}

private func name(_ event: PlatformEvent) -> String? {
  switch event {
  case .start(let invocation): "start \(invocation.requestID)"
  case .initReport(let phase, _, let ending): ending.isSuccess ? nil : "\(phase) report \(ending.status) \(ending.errorType ?? "-")"
  case .restoreReport(_, let ending): "restore report \(ending.status) \(ending.errorType ?? "-")"
  case .fault(let id, _, let type): id.isEmpty ? nil : "fault \(id) \(type)"
  case .extensionState(let member): "\(member.name) is \(member.stage.name)"
  case .initStart, .initRuntimeDone, .restoreStart, .restoreRuntimeDone, .runtimeDone, .end, .report, .subscribed, .dropped: nil
  }
}

private func text(_ outcome: InvocationOutcome) -> String {
  switch outcome {
  case .success(let body): body.utf8Text
  case .functionError(let error): (try? JSON.parse(error.body))?["errorType"]?.string ?? "?"
  case .systemError: "system"
  }
}

/// What an invocation has used, when it is over.
func usageOf(_ actions: [EnvironmentMachine.Action]) -> EnvironmentMachine.Usage? {
  for case .finish(_, _, let usage) in actions { return usage }
  return nil
}

extension FunctionVersion {
  /// A function of 128 MB that logs text.
  static let sample = FunctionVersion(
    id: FunctionID(account: .local, region: Region("us-east-1")!, name: "orders"),  // a well-formed literal
    version: "$LATEST", description: "", runtime: "python3.13", handler: "index.handler",
    role: ARN("iam", Region("us-east-1")!, .local, "role/r"), environment: [:], timeout: .seconds(3), memoryMegabytes: 128,
    ephemeralStorageMegabytes: 512, architecture: "x86_64", codeHash: "00", codeSize: 1, logFormat: .text, logGroup: "/aws/lambda/orders",
    tracing: .passThrough, state: .active, updateStatus: .successful, lastModified: Instant(milliseconds: 0), revisionID: "r")
}
