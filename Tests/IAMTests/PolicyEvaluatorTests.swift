import Base
import Fabric
import Testing

@testable import IAM

struct PolicyEvaluatorTests {
  private let yes = allow("sqs:*")
  private let roleARN = #"{"AWS":"arn:aws:iam::111111111111:role/team/worker"}"#
  private let sessionARN = #"{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/s1"}"#

  private func decide(
    _ principal: Principal, identity: [PolicyDocument] = [], boundary: PolicyDocument? = nil, session: [PolicyDocument] = [],
    resource: PolicyDocument? = nil, owner: AccountID = alpha
  ) -> Decision {
    PolicyEvaluator(
      policies: PolicySet(identity: identity, boundary: boundary), sessionPolicies: session, resourcePolicy: resource
    ).decide(.fixture(by: principal, owner: owner))
  }

  @Test func `root is allowed in its account unless the resource's policy denies`() throws {
    #expect(decide(.root(alpha)) == .allowed)
    #expect(decide(.root(alpha), resource: try onResource(#""*""#, effect: "Deny")) == .explicitDeny(.resource))
    #expect(decide(.root(beta)) == .implicitDeny(.resource))
    #expect(decide(.root(beta), resource: try onResource(#"{"AWS":"222222222222"}"#)) == .allowed)
  }

  @Test func `without an allow nothing is allowed and a deny wins over every allow`() throws {
    #expect(decide(.alice) == .implicitDeny(.identity))
    #expect(decide(.alice, identity: [try identity(yes)]) == .allowed)
    #expect(decide(.alice, identity: [try identity(yes), try identity(deny("sqs:Send*"))]) == .explicitDeny(.identity))
    #expect(
      decide(.alice, identity: [try identity(yes)], resource: try onResource(#""*""#, effect: "Deny")) == .explicitDeny(.resource)
    )
    #expect(decide(.alice, identity: [try identity(yes)], boundary: try identity(yes, deny("*"))) == .explicitDeny(.boundary))
    #expect(decide(.worker(), identity: [try identity(yes)], session: [try identity(deny("*"))]) == .explicitDeny(.session))
  }

  @Test func `boundary and session policies only narrow`() throws {
    let other = try identity(allow("sns:*"))
    #expect(decide(.alice, boundary: try identity(yes)) == .implicitDeny(.identity))
    #expect(decide(.alice, identity: [try identity(yes)], boundary: other) == .implicitDeny(.boundary))
    #expect(decide(.worker(), identity: [try identity(yes)], session: [other]) == .implicitDeny(.session))
    #expect(decide(.worker(), identity: [try identity(yes)], session: [other, try identity(yes)]) == .allowed)
  }

  @Test func `in the account a resource policy that names user or session is final`() throws {
    let none = try identity(allow("sns:*"))
    let user = try onResource(#"{"AWS":"arn:aws:iam::111111111111:user/alice"}"#)
    #expect(decide(.alice, resource: user) == .allowed)
    #expect(decide(.alice, boundary: none, resource: user) == .allowed)
    #expect(decide(.worker(), boundary: none, session: [none], resource: try onResource(sessionARN)) == .allowed)
    #expect(decide(.worker(session: "s2"), resource: try onResource(sessionARN)) == .implicitDeny(.identity))
    #expect(decide(.worker(), resource: try onResource(#""*""#)) == .allowed)
  }

  @Test func `a resource policy that names the role still needs boundary and session policy`() throws {
    let none = try identity(allow("sns:*"))
    #expect(decide(.worker(), resource: try onResource(roleARN)) == .allowed)
    #expect(decide(.worker(), boundary: none, resource: try onResource(roleARN)) == .implicitDeny(.boundary))
    #expect(decide(.worker(), session: [none], resource: try onResource(roleARN)) == .implicitDeny(.session))
  }

  @Test func `a resource policy that names the own account hands over to identity policies`() throws {
    let account = try onResource(#"{"AWS":"arn:aws:iam::111111111111:root"}"#)
    #expect(decide(.alice, resource: account) == .implicitDeny(.identity))
    #expect(decide(.alice, identity: [try identity(yes)], resource: account) == .allowed)
  }

  @Test func `across accounts both sides must allow`() throws {
    let mine = try identity(yes)
    let theirs = try onResource(#"{"AWS":"222222222222"}"#)
    let direct = try onResource(#"{"AWS":"arn:aws:sts::222222222222:assumed-role/worker/s1"}"#)
    let foreigner = Principal.worker(beta)
    #expect(decide(foreigner, identity: [mine]) == .implicitDeny(.resource))
    #expect(decide(foreigner, resource: theirs) == .implicitDeny(.identity))
    #expect(decide(foreigner, resource: direct) == .implicitDeny(.identity))
    #expect(decide(foreigner, identity: [mine], resource: theirs) == .allowed)
    #expect(
      decide(foreigner, identity: [mine], boundary: try identity(allow("sns:*")), resource: direct) == .implicitDeny(.boundary))
  }

  @Test(arguments: [
    (#"{"Service":"sns.amazonaws.com"}"#, "{}", true), (#"{"Service":["s3.amazonaws.com"]}"#, "{}", false), (#""*""#, "{}", true),
    (#"{"Service":"sns.amazonaws.com"}"#, #"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111111111111:news"}}"#, true),
    (#"{"Service":"sns.amazonaws.com"}"#, #"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111111111111:other"}}"#, false),
    (#"{"Service":"sns.amazonaws.com"}"#, #"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#, true),
    (#"{"Service":"sns.amazonaws.com"}"#, #"{"StringEquals":{"aws:SourceAccount":"222222222222"}}"#, false),
    (#"{"AWS":"111111111111"}"#, "{}", false),
  ])
  func `a service needs the resource's policy`(principal: String, condition: String, isAllowed: Bool) throws {
    let decision = decide(.sns(), resource: try onResource(principal, if: condition))
    #expect(decision == (isAllowed ? .allowed : .implicitDeny(.resource)))
    #expect(decide(.sns()) == .implicitDeny(.resource))
  }

  @Test func `not-principal spares who is named`() throws {
    let document = try PolicyDocument(
      policy(#"{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/alice"},"Action":"*","Resource":"*"}"#),
      as: .resource)
    #expect(decide(.alice, identity: [try identity(yes)], resource: document) == .allowed)
    #expect(decide(.worker(), identity: [try identity(yes)], resource: document) == .explicitDeny(.resource))
  }

  @Test func `anonymous callers need a policy for everybody`() throws {
    #expect(decide(.anonymous, resource: try onResource(#"{"AWS":"*"}"#)) == .allowed)
    #expect(decide(.anonymous, resource: try onResource(#"{"AWS":"111111111111"}"#)) == .implicitDeny(.resource))
  }

  @Test(arguments: [
    (Principal.alice, #"{"AWS":"arn:aws:iam::111111111111:user/alice"}"#, false, true),
    (.alice, #"{"AWS":"111111111111"}"#, false, false), (.alice, #"{"AWS":"111111111111"}"#, true, true),
    (.alice, #"{"Service":"lambda.amazonaws.com"}"#, true, false),
    (.root(alpha), #"{"Service":"lambda.amazonaws.com"}"#, true, false),
    (.root(alpha), #"{"AWS":"111111111111"}"#, false, true), (.worker(beta), #"{"AWS":"222222222222"}"#, true, true),
    (.worker(beta), #"{"AWS":"222222222222"}"#, false, false), (.worker(beta), #"{"AWS":"111111111111"}"#, true, false),
  ])
  func `a role's trust policy must allow by itself`(principal: Principal, trusted: String, hasIdentity: Bool, isAllowed: Bool)
    throws
  {
    let trust = try PolicyDocument(policy(#"{"Effect":"Allow","Principal":\#(trusted),"Action":"sts:AssumeRole"}"#), as: .trust)
    let evaluator = PolicyEvaluator(
      policies: PolicySet(identity: hasIdentity ? [try identity(allow("sts:*"))] : []), resourcePolicy: trust,
      resourceMustAllow: true, resourceType: .trust)
    let decision = evaluator.decide(.fixture("sts:AssumeRole", on: "arn:aws:iam::111111111111:role/r", by: principal))
    #expect((decision == .allowed) == isAllowed)
  }

  @Test(arguments: [
    (Decision.implicitDeny(.identity), "because no identity-based policy allows the sqs:SendMessage action"),
    (.implicitDeny(.resource), "because no resource-based policy allows the sqs:SendMessage action"),
    (.implicitDeny(.boundary), "because no permissions boundary allows the sqs:SendMessage action"),
    (.implicitDeny(.session), "because no session policy allows the sqs:SendMessage action"),
    (.explicitDeny(.identity), "with an explicit deny in an identity-based policy"),
    (.explicitDeny(.resource), "with an explicit deny in a resource-based policy"),
    (.explicitDeny(.boundary), "with an explicit deny in a permissions boundary"),
    (.explicitDeny(.session), "with an explicit deny in a session policy"),
  ])
  func `a denial names caller, action, resource and reason`(decision: Decision, reason: String) {
    let text = decision.message(for: Access("sqs:SendMessage", on: queue, owner: alpha), principal: .alice)
    #expect(
      text
        == "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: sqs:SendMessage "
        + "on resource: \(queue) \(reason)"
    )
  }
}
