import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import DynamoDB

extension Tables {
  /// A table with a local index that has all of an item.
  fileprivate func withLocalIndex() async throws {
    try await call("CreateTable", [
      "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
      "KeySchema": [["AttributeName": "p", "KeyType": "HASH"], ["AttributeName": "s", "KeyType": "RANGE"]],
      "AttributeDefinitions": [
        ["AttributeName": "p", "AttributeType": "S"], ["AttributeName": "s", "AttributeType": "B"],
        ["AttributeName": "l", "AttributeType": "S"],
      ],
      "LocalSecondaryIndexes": [[
        "IndexName": "by-l", "KeySchema": [["AttributeName": "p", "KeyType": "HASH"], ["AttributeName": "l", "KeyType": "RANGE"]],
        "Projection": ["ProjectionType": "ALL"],
      ]]])
  }
  fileprivate func text(_ bytes: Int) -> JSON { ["S": .string(String(repeating: "x", count: bytes))] }
}

struct LimitTests {
  @Test func `an item and what a local index has of it are 400 KB at most`() async throws {
    let tables = Tables()
    try await tables.withLocalIndex()
    func item(_ bytes: Int, isIndexed: Bool) -> JSON {
      var item = JSONObject([("p", ["S": "a"]), ("s", ["B": .string([UInt8(1)].base64)]), ("t", tables.text(bytes))])
      if isIndexed { item["l"] = ["S": "x"] }
      return ["TableName": "tab", "Item": .object(item)]
    }
    try await tables.call("PutItem", item(300 << 10, isIndexed: false))
    try await tables.call("PutItem", item(190 << 10, isIndexed: true))
    #expect(await tables.failure("PutItem", item(210 << 10, isIndexed: true))?.code == "ValidationException")
    try await tables.call("PutItem", item(300 << 10, isIndexed: false))
    let update: JSON = [
      "TableName": "tab", "Key": Tables.key("a", [1]), "UpdateExpression": "SET l = :l", "ExpressionAttributeValues": [":l": ["S": "x"]],
    ]
    #expect(await tables.failure("UpdateItem", update)?.message == "Item size to update has exceeded the maximum allowed size")
  }

  @Test func `a partition of a table with local indexes grows to ten gigabytes and no further`() async throws {
    let tables = Tables()
    try await tables.withLocalIndex()
    let indexed: [(String, JSON)] = [("l", ["S": "x"])]
    try await tables.put("a", [1], indexed)
    let id = try #require(try await tables.service.tables.find(try TableName("tab", account: .local, region: .usEast1))).table.id
    let counter = Counter(Keys.collection(id, AttributeValue(string: "a")))
    let small = try await tables.cloud.store.read { try counter.value($0) }
    #expect(small == 2 * 6)
    let limit: Int64 = 10 << 30
    try await tables.cloud.store.transact { rows in _ = try counter.add(limit - small - 5, rows) }
    let put: JSON = [
      "TableName": "tab", "ReturnItemCollectionMetrics": "SIZE",
      "Item": ["p": ["S": "a"], "s": ["B": .string([UInt8(2)].base64)], "l": ["S": "x"]],
    ]
    #expect(await tables.failure("PutItem", put)?.code == "ItemCollectionSizeLimitExceededException")
    let cancelled = await tables.failure("TransactWriteItems", ["TransactItems": [["Put": ["TableName": "tab", "Item": put["Item"] ?? .null]]]])
    #expect(cancelled?.message.contains("[ItemCollectionSizeLimitExceeded]") == true)
    // Others may grow, and what makes it smaller is welcome.
    try await tables.put("b", [1], indexed)
    try await tables.call("DeleteItem", ["TableName": "tab", "Key": Tables.key("a", [1])])
    let metrics = try await tables.call("PutItem", put)["ItemCollectionMetrics"]
    #expect(metrics?["SizeEstimateRangeGB"] == [9, 10])
  }

  @Test func `an update nests no deeper than a put may`() async throws {
    let tables = Tables()
    try await tables.create()
    func nested(_ depth: Int, in value: JSON = ["S": "x"]) -> JSON { (0..<depth).reduce(value) { inner, _ in ["L": [inner]] } }
    try await tables.put("a", [1], [("l", nested(32))])
    #expect(await tables.failure("PutItem", [
      "TableName": "tab", "Item": ["p": ["S": "a"], "s": ["B": .string([UInt8(1)].base64)], "l": nested(33)]])?.code == "ValidationException")
    let path = "l" + String(repeating: "[0]", count: 20)
    func update(_ depth: Int) -> JSON {
      [
        "TableName": "tab", "Key": Tables.key("a", [1]), "UpdateExpression": .string("SET \(path) = :v"),
        "ExpressionAttributeValues": [":v": nested(depth)],
      ]
    }
    try await tables.call("UpdateItem", update(12))
    let error = await tables.failure("UpdateItem", update(13))
    #expect(error?.message.hasPrefix("Nesting Levels have exceeded supported limits") == true)
  }
}
