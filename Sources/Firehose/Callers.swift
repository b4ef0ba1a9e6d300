import Base
import Fabric

/// Firehose acts as the roles that its delivery streams name.
struct Callers: Sendable {
  private let roles: any RolePort
  private let ambient: Ambient

  init(_ roles: any RolePort, _ ambient: Ambient) { (self.roles, self.ambient) = (roles, ambient) }

  /// Throws `AWSError` when the role cannot be assumed.
  func caller(_ role: ARN, of stream: DeliveryStreamID) async throws -> Caller {
    let session = try await roles.session(
      role: role, sessionName: stream.name,
      by: ServicePrincipal("firehose.amazonaws.com", sourceARN: stream.arn.text, sourceAccount: stream.account))
    return Caller(principal: .role(session), account: session.account, region: stream.region, trace: TraceContext(ambient))
  }
}
