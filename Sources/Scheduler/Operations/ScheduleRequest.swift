import Base
import Fabric
import Schedules
import Wire

/// What CreateSchedule and UpdateSchedule have in common.
struct ScheduleRequest: Sendable {
  var expression: String
  var zone: String?
  var window: FlexibleTimeWindow
  var start: Instant?
  var end: Instant?
  var state: String?
  var action: String?
  var description: String?
  var kmsKey: String?
  var token: String?
  var target: SchedulerTarget

  init(_ input: CreateScheduleInput) {
    (expression, zone, window) = (input.scheduleExpression, input.scheduleExpressionTimezone, input.flexibleTimeWindow)
    (start, end, state, action) = (input.startDate, input.endDate, input.state, input.actionAfterCompletion)
    (description, kmsKey, token, target) = (input.description, input.kmsKeyArn, input.clientToken, input.target)
  }
  init(_ input: UpdateScheduleInput) {
    (expression, zone, window) = (input.scheduleExpression, input.scheduleExpressionTimezone, input.flexibleTimeWindow)
    (start, end, state, action) = (input.startDate, input.endDate, input.state, input.actionAfterCompletion)
    (description, kmsKey, token, target) = (input.description, input.kmsKeyArn, input.clientToken, input.target)
  }

  /// Throws ValidationException.
  func timing(now: Instant) throws -> Timing {
    let parsed: ScheduleExpression
    do { parsed = try ScheduleExpression(expression, dialect: .scheduler) } catch { throw SchedulerError.validation(error.message) }
    let zone = zone ?? "UTC"
    guard Zone(zone) != nil else { throw SchedulerError.validation("Invalid Schedule Expression Timezone \(zone).") }
    let minutes = window.maximumWindowInMinutes
    guard (window.mode == "FLEXIBLE") == (minutes != nil) else {
      throw SchedulerError.validation(
        minutes == nil
          ? "MaximumWindowInMinutes must be specified when FlexibleTimeWindow Mode is FLEXIBLE."
          : "MaximumWindowInMinutes must not be specified when FlexibleTimeWindow Mode is OFF.")
    }
    if !parsed.isOneTime { try checkDates(now: now) }
    return Timing(expression: expression, zone: zone, start: start, end: end, windowMinutes: minutes, anchor: start ?? now)
  }

  private func checkDates(now: Instant) throws {
    if let start, start < now - SchedulerLimits.startTolerance {
      throw SchedulerError.validation("The StartDate you specify cannot be earlier than 5 minutes ago.")
    }
    if let end, end < now { throw SchedulerError.validation("The EndDate you specify cannot be in the past.") }
    if let start, let end, end <= start { throw SchedulerError.validation("The EndDate you specify must come after the StartDate.") }
  }
}

extension SchedulerService {
  /// The schedule that a request wants. Throws ValidationException.
  func checked(_ request: ScheduleRequest, _ name: ScheduleName, _ call: Call) async throws -> Schedule {
    if request.kmsKey != nil { throw SchedulerError.unsupported("KmsKeyArn") }
    let timing = try request.timing(now: call.now)
    let target = try target(request.target, of: name)
    try await checkRole(target.role, of: name)
    return Schedule(
      name: name, createdAt: call.now, modifiedAt: call.now, timing: timing, isEnabled: request.state != "DISABLED",
      deletesItself: request.action == "DELETE", description: request.description, target: target, token: request.token)
  }

  /// A trust policy may ask for the schedule's group (`aws:SourceArn`), so the role is assumed as for an invocation.
  private func checkRole(_ text: String, of name: ScheduleName) async throws {
    guard let role = ARN(text) else { throw SchedulerError.badRole }
    let service = ServicePrincipal(Self.principal, sourceARN: name.groupARN, sourceAccount: name.account)
    do { _ = try await roles.session(role: role, sessionName: "check", by: service) } catch let error as AWSError {
      guard error.fault == .client else { throw error }
      throw SchedulerError.badRole
    }
  }

  private func target(_ shape: SchedulerTarget, of name: ScheduleName) throws -> ScheduleTarget {
    let kind = try TargetKind(shape.arn)
    if shape.ecsParameters != nil { throw SchedulerError.unsupported("EcsParameters") }
    if shape.sageMakerPipelineParameters != nil { throw SchedulerError.unsupported("SageMakerPipelineParameters") }
    var target = ScheduleTarget(arn: shape.arn, role: shape.roleArn, input: shape.input)
    if let queue = shape.deadLetterConfig?.arn { target.deadLetterQueue = queue }
    target.retryAttempts = shape.retryPolicy?.maximumRetryAttempts ?? target.retryAttempts
    target.eventAgeSeconds = shape.retryPolicy?.maximumEventAgeInSeconds ?? target.eventAgeSeconds
    (target.eventSource, target.eventDetailType) = (shape.eventBridgeParameters?.source, shape.eventBridgeParameters?.detailType)
    (target.partitionKey, target.messageGroup) = (shape.kinesisParameters?.partitionKey, shape.sqsParameters?.messageGroupId)
    try checkParameters(target, kind)
    try checkInput(target, kind, name)
    return target
  }

  private func checkParameters(_ target: ScheduleTarget, _ kind: TargetKind) throws {
    var (wantsEvent, wantsKey, wantsGroup) = (false, false, false)
    switch kind {
    case .bus: wantsEvent = true
    case .stream: wantsKey = true
    case .queue(let queue): wantsGroup = queue.resource.hasSuffix(".fifo")
    case .function, .topic, .deliveryStream, .stateMachine, .universal: break
    }
    let given = [
      ("EventBridgeParameters", target.eventSource != nil, wantsEvent), ("KinesisParameters", target.partitionKey != nil, wantsKey),
      ("SqsParameters", target.messageGroup != nil, wantsGroup),
    ]
    for (name, isGiven, isWanted) in given where isGiven != isWanted {
      throw SchedulerError.validation(
        isWanted ? "\(name) must be specified for the target \(target.arn)." : "\(name) is not supported for the target \(target.arn).")
    }
  }

  private func checkInput(_ target: ScheduleTarget, _ kind: TargetKind, _ name: ScheduleName) throws {
    guard (target.input?.utf8.count ?? 0) <= SchedulerLimits.inputBytes else {
      throw SchedulerError.validation("Input must not be longer than \(SchedulerLimits.inputBytes) bytes.")
    }
    let (service, operation) = kind.operation
    guard let model = door.model(service) else { throw SchedulerError.unsupported("The service \(service)") }
    guard let shape = model.operations[operation] else {
      throw SchedulerError.validation("\(operation) is not a supported api for the service \(service).")
    }
    guard kind.wantsJSON, target.input != nil || isUniversal(kind) else { return }
    // Keywords stand for what the invocation will know.
    let sample = InvocationContext(schedule: name, scheduledAt: .epoch, executionID: "0000000000000000", attempt: 1)
    do {
      let json = try JSON.parse(sample.replacing(in: target.input ?? "{}"))
      if isUniversal(kind), let input = shape.input { try model.validate(Record(input, json: json)) }
    } catch let error as AWSError {
      throw SchedulerError.validation("Invalid RequestJson provided. Reason \(error.message)")
    } catch {
      throw SchedulerError.validation(
        isUniversal(kind) ? "Invalid RequestJson provided. Reason \(error)" : "The Input of the target must be valid JSON: \(error)")
    }
  }

  private func isUniversal(_ kind: TargetKind) -> Bool { if case .universal = kind { true } else { false } }
}
