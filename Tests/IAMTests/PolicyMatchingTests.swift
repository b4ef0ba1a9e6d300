import Base
import Fabric
import Testing

@testable import IAM

struct PolicyMatchingTests {
  private func allows(_ statement: String, _ request: PolicyRequest, version: String = "2012-10-17") throws -> Bool {
    let document = try PolicyDocument(policy(statement, version: version), as: .identity)
    return PolicyEvaluator(policies: PolicySet(identity: [document])).decide(request) == .allowed
  }

  @Test(arguments: [
    ("*", true), ("sqs:*", true), ("SQS:sendmessage", true), ("sqs:Send*", true), ("sqs:SendMessage", true),
    ("sqs:S?ndMessag?", true), ("sqs:*Message", true), ("sqs:SendMessage?", false), ("sqs:Send", false),
    ("sns:*", false), ("*:*", true), ("sqs:Receive*", false),
  ])
  func `action patterns have wildcards and no case`(pattern: String, matches: Bool) throws {
    #expect(try allows(allow(pattern), .fixture()) == matches)
  }

  @Test(arguments: [
    ("*", true), (queue, true), ("arn:aws:sqs:*:*:orders", true), ("arn:aws:sqs:us-east-1:111111111111:ord*", true),
    ("arn:aws:sqs:*", true), ("arn:aws:sqs:us-east-1:111111111111:Orders", false),
    ("arn:aws:sqs:us-????-1:111111111111:orders", true), ("arn:aws:sqs:us-east-1:222222222222:*", false),
    ("arn:*:orders", true), ("arn:aws:sqs:us-east-1:111111111111:orders*x", false),
  ])
  func `resource patterns keep case and a star may cross colons`(pattern: String, matches: Bool) throws {
    #expect(try allows(allow("sqs:*", on: pattern), .fixture()) == matches)
  }

  @Test func `a pattern of many stars does not blow up`() throws {
    let pattern = "arn:aws:s3:::" + String(repeating: "*a", count: 60) + "b"
    #expect(try !allows(allow("*", on: pattern), .fixture(on: "arn:aws:s3:::" + String(repeating: "a", count: 5000))))
  }

  @Test(arguments: [
    (#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#, true),
    (#"{"Effect":"Allow","NotAction":["iam:*","sqs:Send*"],"Resource":"*"}"#, false),
    (#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:sqs:*:*:secret"}"#, true),
    (#"{"Effect":"Allow","Action":"*","NotResource":["arn:aws:sqs:*:*:o*"]}"#, false),
  ])
  func `not-elements match everything else`(statement: String, matches: Bool) throws {
    #expect(try allows(statement, .fixture()) == matches)
  }

  @Test(arguments: [
    ("arn:aws:sqs:us-east-1:111111111111:${aws:username}-*", "arn:aws:sqs:us-east-1:111111111111:alice-1", true),
    ("arn:aws:sqs:us-east-1:111111111111:${aws:username}-*", "arn:aws:sqs:us-east-1:111111111111:bob-1", false),
    ("arn:aws:sqs:*:${aws:PrincipalAccount}:*", queue, true),
    ("arn:aws:s3:::b/${aws:PrincipalTag/Team}/*", "arn:aws:s3:::b/blue/x", true),
    ("arn:aws:s3:::b/${aws:PrincipalTag/Cost, 'none'}/*", "arn:aws:s3:::b/none/x", true),
    ("arn:aws:s3:::b/${aws:PrincipalTag/Cost}/*", "arn:aws:s3:::b//x", false),
    ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", true), ("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false),
    ("arn:aws:s3:::b/${?}${$}", "arn:aws:s3:::b/?$", true), ("arn:aws:s3:::b/${unclosed", "arn:aws:s3:::b/${unclosed", true),
  ])
  func `policy variables stand for the request's values`(pattern: String, resource: String, matches: Bool) throws {
    #expect(try allows(allow("*", on: pattern), .fixture(on: resource, tags: ["team": "blue"])) == matches)
  }

  @Test func `a variable that is not closed is plain text`() throws {
    let resource = "arn:aws:s3:::${${x"
    #expect(try allows(allow("*", on: resource), .fixture(on: resource)))
    #expect(try allows(allow("*", on: "arn:aws:s3:::${aws:username}${x"), .fixture(on: "arn:aws:s3:::alice${x")))
    #expect(try allows(allow("*", on: "arn:aws:s3:::$"), .fixture(on: "arn:aws:s3:::$")))
  }

  @Test func `a variable's value brings no wildcards along`() throws {
    let request = PolicyRequest.fixture(on: "arn:aws:s3:::b/anything", tags: ["team": "*"])
    #expect(try !allows(allow("*", on: "arn:aws:s3:::b/${aws:PrincipalTag/team}"), request))
  }

  @Test func `documents of the old version have no variables`() throws {
    let request = PolicyRequest.fixture(on: "arn:aws:s3:::b/alice")
    #expect(try !allows(allow("*", on: "arn:aws:s3:::b/${aws:username}"), request, version: "2008-10-17"))
  }

  @Test(arguments: [
    (#"{"StringEquals":{"x:K":"v"}}"#, true), (#"{"StringEquals":{"x:K":["w","v"]}}"#, true),
    (#"{"StringEquals":{"x:K":"V"}}"#, false), (#"{"StringEquals":{"X:k":"v"}}"#, true),
    (#"{"StringNotEquals":{"x:K":"v"}}"#, false), (#"{"StringNotEquals":{"x:K":["v","w"]}}"#, false),
    (#"{"StringNotEquals":{"x:K":"w"}}"#, true), (#"{"StringNotEquals":{"x:None":"w"}}"#, true),
    (#"{"StringEquals":{"x:None":"w"}}"#, false), (#"{"StringEqualsIfExists":{"x:None":"w"}}"#, true),
    (#"{"StringEqualsIfExists":{"x:K":"w"}}"#, false), (#"{"StringEqualsIgnoreCase":{"x:K":"V"}}"#, true),
    (#"{"StringNotEqualsIgnoreCase":{"x:K":"V"}}"#, false), (#"{"StringLike":{"x:Path":"a/*/c"}}"#, true),
    (#"{"StringEquals":{"x:Path":"a/*/c"}}"#, false), (#"{"StringNotLike":{"x:Path":"a/*"}}"#, false),
    (#"{"StringLike":{"x:Path":"${x:Prefix}/*"}}"#, true),
    (#"{"NumericEquals":{"x:N":"10"}}"#, true), (#"{"NumericEquals":{"x:N":10.0}}"#, true),
    (#"{"NumericNotEquals":{"x:N":"10"}}"#, false), (#"{"NumericLessThan":{"x:N":"10"}}"#, false),
    (#"{"NumericLessThanEquals":{"x:N":"10"}}"#, true), (#"{"NumericGreaterThan":{"x:N":"9"}}"#, true),
    (#"{"NumericGreaterThanEquals":{"x:N":"10.5"}}"#, false), (#"{"NumericEquals":{"x:K":"10"}}"#, false),
    (#"{"DateLessThan":{"aws:CurrentTime":"2023-11-15T00:00:00Z"}}"#, true),
    (#"{"DateGreaterThan":{"aws:CurrentTime":"2023-11-15T00:00:00Z"}}"#, false),
    (#"{"DateGreaterThanEquals":{"aws:EpochTime":"1700000000"}}"#, true),
    (#"{"DateNotEquals":{"aws:EpochTime":"1700000000"}}"#, false),
    (#"{"DateLessThanEquals":{"x:When":"2020-01-01T00:00:00+01:00"}}"#, false),
    (#"{"Bool":{"aws:SecureTransport":"false"}}"#, true), (#"{"Bool":{"aws:SecureTransport":true}}"#, false),
    (#"{"BoolIfExists":{"x:None":"true"}}"#, true), (#"{"BinaryEquals":{"x:Blob":"aGVsbG8="}}"#, true),
    (#"{"BinaryEquals":{"x:Blob":"d29ybGQ="}}"#, false),
    (#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#, true),
    (#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1"]}}"#, true),
    (#"{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#, false), (#"{"IpAddress":{"x:V6":"2001:db8::/33"}}"#, true),
    (#"{"IpAddress":{"x:V6":"2001:db8:8000::/33"}}"#, false), (#"{"IpAddress":{"x:V6":"0.0.0.0/0"}}"#, false),
    (#"{"ArnLike":{"x:Arn":"arn:aws:sns:*:*:n*"}}"#, true), (#"{"ArnEquals":{"x:Arn":"arn:aws:sns:*:111111111111:news"}}"#, true),
    (#"{"ArnLike":{"x:Arn":"arn:aws:sns:*:news"}}"#, false), (#"{"ArnNotLike":{"x:Arn":"arn:aws:sns:*:*:*"}}"#, false),
    (#"{"ArnNotEquals":{"x:Arn":"arn:aws:sqs:*:*:*"}}"#, true), (#"{"ArnLike":{"x:K":"arn:*:*:*:*:*"}}"#, false),
    (#"{"Null":{"x:None":"true"}}"#, true), (#"{"Null":{"x:K":"true"}}"#, false), (#"{"Null":{"x:K":"false"}}"#, true),
    (#"{"ForAllValues:StringEquals":{"x:Many":["a","b","c"]}}"#, true),
    (#"{"ForAllValues:StringEquals":{"x:Many":["a"]}}"#, false), (#"{"ForAllValues:StringEquals":{"x:None":["a"]}}"#, true),
    (#"{"ForAnyValue:StringEquals":{"x:Many":["a","z"]}}"#, true), (#"{"ForAnyValue:StringEquals":{"x:Many":["z"]}}"#, false),
    (#"{"ForAnyValue:StringEquals":{"x:None":["z"]}}"#, false), (#"{"ForAnyValue:StringNotEquals":{"x:Many":["a"]}}"#, true),
    (#"{"ForAllValues:StringNotEquals":{"x:Many":["a"]}}"#, false),
    (#"{"ForAllValues:StringLikeIfExists":{"x:Many":"?"}}"#, true),
    (#"{"StringEquals":{"x:K":"v"},"Bool":{"aws:SecureTransport":"true"}}"#, false),
    (#"{"StringEquals":{"x:K":"v","x:Path":"other"}}"#, false),
    (#"{"StringEquals":{"aws:username":"alice","aws:PrincipalType":"User","aws:RequestedRegion":"us-east-1"}}"#, true),
    (#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/alice","aws:userid":"AIDAALICE00000000000X"}}"#, true),
    (
      #"{"StringEquals":{"aws:PrincipalIsAWSService":"false","aws:ViaAWSService":"false","aws:ResourceAccount":"111111111111"}}"#,
      true
    ),
    (#"{"StringLike":{"aws:UserAgent":"tests/*","aws:PrincipalTag/Team":"b*"}}"#, true),
  ])
  func `conditions test the request's facts`(condition: String, holds: Bool) throws {
    let request = PolicyRequest.fixture(
      values: [
        "x:k": ["v"], "x:path": ["a/b/c"], "x:prefix": ["a"], "x:n": ["10"], "x:when": ["2020-01-01T00:00:00Z"],
        "x:blob": ["aGVsbG8="], "x:v6": ["2001:db8::1"], "x:arn": ["arn:aws:sns:us-east-1:111111111111:news"],
        "x:many": ["a", "b"],
      ], tags: ["team": "blue"])
    #expect(try allows(allow("sqs:*", if: condition), request) == holds)
  }

  @Test(arguments: [
    ("nonsense", "Syntax errors in policy."), ("[]", "Syntax errors in policy."), ("{}", "Syntax errors in policy."),
    (#"{"Statement":[]}"#, "Syntax errors in policy."), (#"{"Statement":[],"Extra":1}"#, "Syntax errors in policy."),
    (policy(allow("sqs:*"), version: "2020-01-01"), "The policy must contain a valid version string."),
    (policy(#"{"Effect":"allow","Action":"*","Resource":"*"}"#), "Syntax errors in policy."),
    (policy(#"{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}"#), "Syntax errors in policy."),
    (policy(#"{"Effect":"Allow","Action":[1],"Resource":"*"}"#), "Syntax errors in policy."),
    (policy(#"{"Effect":"Allow","Resource":"*"}"#), "Policy statement must contain actions."),
    (policy(#"{"Effect":"Allow","Action":"sqs:*"}"#), "Policy statement must contain resources."),
    (
      policy(#"{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}"#),
      "Policy document should not specify a principal."
    ),
    (policy(allow("SendMessage")), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    (policy(allow("s q:SendMessage")), "Vendor s q is not valid"),
    (policy(allow("sqs:*", on: "orders")), "Resource orders must be in ARN format or \"*\"."),
    (policy(allow("sqs:*", on: "arn:xyz:sqs:::q")), "Partition \"xyz\" is not valid for resource \"arn:xyz:sqs:::q\"."),
    (policy(allow("sqs:*", if: #"{"StringEqual":{"aws:x":"1"}}"#)), "Invalid Condition type : StringEqual."),
    (policy(allow("sqs:*", if: #"{"NumericEquals":{"aws:x":"one"}}"#)), "Invalid value in condition: one"),
    (policy(#"{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}"#), MalformedPolicy.invalidSid.message),
    (
      policy(
        #"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}"#),
      "Statement IDs (SID) in a single policy must be unique."
    ),
  ])
  func `a malformed identity policy is refused in AWS's words`(document: String, message: String) {
    #expect(throws: MalformedPolicy(message)) { try PolicyDocument(document, as: .identity) }
  }

  @Test(arguments: [
    ("nonsense", "This policy contains invalid Json"),
    (policy(#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#), "Has prohibited field Resource"),
    (policy(#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#), "Missing required field Principal"),
    (
      policy(#"{"Effect":"Allow","Principal":"*","Action":"sqs:*"}"#),
      "AssumeRole policy may only specify STS AssumeRole actions."
    ),
    (
      policy(#"{"Effect":"Allow","Principal":{"AWS":"nobody"},"Action":"sts:AssumeRole"}"#),
      "Invalid principal in policy: \"AWS\":\"nobody\""
    ),
    (
      policy(#"{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}"#),
      "Invalid principal in policy: \"Service\":\"lambda\""
    ),
  ])
  func `a malformed trust policy is refused in AWS's words`(document: String, message: String) {
    #expect(throws: MalformedPolicy(message)) { try PolicyDocument(document, as: .trust) }
  }

  @Test func `every managed policy of AWS that we carry compiles`() throws {
    #expect(AWSManagedPolicies.all.count > 50)
    for policy in AWSManagedPolicies.all {
      let version = try #require(AWSManagedPolicies.version(policy.arn))
      _ = try PolicyDocument(version.document, as: .identity)
    }
    let role = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    #expect(AWSManagedPolicies.policy(role)?.path == "/service-role/")
  }
}
