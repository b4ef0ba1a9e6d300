import Base
import Fabric
import Store
import Synchronization
import TestCloud
import Testing

@testable import DynamoDB

struct ServiceTests {
  @Test func `partitions whose names begin alike are kept apart, whatever bytes the sort keys have`() async throws {
    let tables = Tables()
    try await tables.create()
    for p in ["a", "a\u{0}", "a\u{1}", "ab"] {
      for s: [UInt8] in [[0], [0, 0], [0, 255], [1], [255], [255, 0]] { try await tables.put(p, s) }
    }
    for p in ["a", "a\u{0}", "a\u{1}", "ab"] { #expect(try await tables.count(of: p) == 6) }
    let found = try await tables.call("Query", [
      "TableName": "tab", "KeyConditionExpression": "p = :p AND begins_with(s, :s)",
      "ExpressionAttributeValues": [":p": ["S": "a"], ":s": ["B": .string([UInt8(0)].base64)]]])
    #expect(found["Count"] == 3)
  }

  @Test func `tables and items are there after a restart`() async throws {
    let tables = Tables()
    try await tables.create()
    try await tables.put("a", [1])
    let again = tables.restarted()
    #expect(try await again.count(of: "a") == 1)
    #expect(try await again.call("DescribeTable", ["TableName": "tab"])["Table"]?["ItemCount"] == 1)
  }

  @Test func `a table that was deleted and made anew has nothing of the old one`() async throws {
    let tables = Tables()
    try await tables.create()
    try await tables.put("a", [1])
    try await tables.call("DeleteTable", ["TableName": "tab"])
    #expect(await tables.failure("GetItem", ["TableName": "tab", "Key": Tables.key("a", [1])])?.code == "ResourceNotFoundException")
    try await tables.create()
    #expect(try await tables.count(of: "a") == 0)
    try await tables.work()
    #expect(try await tables.count(of: "a") == 0)
  }

  @Test func `an index on a table with items is filled while they change`() async throws {
    let tables = Tables()
    try await tables.create()
    for n in 0..<1200 { try await tables.put("p\(n)", [1], [("g", ["S": .string("g\(n % 3)")])]) }
    try await tables.call("UpdateTable", [
      "TableName": "tab", "AttributeDefinitions": [["AttributeName": "g", "AttributeType": "S"]],
      "GlobalSecondaryIndexUpdates": [[
        "Create": [
          "IndexName": "by-g", "KeySchema": [["AttributeName": "g", "KeyType": "HASH"]], "Projection": ["ProjectionType": "KEYS_ONLY"],
        ]
      ]]])
    let reading: JSON = ["TableName": "tab", "IndexName": "by-g"]
    #expect(await tables.failure("Scan", reading)?.message.contains("backfilling") == true)
    let worker = tables.service.workers[0]
    _ = try await worker.turn(tables.cloud.clock.now())
    for n in stride(from: 0, to: 1200, by: 7) {
      try await tables.call("DeleteItem", ["TableName": "tab", "Key": Tables.key("p\(n)", [1])])
    }
    for n in 1200..<1250 { try await tables.put("p\(n)", [1], [("g", ["S": "new"])]) }
    try await tables.work()
    let expected = 1200 - 172 + 50
    #expect(try await tables.call("Scan", reading)["Count"]?.int == Int64(expected))
    let index = try await tables.call("DescribeTable", ["TableName": "tab"])["Table"]?["GlobalSecondaryIndexes"]?[0]
    #expect(index?["IndexStatus"] == "ACTIVE" && index?["ItemCount"]?.int == Int64(expected))
  }

  @Test func `what a stream keeps ends after a day, and a closed one with it`() async throws {
    let tables = Tables()
    try await tables.create([("StreamSpecification", ["StreamEnabled": true, "StreamViewType": "KEYS_ONLY"])])
    let arn = try await tables.call("DescribeTable", ["TableName": "tab"])["Table"]?["LatestStreamArn"] ?? .null
    func records() async throws -> Int? {
      let described = try await tables.cloud.call("dynamodbstreams", "DescribeStream", ["StreamArn": arn])
      let shard = described["StreamDescription"]?["Shards"]?[0]?["ShardId"]
      let iterator = try await tables.cloud.call("dynamodbstreams", "GetShardIterator", [
        "StreamArn": arn, "ShardId": shard ?? .null, "ShardIteratorType": "TRIM_HORIZON"])["ShardIterator"]
      return try await tables.cloud.call("dynamodbstreams", "GetRecords", ["ShardIterator": iterator ?? .null])["Records"]?.array?.count
    }
    try await tables.put("a", [1])
    tables.cloud.clock.advance(.hours(20))
    try await tables.put("a", [2])
    #expect(try await records() == 2)
    tables.cloud.clock.advance(.hours(5))
    #expect(try await records() == 1)
    try await tables.work()
    #expect(try await records() == 1)
    try await tables.call("DeleteTable", ["TableName": "tab"])
    #expect(try await records() == 1)
    tables.cloud.clock.advance(.hours(25))
    try await tables.work()
    #expect(await tables.cloud.failure("dynamodbstreams", "DescribeStream", ["StreamArn": arn])?.code == "ResourceNotFoundException")
    #expect(try await tables.cloud.call("dynamodbstreams", "ListStreams")["Streams"]?.array?.isEmpty == true)
  }

  @Test func `the token of a transaction is good for ten minutes`() async throws {
    let tables = Tables()
    try await tables.create()
    let add: JSON = [
      "ClientRequestToken": "once",
      "TransactItems": [[
        "Update": [
          "TableName": "tab", "Key": Tables.key("a", [1]), "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": [":n": ["N": "1"]],
        ]
      ]],
    ]
    func number() async throws -> String? {
      try await tables.call("GetItem", ["TableName": "tab", "Key": Tables.key("a", [1])])["Item"]?["n"]?["N"]?.string
    }
    try await tables.call("TransactWriteItems", add)
    tables.cloud.clock.advance(.seconds(599))
    try await tables.call("TransactWriteItems", add)
    #expect(try await number() == "1")
    tables.cloud.clock.advance(.seconds(2))
    try await tables.work()
    try await tables.call("TransactWriteItems", add)
    #expect(try await number() == "2")
  }

  @Test func `an account that is emptied leaves no rows behind`() async throws {
    let tables = Tables()
    try await tables.create([("StreamSpecification", ["StreamEnabled": true, "StreamViewType": "NEW_IMAGE"])])
    try await tables.call("UpdateTimeToLive", [
      "TableName": "tab", "TimeToLiveSpecification": ["Enabled": true, "AttributeName": "end"]])
    try await tables.put("a", [1], [("end", ["N": "99999999999"])])
    try await tables.service.removeAll(of: .local)
    try await tables.work()
    #expect(try await tables.call("ListTables", [:])["TableNames"]?.array?.isEmpty == true)
    // What is left is the counter of table numbers.
    let left = try await tables.cloud.store.read { try $0.entries(KeyRange(prefix: Key("ddb"))).count }
    #expect(left == 1)
  }

  @Test func `a token of a transaction goes though nobody calls the worker`() async throws {
    let tables = Tables()
    try await tables.create()
    guard let worker = tables.service.workers.first(where: { $0.name == "dynamodb-expiry" }) else { return #expect(Bool(false)) }
    guard case .at(let next) = try await worker.turn(tables.cloud.clock.now()) else {
      return #expect(Bool(false), "the worker waits for a nudge that does not come")
    }
    try await tables.call("TransactWriteItems", [
      "ClientRequestToken": "once", "TransactItems": [["Put": ["TableName": "tab", "Item": Tables.key("a", [1])]]]])
    tables.cloud.clock.advance(next - tables.cloud.clock.now() + .minutes(10))
    _ = try await worker.turn(tables.cloud.clock.now())
    let left = try await tables.cloud.store.read { try $0.entries(Keys.tokens(of: .local)).count }
    #expect(left == 0)
  }

  @Test func `the ARN of a table or stream in another Region names nothing here`() async throws {
    let tables = Tables()
    try await tables.create([("StreamSpecification", ["StreamEnabled": true, "StreamViewType": "KEYS_ONLY"])])
    let table = try await tables.call("DescribeTable", ["TableName": "tab"])["Table"]
    guard let arn = table?["TableArn"]?.string, let stream = table?["LatestStreamArn"], let west = Region("eu-west-1") else {
      return #expect(Bool(false))
    }
    let calls: [(String, String, JSON)] = [
      ("dynamodb", "DescribeTable", ["TableName": .string(arn)]),
      ("dynamodb", "PutItem", ["TableName": .string(arn), "Item": Tables.key("a", [1])]),
      ("dynamodb", "ListTagsOfResource", ["ResourceArn": .string(arn)]),
      ("dynamodbstreams", "DescribeStream", ["StreamArn": stream]),
    ]
    for (service, operation, input) in calls {
      #expect(await tables.cloud.failure(service, operation, input) == nil)
      #expect(await tables.cloud.failure(service, operation, input, region: west)?.code == "ValidationException", "\(operation)")
    }
  }

  @Test(arguments: ["", String(repeating: "n", count: 65_536)])
  func `names of attributes have 1 to 65535 bytes, wherever they stand`(name: String) async throws {
    let tables = Tables()
    try await tables.create()
    func item(_ more: JSON) -> JSON {
      guard case .object(var object) = Tables.key("a", [1]) else { return .null }
      object["m"] = more
      return .object(object)
    }
    func map(_ value: JSON) -> JSON { .object(JSONObject([(name, value)])) }
    let inner: JSON = ["M": map(["S": "x"])]
    let key = Tables.key("a", [1])
    let calls: [(String, JSON)] = [
      ("PutItem", ["TableName": "tab", "Item": item(inner)]),
      ("UpdateItem", ["TableName": "tab", "Key": key, "AttributeUpdates": map(["Value": ["S": "x"]])]),
      ("UpdateItem", [
        "TableName": "tab", "Key": key, "UpdateExpression": "SET m = :m", "ExpressionAttributeValues": [":m": inner]]),
      ("ExecuteStatement", ["Statement": .string("INSERT INTO tab VALUE {'p': 'a', '\(name)': 1}")]),
    ]
    for (operation, input) in calls {
      #expect(await tables.failure(operation, input)?.code == "ValidationException", "\(operation)")
    }
    #expect(try await tables.count(of: "a") == 0)
  }
}

/// A clock whose adjusted time stands while the real one goes on.
private final class StandingClock: AmbientClock {
  private let real = Mutex<(now: Instant, monotonic: Duration)>((Instant(seconds: 1_700_000_000), .zero))
  func set(_ now: Instant, _ monotonic: Duration) { real.withLock { $0 = (now, monotonic) } }
  func now() -> Instant { real.withLock { $0.now } }
  func wallNow() -> Instant { now() }
  func sleep(until deadline: Instant) async throws {}
  func sleepReal(for duration: Duration) async throws {}
  func monotonic() -> Duration { real.withLock { $0.monotonic } }
}

struct ThroughputTests {
  @Test func `a clock that stands or is set back does not throttle for ever`() throws {
    let clock = StandingClock(), buckets = ThroughputBuckets(clock), begin = clock.now()
    var table = Table(
      name: TableName(account: .local, region: .usEast1, name: "tab"), id: 1, uuid: "u", createdAt: begin, definitions: [],
      key: KeySchema(hash: KeyAttribute("p", .string)), indexes: [])
    table.throughput = Throughput(read: 1, write: 1)
    var cost = Capacity()
    cost.add(301)
    buckets.spend(cost, of: table, .read, at: clock.now())
    #expect(throws: AWSError.self) { try buckets.admit(table, .read, at: clock.now()) }
    clock.set(begin, .seconds(2))
    try buckets.admit(table, .read, at: clock.now())
    buckets.spend(cost, of: table, .read, at: clock.now())
    clock.set(begin - .hours(5), .seconds(2))
    #expect(throws: AWSError.self) { try buckets.admit(table, .read, at: clock.now()) }
    // An advanced clock gives at once what it has skipped.
    clock.set(begin, .seconds(2))
    try buckets.admit(table, .read, at: clock.now())
  }
}
