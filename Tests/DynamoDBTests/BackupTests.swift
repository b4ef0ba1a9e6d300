import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import DynamoDB

extension Tables {
  /// The items of a table by their partition key, with the attribute `n`.
  fileprivate func contents(_ table: String = "tab") async throws -> [String: String] {
    var out: [String: String] = [:]
    var start: JSON?
    repeat {
      var input = JSONObject([("TableName", .string(table))])
      input["ExclusiveStartKey"] = start
      let page = try await call("Scan", .object(input))
      for item in page["Items"]?.array ?? [] { out[item["p"]?["S"]?.string ?? ""] = item["n"]?["N"]?.string ?? "" }
      start = page["LastEvaluatedKey"]
    } while start != nil
    return out
  }
  fileprivate func backup(_ name: String = "first") async throws -> JSON {
    try await call("CreateBackup", ["TableName": "tab", "BackupName": .string(name)])["BackupDetails"]?["BackupArn"] ?? .null
  }
  fileprivate func set(_ p: String, _ n: Int) async throws { try await put(p, [1], [("n", ["N": .string("\(n)")])]) }
  fileprivate func remove(_ p: String) async throws { try await call("DeleteItem", ["TableName": "tab", "Key": Self.key(p, [1])]) }
  fileprivate func status(_ table: String) async throws -> JSON? {
    try await call("DescribeTable", ["TableName": .string(table)])["Table"]?["TableStatus"]
  }
  fileprivate func recover(_ isOn: Bool = true) async throws -> JSON {
    try await call("UpdateContinuousBackups", [
      "TableName": "tab", "PointInTimeRecoverySpecification": ["PointInTimeRecoveryEnabled": .bool(isOn)]])
  }
  fileprivate func turn(_ worker: any Worker, _ times: Int = 1) async throws {
    for _ in 0..<times { _ = try await worker.turn(cloud.clock.now()) }
  }
  fileprivate var second: JSON { .double(Double(cloud.clock.now().milliseconds) / 1000) }
}

struct BackupTests {
  @Test func `a backup has the items of when it was asked for, whatever is written while it is made`() async throws {
    let tables = Tables()
    try await tables.create()
    for n in 0..<1300 { try await tables.set("p\(n)", n) }
    let before = try await tables.contents()
    let arn = try await tables.backup()
    #expect(try await tables.call("DescribeBackup", ["BackupArn": arn])["BackupDescription"]?["BackupDetails"]?["BackupStatus"] == "CREATING")
    // Changes before, between and behind the steps of the copy, which goes by a hash of the keys.
    for round in 0..<4 {
      for n in stride(from: round, to: 1300, by: 5) { try await tables.set("p\(n)", -n) }
      for n in stride(from: round + 1, to: 1300, by: 50) { try await tables.remove("p\(n)") }
      for n in 0..<50 { try await tables.set("new\(round)-\(n)", n) }
      if round == 2 { for n in 0..<25 { try await tables.remove("new1-\(n)") } }
      try await tables.turn(tables.service.imageWorker)
    }
    let after = try await tables.contents()
    try await tables.work()
    let description = try await tables.call("DescribeBackup", ["BackupArn": arn])["BackupDescription"]
    #expect(description?["BackupDetails"]?["BackupStatus"] == "AVAILABLE" && description?["SourceTableDetails"]?["ItemCount"] == 1300)
    try await tables.call("RestoreTableFromBackup", ["TargetTableName": "again", "BackupArn": arn])
    #expect(try await tables.status("again") == "CREATING")
    #expect(await tables.failure("Scan", ["TableName": "again"])?.code == "ResourceNotFoundException")
    #expect(await tables.failure("DeleteTable", ["TableName": "again"])?.code == "ResourceInUseException")
    #expect(await tables.failure("DeleteBackup", ["BackupArn": arn])?.code == "BackupInUseException")
    try await tables.work()
    #expect(try await tables.status("again") == "ACTIVE")
    #expect(try await tables.contents("again") == before)
    #expect(try await tables.contents() == after)
  }

  @Test func `a backup outlives its table and a restart, and is gone once it is deleted`() async throws {
    let tables = Tables()
    try await tables.create()
    try await tables.set("a", 1)
    let arn = try await tables.backup()
    #expect(await tables.failure("DeleteTable", ["TableName": "tab"])?.code == "ResourceInUseException")
    #expect(await tables.failure("DeleteBackup", ["BackupArn": arn])?.code == "BackupInUseException")
    let again = tables.restarted()
    try await again.work()
    try await again.call("DeleteTable", ["TableName": "tab"])
    try await again.work()
    #expect(try await again.call("ListBackups", [:])["BackupSummaries"]?.array?.map { $0["BackupArn"] } == [arn])
    try await again.call("RestoreTableFromBackup", ["TargetTableName": "tab", "BackupArn": arn])
    try await again.work()
    #expect(try await again.contents() == ["a": "1"])
    let summary = try await again.call("DescribeTable", ["TableName": "tab"])["Table"]?["RestoreSummary"]
    #expect(summary?["SourceBackupArn"] == arn && summary?["RestoreInProgress"] == false)
    #expect(await again.failure("RestoreTableFromBackup", ["TargetTableName": "tab", "BackupArn": arn])?.code == "TableAlreadyExistsException")
    #expect(try await again.call("DeleteBackup", ["BackupArn": arn])["BackupDescription"]?["BackupDetails"]?["BackupStatus"] == "DELETED")
    #expect(await again.failure("DescribeBackup", ["BackupArn": arn])?.code == "BackupNotFoundException")
    try await again.work()
    #expect(try await again.contents() == ["a": "1"])
  }

  @Test func `backups are listed a page at a time, by table and by time`() async throws {
    let tables = Tables()
    try await tables.create()
    var arns: [JSON] = []
    for n in 0..<3 {
      arns.append(try await tables.backup("number-\(n)"))
      _ = tables.cloud.clock.advance(.seconds(60))
      try await tables.work()
    }
    let page = try await tables.call("ListBackups", ["TableName": "tab", "Limit": 2])
    #expect(page["BackupSummaries"]?.array?.map { $0["BackupArn"] } == [arns[0], arns[1]] && page["LastEvaluatedBackupArn"] == arns[1])
    let rest = try await tables.call("ListBackups", ["ExclusiveStartBackupArn": arns[1]])
    #expect(rest["BackupSummaries"]?.array?.map { $0["BackupArn"] } == [arns[2]] && rest["LastEvaluatedBackupArn"] == nil)
    let seconds = Double(tables.cloud.clock.now().milliseconds) / 1000
    let late = try await tables.call("ListBackups", ["TimeRangeLowerBound": .double(seconds - 130)])
    #expect(late["BackupSummaries"]?.array?.map { $0["BackupArn"] } == [arns[1], arns[2]])
    #expect(try await tables.call("ListBackups", ["BackupType": "SYSTEM"])["BackupSummaries"] == [])
  }

  @Test func `a restore takes some of the indexes and another billing, and fills the indexes`() async throws {
    let tables = Tables()
    func index(_ name: String, _ key: String) -> JSON {
      [
        "IndexName": .string(name), "KeySchema": [["AttributeName": .string(key), "KeyType": "HASH"]],
        "Projection": ["ProjectionType": "ALL"],
      ]
    }
    try await tables.call("CreateTable", [
      "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
      "KeySchema": [["AttributeName": "p", "KeyType": "HASH"], ["AttributeName": "s", "KeyType": "RANGE"]],
      "AttributeDefinitions": [
        ["AttributeName": "p", "AttributeType": "S"], ["AttributeName": "s", "AttributeType": "B"],
        ["AttributeName": "g", "AttributeType": "S"], ["AttributeName": "h", "AttributeType": "S"],
      ],
      "GlobalSecondaryIndexes": [index("by-g", "g"), index("by-h", "h")]])
    try await tables.put("a", [1], [("g", ["S": "x"]), ("h", ["S": "y"])])
    let arn = try await tables.backup()
    try await tables.work()
    let target: [(String, JSON)] = [("TargetTableName", "again"), ("BackupArn", arn)]
    let foreign = target + [("GlobalSecondaryIndexOverride", [index("by-p", "p")])]
    #expect(await tables.failure("RestoreTableFromBackup", .object(JSONObject(foreign)))?.code == "ValidationException")
    try await tables.call("RestoreTableFromBackup", .object(JSONObject(target + [
      ("GlobalSecondaryIndexOverride", [index("by-h", "h")]), ("BillingModeOverride", "PROVISIONED"),
      ("ProvisionedThroughputOverride", ["ReadCapacityUnits": 3, "WriteCapacityUnits": 4]),
    ])))
    try await tables.work()
    let table = try await tables.call("DescribeTable", ["TableName": "again"])["Table"]
    #expect(table?["GlobalSecondaryIndexes"]?.array?.map { $0["IndexName"] } == ["by-h"])
    #expect(table?["AttributeDefinitions"]?.array?.count == 3 && table?["ProvisionedThroughput"]?["WriteCapacityUnits"] == 4)
    #expect(table?["ItemCount"] == 1 && table?["GlobalSecondaryIndexes"]?[0]?["ItemCount"] == 1)
  }
}

struct RecoveryTests {
  @Test func `a table comes back as it was at any moment since recovery was switched on`() async throws {
    let tables = Tables()
    try await tables.create()
    for n in 0..<700 { try await tables.set("p\(n)", n) }
    _ = try await tables.recover()
    var moments: [(JSON, [String: String])] = []
    for round in 1..<6 {
      for n in stride(from: round, to: 700, by: 7) { try await tables.set("p\(n)", round * 1000) }
      for n in stride(from: round, to: 700, by: 90) { try await tables.remove("p\(n)") }
      for n in 0..<20 { try await tables.set("new\(n)", round) }
      moments.append((tables.second, try await tables.contents()))
      _ = tables.cloud.clock.advance(.seconds(60))
    }
    _ = tables.cloud.clock.advance(.seconds(600))
    for (place, (moment, expected)) in moments.enumerated() {
      let name = "past\(place)"
      try await tables.call("RestoreTableToPointInTime", [
        "SourceTableName": "tab", "TargetTableName": .string(name), "RestoreDateTime": moment])
      // Written to meanwhile.
      try await tables.turn(tables.service.imageWorker)
      for n in 0..<100 { try await tables.set("p\(n * 3)", 1_000_000) }
      try await tables.turn(tables.service.imageWorker)
      for n in 0..<100 { try await tables.remove("p\(n * 2)") }
      try await tables.work()
      #expect(try await tables.contents(name) == expected)
    }
  }

  @Test func `the latest restorable time is five minutes ago, the earliest when it was switched on and at most the period`() async throws {
    let tables = Tables()
    try await tables.create()
    let source: [(String, JSON)] = [("SourceTableName", "tab"), ("TargetTableName", "again")]
    let latest = JSON.object(JSONObject(source + [("UseLatestRestorableTime", true)]))
    #expect(await tables.failure("RestoreTableToPointInTime", latest)?.code == "PointInTimeRecoveryUnavailableException")
    _ = try await tables.recover()
    let start = tables.cloud.clock.now()
    try await tables.set("a", 1)
    _ = tables.cloud.clock.advance(.seconds(299))
    let early = JSON.object(JSONObject(source + [("RestoreDateTime", tables.second)]))
    #expect(await tables.failure("RestoreTableToPointInTime", early)?.code == "InvalidRestoreTimeException")
    _ = tables.cloud.clock.advance(.seconds(301))
    try await tables.set("a", 2)
    try await tables.call("RestoreTableToPointInTime", latest)
    try await tables.work()
    #expect(try await tables.contents("again") == ["a": "1"])
    _ = tables.cloud.clock.advance(.seconds(40 * 86_400))
    try await tables.work()
    let shown = try await tables.call("DescribeContinuousBackups", ["TableName": "tab"])["ContinuousBackupsDescription"]
    let recovery = shown?["PointInTimeRecoveryDescription"]
    #expect(recovery?["PointInTimeRecoveryStatus"] == "ENABLED" && recovery?["RecoveryPeriodInDays"] == 35)
    let earliest = try #require(recovery?["EarliestRestorableDateTime"]?.double)
    #expect(earliest > Double(start.milliseconds) / 1000 + 4 * 86_400)
    // What is older is not kept.
    let id = try #require(try await tables.service.tables.find(try TableName("tab", account: .local, region: .usEast1))).table.id
    #expect(try await tables.cloud.store.read { try Log(Keys.history(id)).extent($0) }.isEmpty)
    _ = try await tables.recover(false)
    #expect(await tables.failure("RestoreTableToPointInTime", latest)?.code == "PointInTimeRecoveryUnavailableException")
  }

  @Test func `errors name what is missing`() async throws {
    let tables = Tables()
    #expect(await tables.failure("CreateBackup", ["TableName": "tab", "BackupName": "first"])?.code == "TableNotFoundException")
    #expect(await tables.failure("DescribeContinuousBackups", ["TableName": "tab"])?.code == "TableNotFoundException")
    let arn: JSON = "arn:aws:dynamodb:us-east-1:000000000000:table/tab/backup/01489602797149-73d8d5bc"
    for operation in ["DescribeBackup", "DeleteBackup"] {
      #expect(await tables.failure(operation, ["BackupArn": arn])?.code == "BackupNotFoundException")
    }
    #expect(await tables.failure("RestoreTableFromBackup", ["TargetTableName": "new", "BackupArn": arn])?.code == "BackupNotFoundException")
  }
}
