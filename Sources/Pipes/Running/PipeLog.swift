import Base
import Fabric

/// The log of a pipe in CloudWatch Logs, as its log configuration wants it (EventBridge User Guide, "Logging pipes").
struct PipeLog: Sendable {
  let port: any LogPort
  let ambient: Ambient

  private static let levels = ["OFF": 0, "ERROR": 1, "INFO": 2, "TRACE": 3]

  /// A batch has come to its end. What cannot be written is lost: the events are not.
  func note(_ pipe: Pipe, events: [PipeEvent], failed: Int, _ problem: AWSError?) async {
    let wanted = Self.levels[pipe.logConfiguration?["Level"]?.string ?? "OFF"] ?? 0
    guard wanted >= (failed > 0 ? 1 : 2), let group = Self.group(pipe) else { return }
    let type = failed == 0 ? "ExecutionSucceeded" : failed < events.count ? "ExecutionPartiallyFailed" : "ExecutionFailed"
    var line: [(String, JSON)] = [
      ("resourceArn", .string(pipe.name.arn)), ("timestamp", .int(ambient.now.milliseconds)), ("executionId", .string(ambient.uuid())),
      ("messageType", .string(type)), ("logLevel", failed > 0 ? "ERROR" : "INFO"), ("events", JSON(events.count)), ("failed", JSON(failed)),
    ]
    if let problem {
      let error: JSON = [
        "httpStatusCode": JSON(problem.status ?? 0), "code": .string(problem.code), "message": .string(problem.message),
      ]
      line.append(("error", error))
    }
    if pipe.logConfiguration?["IncludeExecutionData"]?.array?.contains("ALL") == true {
      line.append(("payload", .string(JSON.array(events.map(\.json)).text)))
    }
    // The logs are delivered by AWS, not by the pipe's role.
    let caller = Caller(
      principal: .root(pipe.name.account), account: pipe.name.account, region: pipe.name.region, trace: TraceContext(ambient))
    let message = LogLine(time: ambient.now, message: JSON.object(JSONObject(line)).text)
    try? await port.write([message], group: group, stream: pipe.name.name, as: caller)
  }

  private static func group(_ pipe: Pipe) -> String? {
    guard let arn = pipe.logConfiguration?["CloudwatchLogsLogDestination"]?["LogGroupArn"]?.string.flatMap({ ARN($0) }) else { return nil }
    return arn.resource.split(separator: ":").dropFirst().first.map(String.init)
  }
}
