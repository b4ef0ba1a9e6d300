import Base
import Fabric

extension ControlPlane {
  /// What can be found wrong only by asking others: the host for the runtime, IAM for the role.
  /// - Parameters:
  ///   - version: the function as it would become.
  ///   - settings: what the caller changes; only that is checked.
  func check(_ version: FunctionVersion, _ settings: FunctionSettings, _ call: Call) async throws {
    if let runtime = settings.runtime, case .missing(let reason) = catalog.support(for: runtime) {
      throw LambdaError.missingRuntime(runtime, reason: reason)
    }
    if let role = settings.role {
      guard role.account == version.id.account.text else {
        throw AWSError("AccessDeniedException", "Cross-account pass role is not allowed.", status: 403)
      }
      switch try await roles.trusts(role: role, service: "lambda.amazonaws.com") {
      case .trusted: break
      case .noSuchRole, .notTrusted: throw LambdaError.roleCannotBeAssumed()
      }
    }
    if let target = version.deadLetterTarget, settings.role != nil || settings.deadLetterTarget != nil {
      try await checkRole(of: version, mayReport: target, call)
    }
    if version.vpc?.isAttached == true, settings.role != nil || settings.vpc != nil { try await checkRoleForVPC(of: version, call) }
  }

  /// Asks IAM whether the execution role may do something with a queue.
  /// - Throws: `InvalidParameterValueException` that names the first action which the role lacks.
  func checkRole(of version: FunctionVersion, mayCall actions: [String], on queue: ARN, _ call: Call) async throws {
    let caller = try await roleCaller(of: version, call)
    for action in actions {
      let access = Access("sqs:\(action)", on: queue.text, owner: AccountID(queue.account) ?? version.id.account)
      do {
        try await authoriser.authorise(access, as: caller, now: call.now)
      } catch let error as AWSError where error.isDenial {
        throw LambdaError.roleLacks(action, cause: error)
      }
    }
  }

  /// That failures can be kept in the bucket: it is there, and the role may write into it and list it.
  func check(bucket: ARN, _ folder: String, for version: FunctionVersion, _ call: Call) async throws {
    do {
      let record = ObjectName(bucket: bucket.resource, key: ReportTargets.key(below: folder, at: call.now, id: call.requestID))
      try await objects.checkPlace(record, as: try await roleCaller(of: version, call))
    } catch let error as AWSError where error.isDenial {
      throw LambdaError.roleCannotReach("s3:PutObject", bucket, cause: error)
    } catch let error as AWSError where error.fault == .client {
      throw LambdaError.badDestination(bucket.text)
    }
  }

  /// The same for where failures are reported: a queue or a topic.
  func checkRole(of version: FunctionVersion, mayReport target: ARN, _ call: Call) async throws {
    do {
      let access = ReportTargets.access(to: target, owner: version.id.account)
      try await authoriser.authorise(access, as: try await roleCaller(of: version, call), now: call.now)
    } catch let error as AWSError where error.isDenial {
      throw target.service == "sns" ? LambdaError.roleLacks("Publish", on: "SNS", cause: error) : LambdaError.roleLacks("SendMessage", cause: error)
    }
  }

  /// Lambda makes the network interfaces of a function in a VPC with the rights of its role (AWS: "Required IAM permissions").
  private func checkRoleForVPC(of version: FunctionVersion, _ call: Call) async throws {
    let caller = try await roleCaller(of: version, call)
    do {
      let access = Access("ec2:CreateNetworkInterface", on: "*", owner: version.id.account)
      try await authoriser.authorise(access, as: caller, now: call.now)
    } catch let error as AWSError where error.isDenial {
      throw LambdaError.roleLacksNetworkInterfaces(cause: error)
    }
  }

  /// The function's execution role as the caller of another service.
  func roleCaller(of version: FunctionVersion, _ call: Call) async throws -> Caller {
    do {
      let session = try await roles.session(
        role: version.role, sessionName: version.id.name,
        by: ServicePrincipal("lambda.amazonaws.com", sourceARN: version.id.arn.text, sourceAccount: version.id.account))
      return Caller(
        principal: .role(session), account: version.id.account, region: version.id.region, trace: call.trace,
        endpoint: call.endpoint)
    } catch let error as AWSError where error.fault == .client {
      var refusal = LambdaError.roleCannotBeAssumed()
      refusal.cause = error
      throw refusal
    }
  }
}

extension AWSError {
  /// IAM said no; services word the code differently.
  var isDenial: Bool { code == "AccessDeniedException" || code == "AccessDenied" }
}
