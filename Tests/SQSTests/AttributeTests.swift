import Base
import Testing
import Wire

@testable import SQS

@Suite struct AttributeTests {
  @Test func `a new queue shows its defaults`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    #expect(
      try await cloud.attributes(url) == [
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0", "CreatedTimestamp": "1700000000", "DelaySeconds": "0",
        "LastModifiedTimestamp": "1700000000", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
        "QueueArn": "arn:aws:sqs:us-east-1:000000000000:q", "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
      ])
    #expect(try await cloud.attributes(url, ["DelaySeconds", "Policy"]) == ["DelaySeconds": "0"])
    #expect(try await cloud.attributes(url, []) == [:])
  }

  @Test(arguments: [
    ("DelaySeconds", "0", true), ("DelaySeconds", "900", true), ("DelaySeconds", "901", false), ("DelaySeconds", "-1", false),
    ("DelaySeconds", "x", false), ("MaximumMessageSize", "1023", false), ("MaximumMessageSize", "1024", true),
    ("MaximumMessageSize", "1048576", true), ("MaximumMessageSize", "1048577", false),
    ("MessageRetentionPeriod", "59", false), ("MessageRetentionPeriod", "60", true),
    ("MessageRetentionPeriod", "1209600", true), ("MessageRetentionPeriod", "1209601", false),
    ("ReceiveMessageWaitTimeSeconds", "20", true), ("ReceiveMessageWaitTimeSeconds", "21", false),
    ("VisibilityTimeout", "43200", true), ("VisibilityTimeout", "43201", false),
    ("KmsDataKeyReusePeriodSeconds", "59", false), ("KmsDataKeyReusePeriodSeconds", "86400", true),
    ("SqsManagedSseEnabled", "maybe", false), ("Policy", "{", false), ("Policy", "", true), ("RedriveAllowPolicy", "[]", false),
  ])
  func `values are checked`(name: String, value: String, allowed: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    if allowed {
      try await cloud.set([name: value], of: url)
      #expect(try await cloud.attributes(url, [name]) == (value.isEmpty ? [:] : [name: value]))
    } else {
      await refused("InvalidAttributeValue", "Invalid value for the parameter \(name).") {
        try await cloud.set([name: value], of: url)
      }
      await refused("InvalidAttributeValue", "Invalid value for the parameter \(name).") {
        try await cloud.createQueue("other", [name: value])
      }
    }
  }

  @Test(arguments: ["Nonsense", "QueueArn", "ContentBasedDeduplication", "FifoQueue"])
  func `attributes that a standard queue does not have are unknown`(name: String) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    await refused("InvalidAttributeName", "Unknown Attribute \(name).") { try await cloud.set([name: "true"], of: url) }
    await refused("InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true.") {
      try await cloud.set(["DeduplicationScope": "queue"], of: url)
    }
    if name == "Nonsense" {
      await refused("InvalidAttributeName", "Unknown Attribute Nonsense.") { _ = try await cloud.attributes(url, [name]) }
    }
  }

  @Test func `a change is seen at once and dated`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    cloud.clock.advance(.seconds(5))
    try await cloud.set(["DelaySeconds": "9"], of: url)
    let all = try await cloud.attributes(url)
    #expect(all["DelaySeconds"] == "9" && all["LastModifiedTimestamp"] == "1700000005" && all["CreatedTimestamp"] == "1700000000")
    try await cloud.send("a", to: url)
    #expect(try await cloud.bodies(url).isEmpty)
  }

  @Test func `another service on the same store sees changes in its transactions`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    let other = cloud.restarted()
    try await other.send("a", to: url)
    try await cloud.purge(url)
    try await other.send("b", to: url)
    #expect(try await cloud.bodies(url) == ["b"])
  }

  @Test func `permissions are statements of the policy`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    var add = AddPermissionInput()
    (add.queueUrl, add.label, add.awsAccountIds, add.actions) = (url, "me", ["111111111111"], ["SendMessage"])
    _ = try await cloud.run("AddPermission", add)
    let policy = try JSON.parse(try #require(try await cloud.attributes(url)["Policy"]))
    let expected: JSON = [
      "Version": "2008-10-17", "Id": "arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy",
      "Statement": [
        [
          "Sid": "me", "Effect": "Allow", "Principal": ["AWS": "arn:aws:iam::111111111111:root"], "Action": "SQS:SendMessage",
          "Resource": "arn:aws:sqs:us-east-1:000000000000:q",
        ]
      ],
    ]
    #expect(policy == expected)
    await refused("InvalidParameterValue", "Value me for parameter Label is invalid. Reason: Already exists.") {
      _ = try await cloud.run("AddPermission", add)
    }
    var remove = RemovePermissionInput()
    (remove.queueUrl, remove.label) = (url, "me")
    _ = try await cloud.run("RemovePermission", remove)
    #expect(try await cloud.attributes(url)["Policy"] == nil)
    await refused("InvalidParameterValue", "Value me for parameter Label is invalid. Reason: can't find label.") {
      _ = try await cloud.run("RemovePermission", remove)
    }
  }

  @Test func `tags are kept, replaced and removed`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    var tag = TagQueueInput()
    (tag.queueUrl, tag.tags) = (url, ["a": "1", "b": "2"])
    _ = try await cloud.run("TagQueue", tag)
    tag.tags = ["b": "3"]
    _ = try await cloud.run("TagQueue", tag)
    var untag = UntagQueueInput()
    (untag.queueUrl, untag.tagKeys) = (url, ["a", "none"])
    _ = try await cloud.run("UntagQueue", untag)
    var list = ListQueueTagsInput()
    list.queueUrl = url
    #expect(ListQueueTagsOutput(try #require(try await cloud.run("ListQueueTags", list))).tags == ["b": "3"])
  }
}
