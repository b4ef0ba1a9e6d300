import Base
import Fabric
import Testing

@testable import IAM

struct FederationTests {
  private let cloud = Cloud()

  private func federate(as principal: Principal, _ policies: String? = nil, accessKeyID: String? = nil) async throws
    -> GetFederationTokenOutput
  {
    var input = GetFederationTokenInput()
    (input.name, input.policy) = ("guest", policies)
    return try await cloud.call("GetFederationToken", input, as: principal, accessKeyID: accessKeyID)
  }
  private func identity(_ output: GetFederationTokenOutput) async throws -> KeyIdentity {
    let credentials = try #require(output.credentials)
    return try await cloud.service.identity(
      accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
  }
  private func maker() async throws -> Principal {
    let bob = try await cloud.user("bob")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName) = ("bob", "p")
    put.policyDocument = policy([allow("sts:*"), allow("sqs:*")].joined(separator: ","))
    try await cloud.perform("PutUserPolicy", put)
    return bob
  }

  @Test func `a federated user may do what both its maker and its policy allow`() async throws {
    let output = try await federate(as: try await maker(), policy([allow("sqs:SendMessage"), allow("sns:*")].joined(separator: ",")))
    #expect(output.federatedUser?.arn == "arn:aws:sts::111111111111:federated-user/guest")
    #expect(output.federatedUser?.federatedUserId == "111111111111:guest")
    #expect(output.credentials?.expiration == cloud.clock.now() + .hours(12))
    let guest = try await identity(output).principal
    #expect(guest.arn == "arn:aws:sts::111111111111:federated-user/guest")
    #expect(try await cloud.denial("sqs:SendMessage", as: guest) == nil)
    #expect(try await cloud.denial("sqs:ReceiveMessage", as: guest) != nil)
    #expect(try await cloud.denial("sns:Publish", as: guest) != nil)
  }

  @Test func `without a policy only what resources grant is left`() async throws {
    let guest = try await identity(try await federate(as: try await maker())).principal
    #expect(try await cloud.denial("sqs:SendMessage", as: guest) != nil)
    let open = policy(
      #"{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111111111111:federated-user/guest"},"Action":"sqs:*","Resource":"*"}"#)
    #expect(try await cloud.denial("sqs:SendMessage", as: guest, resourcePolicy: open) == nil)
  }

  @Test func `the root's guests have the root's power within their policy for an hour`() async throws {
    let output = try await federate(as: .root(alpha), policy(allow("sqs:*")))
    #expect(output.credentials?.expiration == cloud.clock.now() + .hours(1))
    let guest = try await identity(output).principal
    #expect(try await cloud.denial("sqs:SendMessage", as: guest) == nil)
    #expect(try await cloud.denial("sns:Publish", as: guest) != nil)
  }

  @Test func `temporary credentials make no federated users and do not call IAM`() async throws {
    let bob = try await maker()
    let nested = try await refusal { _ = try await federate(as: bob, accessKeyID: "ASIAXXXXXXXXXXXXXXXX") }
    #expect(nested.code == "AccessDeniedException")
    let guest = try await identity(try await federate(as: bob, policy(allow("*")))).principal
    let error = try await refusal { let _: ListUsersOutput = try await cloud.call("ListUsers", ListUsersInput(), as: guest) }
    #expect(error.code == "InvalidClientTokenId")
    var assume = AssumeRoleInput()
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    (assume.roleArn, assume.roleSessionName) = (role.arn, "s")
    await #expect(throws: AWSError.self) { let _: AssumeRoleOutput = try await cloud.call("AssumeRole", assume, as: guest) }
  }
}
