import Base
import Fabric
import TestCloud
import Testing

@testable import DynamoDB

private let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/changes"

extension Tables {
  fileprivate func withStream() async throws {
    try await create()
    try await cloud.call("kinesis", "CreateStream", ["StreamName": "changes", "ShardCount": 1])
    try await work()
  }
  fileprivate func destination(_ operation: String, _ more: [(String, JSON)] = []) async throws -> JSON {
    try await call(operation + "KinesisStreamingDestination", .object(JSONObject([
      ("TableName", "tab"), ("StreamArn", .string(stream))] + more)))
  }
  fileprivate func status() async throws -> JSON? {
    try await call("DescribeKinesisStreamingDestination", ["TableName": "tab"])["KinesisDataStreamDestinations"]?[0]?["DestinationStatus"]
  }
  /// What the stream has, as JSON.
  fileprivate func streamed() async throws -> [JSON] {
    let iterator = try await cloud.call("kinesis", "GetShardIterator", [
      "StreamName": "changes", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"])["ShardIterator"]
    let page = try await cloud.call("kinesis", "GetRecords", ["ShardIterator": iterator ?? .null])
    return try (page["Records"]?.array ?? []).map { try JSON.parse(decodeBase64($0["Data"]?.string ?? "") ?? []) }
  }
}

struct DestinationTests {
  @Test func `changes go to the stream from when the destination is active until it is disabled`() async throws {
    let tables = Tables()
    try await tables.withStream()
    #expect(try await tables.destination("Enable")["DestinationStatus"] == "ENABLING")
    try await tables.put("early", [1])
    try await tables.work()
    #expect(try await tables.status() == "ACTIVE")
    try await tables.put("a", [1], [("n", ["N": "1"])])
    try await tables.put("a", [1], [("n", ["N": "2"])])
    try await tables.call("DeleteItem", ["TableName": "tab", "Key": Tables.key("a", [1])])
    #expect(try await tables.destination("Disable")["DestinationStatus"] == "DISABLING")
    try await tables.put("late", [1])
    try await tables.work()
    #expect(try await tables.status() == "DISABLED")
    try await tables.put("later", [1])
    try await tables.work()

    let records = try await tables.streamed()
    #expect(records.map { $0["eventName"] } == ["INSERT", "MODIFY", "REMOVE"])
    let change = records[1]
    #expect(change["recordFormat"] == "application/json" && change["eventSource"] == "aws:dynamodb" && change["tableName"] == "tab")
    #expect(change["awsRegion"] == "us-east-1" && change["userIdentity"] == .null)
    let image = change["dynamodb"]
    #expect(image?["Keys"] == Tables.key("a", [1]))
    #expect(image?["OldImage"]?["n"]?["N"] == "1" && image?["NewImage"]?["n"]?["N"] == "2")
    #expect(image?["ApproximateCreationDateTime"]?.int == tables.cloud.clock.now().milliseconds)
    #expect(records[0]["dynamodb"]?["OldImage"] == nil && records[2]["dynamodb"]?["NewImage"] == nil)
    #expect(Set(records.compactMap { $0["eventID"]?.string }).count == 3)
  }

  @Test func `the precision changes while the table is streamed`() async throws {
    let tables = Tables()
    try await tables.withStream()
    _ = try await tables.destination("Enable")
    try await tables.work()
    let micro: [(String, JSON)] = [
      ("UpdateKinesisStreamingConfiguration", ["ApproximateCreationDateTimePrecision": "MICROSECOND"])]
    #expect(try await tables.destination("Update", micro)["DestinationStatus"] == "UPDATING")
    try await tables.put("a", [1])
    try await tables.work()
    let record = try #require(try await tables.streamed().first)
    #expect(record["dynamodb"]?["ApproximateCreationDateTime"]?.int == tables.cloud.clock.now().milliseconds * 1000)
    await #expect(throws: AWSError.self) { _ = try await tables.destination("Update", micro) }
  }

  @Test func `a destination is refused where there is no stream, and twice`() async throws {
    let tables = Tables()
    try await tables.create()
    let input: JSON = ["TableName": "tab", "StreamArn": .string(stream)]
    #expect(await tables.failure("EnableKinesisStreamingDestination", input)?.code == "ValidationException")
    #expect(await tables.failure("DisableKinesisStreamingDestination", input)?.message.contains("No streaming destination") == true)
    try await tables.cloud.call("kinesis", "CreateStream", ["StreamName": "changes", "ShardCount": 1])
    try await tables.work()
    _ = try await tables.destination("Enable")
    #expect(await tables.failure("EnableKinesisStreamingDestination", input)?.message.contains("must be DISABLED or ENABLE_FAILED") == true)
  }

  @Test func `what a stream does not take waits for it over a restart, and for a day`() async throws {
    let tables = Tables()
    try await tables.withStream()
    _ = try await tables.destination("Enable")
    try await tables.work()
    tables.cloud.authoriser.deny("kinesis:PutRecords")
    for n in 0..<3 { try await tables.put("a", [UInt8(n)]) }
    try await tables.work()
    #expect(try await tables.streamed().isEmpty)
    tables.cloud.authoriser.allowAll()
    let again = tables.restarted()
    try await again.work()
    #expect(try await again.streamed().count == 3)

    tables.cloud.authoriser.deny("kinesis:PutRecords")
    try await again.put("old", [1])
    try await again.work()
    _ = tables.cloud.clock.advance(.seconds(25 * 3600))
    tables.cloud.authoriser.allowAll()
    try await again.put("new", [1])
    try await again.work()
    let records = try await again.streamed()
    #expect(records.map { $0["dynamodb"]?["Keys"]?["p"]?["S"] } == ["new"])
  }

  @Test func `an item whose time has come goes to the stream as the service's own deletion`() async throws {
    let tables = Tables()
    try await tables.withStream()
    try await tables.call("UpdateTimeToLive", [
      "TableName": "tab", "TimeToLiveSpecification": ["Enabled": true, "AttributeName": "end"]])
    _ = try await tables.destination("Enable")
    try await tables.work()
    let end = tables.cloud.clock.now().milliseconds / 1000 + 10
    try await tables.put("a", [1], [("end", ["N": .string("\(end)")])])
    _ = tables.cloud.clock.advance(.seconds(20))
    try await tables.work()
    let records = try await tables.streamed()
    #expect(records.count == 2)
    #expect(records.last?["userIdentity"] == ["principalId": "dynamodb.amazonaws.com", "type": "Service"])
  }
}
