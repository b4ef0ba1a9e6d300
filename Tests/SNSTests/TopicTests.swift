import Base
import Fabric
import TestCloud
import Testing

@testable import SNS

@Suite struct TopicTests {
  @Test func `a topic is made once, and again with the same attributes`() async throws {
    let world = World()
    let arn = try await world.topic("news", ["DisplayName": "News"])
    #expect(arn == "arn:aws:sns:us-east-1:000000000000:news")
    #expect(try await world.topic("news", ["DisplayName": "News"]) == arn)
    #expect(try await world.topic("news") == arn)
    let error = await world.failure("CreateTopic", ["Name": "news", "Attributes": ["DisplayName": "Other"]])
    #expect(error?.message == "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
    let tags = await world.failure("CreateTopic", ["Name": "news", "Tags": [["Key": "a", "Value": "b"]]])
    #expect(tags?.message == "Invalid parameter: Tags Reason: Topic already exists with different tags")
  }

  static let impossible: [(String, JSON, String)] = [
    ("", [:] , "Invalid parameter: Topic Name"), ("a b", [:], "Invalid parameter: Topic Name"), ("news.fifo", [:], "Invalid parameter: Topic Name"),
    (
      "news", ["FifoTopic": "true"],
      "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
    ),
    ("news", ["ContentBasedDeduplication": "true"], "Invalid parameter: Attributes Reason: Content based deduplication can only be set for FIFO topics"),
    ("news", ["SignatureVersion": "3"], "Invalid parameter: Attributes Reason: SignatureVersion Reason: Value must be one of 1, 2"),
    ("news", ["Colour": "red"], "Invalid parameter: Attributes Reason: Unknown attribute Colour"),
    ("news", ["MaximumMessageSize": "1023"], "Invalid parameter: Attributes Reason: MaximumMessageSize Reason: Value must be between 1024 and 1048576"),
  ]
  @Test(arguments: impossible)
  func `a topic that cannot be is refused`(name: String, attributes: JSON, message: String) async {
    let error = await World().failure("CreateTopic", ["Name": .string(name), "Attributes": attributes])
    #expect(error?.code == "InvalidParameterException")
    #expect(error?.message == message)
  }

  @Test func `data protection policies are refused, not ignored`() async {
    let error = await World().failure("CreateTopic", ["Name": "news", "DataProtectionPolicy": "{}"])
    #expect(error?.status == 501)
  }

  @Test func `a new topic shows AWS's defaults`() async throws {
    let world = World()
    let shown = try await world.call("GetTopicAttributes", ["TopicArn": .string(world.topic())])["Attributes"]
    #expect(shown?["SubscriptionsConfirmed"] == "0")
    #expect(shown?["Owner"] == "000000000000")
    let policy = try JSON.parse(shown?["EffectiveDeliveryPolicy"]?.string ?? "")
    #expect(policy == [
      "http": [
        "defaultHealthyRetryPolicy": [
          "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0, "numNoDelayRetries": 0,
          "numMinDelayRetries": 0, "backoffFunction": "linear",
        ], "disableSubscriptionOverrides": false, "defaultRequestPolicy": ["headerContentType": "text/plain; charset=UTF-8"],
      ]
    ])
    let statement = try JSON.parse(shown?["Policy"]?.string ?? "")["Statement"]?[0]
    #expect(statement?["Condition"]?["StringEquals"]?["AWS:SourceOwner"] == "000000000000")
  }

  @Test(arguments: [
    ("x", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
    ("arn:aws:sns:eu-west-1:000000000000:news", "Invalid parameter: TopicArn"),
    ("arn:aws:sqs:us-east-1:000000000000:news", "Invalid parameter: TopicArn"),
  ])
  func `what is no ARN of this Region is refused`(arn: String, message: String) async {
    #expect(await World().failure("GetTopicAttributes", ["TopicArn": .string(arn)])?.message == message)
  }

  @Test func `a topic that is not there is not found, but can be deleted`() async throws {
    let world = World()
    let arn: JSON = "arn:aws:sns:us-east-1:000000000000:gone"
    for operation in ["GetTopicAttributes", "ListSubscriptionsByTopic"] {
      #expect(await world.failure(operation, ["TopicArn": arn])?.message == "Topic does not exist")
    }
    #expect(await world.failure("Publish", ["TopicArn": arn, "Message": "x"])?.code == "NotFoundException")
    try await world.call("DeleteTopic", ["TopicArn": arn])
  }

  @Test func `permissions become statements of the policy`() async throws {
    let world = World()
    let arn = try await world.topic()
    let input: JSON = ["TopicArn": .string(arn), "Label": "l", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"]]
    try await world.call("AddPermission", input)
    #expect(await world.failure("AddPermission", input)?.message == "Invalid parameter: Statement already exists")
    let bad: JSON = ["TopicArn": .string(arn), "Label": "m", "AWSAccountId": ["111111111111"], "ActionName": ["Fly"]]
    #expect(await world.failure("AddPermission", bad)?.message == "Invalid parameter: Policy statement action out of service scope!")
    func statements() async throws -> [JSON] {
      let shown = try await world.call("GetTopicAttributes", ["TopicArn": .string(arn)])["Attributes"]?["Policy"]?.string ?? ""
      return try JSON.parse(shown)["Statement"]?.array ?? []
    }
    #expect(try await statements().last == [
      "Sid": "l", "Effect": "Allow", "Principal": ["AWS": "arn:aws:iam::111111111111:root"], "Action": "SNS:Publish", "Resource": .string(arn),
    ])
    try await world.call("RemovePermission", ["TopicArn": .string(arn), "Label": "l"])
    #expect(try await statements().count == 1)
  }

  @Test func `tags come, change and go`() async throws {
    let world = World()
    let arn = JSON.string(try await world.topic())
    try await world.call("TagResource", ["ResourceArn": arn, "Tags": [["Key": "a", "Value": "1"], ["Key": "b", "Value": "2"]]])
    try await world.call("TagResource", ["ResourceArn": arn, "Tags": [["Key": "a", "Value": "3"]]])
    try await world.call("UntagResource", ["ResourceArn": arn, "TagKeys": ["b"]])
    #expect(try await world.call("ListTagsForResource", ["ResourceArn": arn])["Tags"] == [["Key": "a", "Value": "3"]])
    let many = JSON.array((0..<51).map { ["Key": .string("k\($0)"), "Value": "v"] })
    #expect(await world.failure("TagResource", ["ResourceArn": arn, "Tags": many])?.code == "TagLimitExceededException")
    let gone = await world.failure("ListTagsForResource", ["ResourceArn": "arn:aws:sns:us-east-1:000000000000:gone"])
    #expect(gone?.code == "ResourceNotFoundException")
  }

  @Test func `lists have pages of a hundred, and a token is good for its list only`() async throws {
    let world = World()
    for number in 0..<105 { try await world.topic("t\(padded(number, 3))") }
    let first = try await world.call("ListTopics", [:])
    #expect(first["Topics"]?.array?.count == 100)
    let token = try #require(first["NextToken"])
    let second = try await world.call("ListTopics", ["NextToken": token])
    #expect(second["Topics"]?.array?.first?["TopicArn"]?.string?.hasSuffix("t100") == true)
    #expect(second["Topics"]?.array?.count == 5 && second["NextToken"] == nil)
    #expect(await world.failure("ListSubscriptions", ["NextToken": token])?.message == "Invalid parameter: NextToken")
  }

  @Test func `a missing parameter is named`() async {
    #expect(await World().failure("CreateTopic", [:])?.message == "The request must contain the parameter Name.")
  }

  @Test func `removing an account removes its topics and its subscriptions elsewhere`() async throws {
    let world = World()
    let other = Principal.root(.test(1))
    let arn = try await world.topic()
    try await world.cloud.call("sns", "CreateTopic", ["Name": "mine"], as: other)
    try await world.cloud.call(
      "sns", "Subscribe", ["TopicArn": .string(arn), "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:111111111111:q"], as: other)
    for module in world.cloud.modules { try await module.removeAll(of: .test(1)) }
    #expect(try await world.cloud.call("sns", "ListTopics", [:], as: other)["Topics"]?.array?.isEmpty ?? true)
    #expect(try await world.call("ListSubscriptionsByTopic", ["TopicArn": .string(arn)])["Subscriptions"]?.array?.isEmpty ?? true)
    #expect(try await world.call("ListTopics", [:])["Topics"]?.array?.count == 1)
  }

  @Test func `a role that SNS is to use must be the caller's to hand on`() async throws {
    let world = World()
    let topic = try await world.topic()
    let (role, foreign) = ("arn:aws:iam::000000000000:role/r", "arn:aws:iam::999999999999:role/r")
    func calls(_ role: String) -> [(String, JSON)] {
      [
        ("CreateTopic", ["Name": "other", "Attributes": ["SQSFailureFeedbackRoleArn": .string(role)]]),
        ("SetTopicAttributes", ["TopicArn": .string(topic), "AttributeName": "HTTPSuccessFeedbackRoleArn", "AttributeValue": .string(role)]),
        (
          "Subscribe",
          [
            "TopicArn": .string(topic), "Protocol": "firehose", "Endpoint": "arn:aws:firehose:us-east-1:000000000000:deliverystream/s",
            "Attributes": ["SubscriptionRoleArn": .string(role)],
          ]
        ),
        (
          "SetSubscriptionAttributes",
          ["SubscriptionArn": .string(topic + ":1"), "AttributeName": "SubscriptionRoleArn", "AttributeValue": .string(role)]
        ),
      ]
    }
    for (operation, input) in calls(foreign) {
      #expect(await world.failure(operation, input)?.message == "Cross-account pass role is not allowed.", "\(operation)")
    }
    world.cloud.authoriser.deny("iam:PassRole \(role)")
    for (operation, input) in calls(role) {
      world.cloud.authoriser.forget()
      #expect(await world.failure(operation, input)?.code == "AccessDeniedException", "\(operation)")
      let question = world.cloud.authoriser.asked.last
      #expect(question?.action == "iam:PassRole" && question?.conditionValues == ["iam:passedtoservice": ["sns.amazonaws.com"]])
    }
    world.cloud.authoriser.allowAll()
    try await world.call("CreateTopic", calls(role)[0].1)
    try await world.call("SetTopicAttributes", calls(role)[1].1)
  }
}
