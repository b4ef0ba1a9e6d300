import Base
import Fabric

extension IAMService {
  public func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws
    -> SessionCredentials
  {
    let session = try await session(role: role, sessionName: sessionName, by: service)
    return try await credentials(session, for: duration)
  }

  public func session(role arn: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    guard let role = try await findRole(arn) else {
      throw AWSError("NoSuchEntity", "The role with name \(Self.roleName(arn)) cannot be found.", status: 404)
    }
    let (access, call) = Self.assumption(role, by: service, at: ambient.now)
    let decision = try await decide(access, call)
    guard decision == .allowed else {
      do { try await refuse(access, call, decision) } catch let error as AWSError {
        throw AWSError("AccessDenied", error.message, status: 403)
      }
    }
    return RoleSession(
      account: role.account, roleName: role.name, rolePath: role.path, roleID: role.id, sessionName: sessionName)
  }

  public func trusts(role arn: ARN, service: String) async throws -> RoleTrust {
    guard let role = try await findRole(arn) else { return .noSuchRole }
    let (access, call) = Self.assumption(role, by: ServicePrincipal(service, sourceAccount: role.account), at: ambient.now)
    return try await decide(access, call) == .allowed ? .trusted : .notTrusted
  }

  /// Nil unless the ARN is that of a role as it is: its path belongs to it.
  func findRole(_ arn: ARN) async throws -> Entity? {
    guard arn.service == "iam", arn.resource.hasPrefix("role/"), let account = AccountID(arn.account) else { return nil }
    let role = try await read(account) { try $0.find(.role, Self.roleName(arn)) }
    return role?.arn == arn.description ? role : nil
  }

  private static func roleName(_ arn: ARN) -> String { arn.resource.split(separator: "/").last.map(String.init) ?? "" }

  private static func assumption(_ role: Entity, by service: ServicePrincipal, at now: Instant) -> (Access, Call) {
    let access = Access("sts:AssumeRole", on: role.arn, owner: role.account, resourcePolicy: role.trust?.document)
    let call = Call(
      service: "sts", operation: "AssumeRole", principal: .service(service), account: role.account, region: .usEast1,
      requestID: "", trace: TraceContext(root: ""), now: now)
    return (access, call)
  }

  /// New keys and a token for a role session.
  func credentials(_ session: RoleSession, for duration: Duration, conditionValues: [String: [String]] = [:]) async throws
    -> SessionCredentials
  {
    let (keyID, secret, token, expires) = try await credentials(.role(session), session.account, duration, conditionValues)
    return SessionCredentials(
      accessKeyID: keyID, secretAccessKey: secret, sessionToken: token, expiration: expires, session: session)
  }

  func credentials(
    _ principal: Principal, _ account: AccountID, _ duration: Duration, _ conditionValues: [String: [String]] = [:]
  ) async throws -> (keyID: String, secret: String, token: String, expires: Instant) {
    let keyID = KeyForm.make(KeyForm.sessionPrefix, account, ambient.random)
    let now = Instant(seconds: ambient.now.seconds)
    let grant = SessionGrant(
      principal: principal, accessKeyID: keyID, issued: now, expires: now + duration, conditionValues: conditionValues,
      epoch: try await epoch(account))
    let (token, secret) = try await sessionSealer().seal(grant, ambient.random)
    return (keyID, secret, token, grant.expires)
  }
}
