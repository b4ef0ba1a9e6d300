import Base
import Fabric
import Synchronization
import TestCloud
import Testing

@testable import DynamoDB

/// Lets everything through and remembers what was asked, with what policies may see.
private final class Asked: Authoriser {
  private let list = Mutex<[Access]>([])
  func authorise(_ access: Access, for call: Call) async throws { list.withLock { $0.append(access) } }
  func last() -> Access? { list.withLock { $0.last } }
}

struct StatementTests {
  private static let ann = Principal.user(account: .local, name: "ann", path: "/", id: "AIDAANN")

  private func tables(_ permissions: (any Authoriser)? = nil) async throws -> Tables {
    let tables = Tables(permissions: permissions)
    try await tables.call("CreateTable", [
      "TableName": "tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [["AttributeName": "p", "KeyType": "HASH"]],
      "AttributeDefinitions": [["AttributeName": "p", "AttributeType": "S"]]])
    for p in ["a", "b"] {
      try await tables.call("PutItem", ["TableName": "tab", "Item": ["p": ["S": .string(p)], "owner": ["S": "b"], "n": ["N": "-1"]]])
    }
    return tables
  }
  private func run(_ tables: Tables, _ statement: String) async throws -> JSON {
    try await tables.call("ExecuteStatement", ["Statement": .string(statement)])
  }
  private func names(_ tables: Tables) async throws -> [String] {
    let items = try await tables.call("Scan", ["TableName": "tab"])["Items"]?.array ?? []
    return items.compactMap { $0["p"]?["S"]?.string }.sorted()
  }

  @Test func `a condition on the key beside the one that names it counts`() async throws {
    let tables = try await tables()
    for statement in ["DELETE FROM tab WHERE p = 'a' AND p = owner", "UPDATE tab SET n = 7 WHERE p = 'a' AND owner = p"] {
      let error = await tables.failure("ExecuteStatement", ["Statement": .string(statement)])
      #expect(error?.code == "ConditionalCheckFailedException", "\(statement)")
    }
    let torn = await tables.failure("ExecuteStatement", ["Statement": "DELETE FROM tab WHERE p = 'a' AND p = 'b'"])
    #expect(torn?.code == "ValidationException")
    #expect(try await names(tables) == ["a", "b"])
    _ = try await run(tables, "DELETE FROM tab WHERE p = 'a' AND p = 'a' AND owner = 'b'")
    _ = try await run(tables, "DELETE FROM tab WHERE p = 'b' AND p = owner")
    #expect(try await names(tables) == [])
  }

  @Test func `negative numbers stand behind words`() async throws {
    let tables = try await tables()
    for condition in ["n BETWEEN -5 AND -1", "n = 3 OR -1 = n", "-1 = n", "NOT -2 = n", "n IN (-1, -2)"] {
      #expect(try await run(tables, "SELECT * FROM tab WHERE \(condition)")["Items"]?.array?.count == 2, "\(condition)")
    }
    _ = try await run(tables, "UPDATE tab SET n = n -1 WHERE p = 'a'")
    #expect(try await run(tables, "SELECT * FROM tab WHERE n = -2")["Items"]?.array?.count == 1)
  }

  @Test func `a transaction of statements with one token writes once`() async throws {
    let tables = try await tables()
    func execute(_ statement: String, _ token: String) async throws -> JSON {
      try await tables.call("ExecuteTransaction", [
        "TransactStatements": [["Statement": .string(statement)]], "ClientRequestToken": .string(token), "ReturnConsumedCapacity": "TOTAL"])
    }
    let add = "UPDATE tab SET n = n + 1 WHERE p = 'a'"
    _ = try await execute(add, "one")
    _ = try await execute(add, "one")
    let found = try await execute("SELECT * FROM tab WHERE p = 'a'", "two")
    #expect(found["Responses"]?[0]?["Item"]?["n"]?["N"] == "0")
    #expect(found["ConsumedCapacity"]?[0]?["ReadCapacityUnits"]?.int == 2)
    let other = await tables.failure("ExecuteTransaction", [
      "TransactStatements": [["Statement": "UPDATE tab SET n = n + 2 WHERE p = 'a'"]], "ClientRequestToken": "one"])
    #expect(other?.code == "IdempotentParameterMismatchException")
  }

  @Test(arguments: [
    ("SELECT * FROM tab WHERE p = 'a'", ["a"], ["p"], "false", "ALL_ATTRIBUTES"),
    ("SELECT p, m.x FROM tab WHERE p IN ['a', 'b'] AND n > 1", ["a", "b"], ["m", "n", "p"], "false", "SPECIFIC_ATTRIBUTES"),
    ("SELECT * FROM tab WHERE p = 'a' OR p = 'b' AND n = 1", ["a", "b"], ["n", "p"], "false", "ALL_ATTRIBUTES"),
    ("SELECT * FROM tab WHERE p = 'a' OR n = 1", nil, ["n", "p"], "true", "ALL_ATTRIBUTES"),
    ("SELECT * FROM tab WHERE NOT p = 'a'", nil, ["p"], "true", "ALL_ATTRIBUTES"),
    ("SELECT * FROM tab", nil, nil, "true", "ALL_ATTRIBUTES"),
    ("INSERT INTO tab VALUE {'p': 'c', 'm': 1}", ["c"], ["m", "p"], nil, nil),
    ("UPDATE tab SET n = owner REMOVE m.x WHERE p = 'a'", ["a"], ["m", "n", "owner", "p"], nil, nil),
    ("DELETE FROM tab WHERE p = 'a'", ["a"], ["p"], nil, nil),
  ] as [(String, [String]?, [String]?, String?, String?)])
  func `policies see partitions and attributes of a statement`(
    _ statement: String, _ keys: [String]?, _ attributes: [String]?, _ scan: String?, _ select: String?
  ) async throws {
    let asked = Asked()
    let tables = try await tables(asked)
    _ = await tables.cloud.failure("dynamodb", "ExecuteStatement", ["Statement": .string(statement)], as: Self.ann)
    let values = asked.last()?.conditionValues ?? [:]
    #expect(values["dynamodb:leadingkeys"] == keys)
    #expect(values["dynamodb:attributes"] == attributes)
    #expect(values["dynamodb:fulltablescan"] == scan.map { [$0] })
    #expect(values["dynamodb:select"] == select.map { [$0] })
    #expect(values["dynamodb:enclosingoperation"] == nil)
  }

  @Test func `each statement of a transaction is asked with its own partition`() async throws {
    let asked = Asked()
    let tables = try await tables(asked)
    let statements: [JSON] = ["a", "b"].map { ["Statement": .string("UPDATE tab SET n = 1 WHERE p = '\($0)'")] }
    _ = try await tables.cloud.call("dynamodb", "ExecuteTransaction", ["TransactStatements": .array(statements)], as: Self.ann)
    #expect(asked.last()?.conditionValues["dynamodb:leadingkeys"] == ["b"])
    #expect(asked.last()?.conditionValues["dynamodb:enclosingoperation"] == ["ExecuteTransaction"])
  }

  @Test(arguments: [
    ("PutItem", ["Item": ["p": ["S": "a"], "x": ["S": "1"]], "ConditionExpression": "attribute_exists(#c)",
      "ExpressionAttributeNames": ["#c": "y"]], ["p", "x", "y"], nil),
    ("GetItem", ["Key": ["p": ["S": "a"]], "ProjectionExpression": "x.y, z"], ["p", "x", "z"], "SPECIFIC_ATTRIBUTES"),
    ("GetItem", ["Key": ["p": ["S": "a"]]], ["p"], "ALL_ATTRIBUTES"),
    ("GetItem", ["Key": ["p": ["S": "a"]], "AttributesToGet": ["x"]], ["p", "x"], "SPECIFIC_ATTRIBUTES"),
    ("UpdateItem", ["Key": ["p": ["S": "a"]], "UpdateExpression": "SET x = if_not_exists(y, :v)",
      "ExpressionAttributeValues": [":v": ["S": "1"]]], ["p", "x", "y"], nil),
    ("UpdateItem", ["Key": ["p": ["S": "a"]], "AttributeUpdates": ["x": ["Value": ["S": "1"]]]], ["p", "x"], nil),
    ("DeleteItem", ["Key": ["p": ["S": "a"]], "Expected": ["x": ["Exists": false]]], ["p", "x"], nil),
    ("Query", ["KeyConditionExpression": "p = :p", "FilterExpression": "x = :p", "ExpressionAttributeValues": [":p": ["S": "a"]]],
      ["p", "x"], "ALL_ATTRIBUTES"),
    ("Scan", ["FilterExpression": "attribute_exists(x)", "ProjectionExpression": "p"], ["p", "x"], "SPECIFIC_ATTRIBUTES"),
  ] as [(String, JSON, [String], String?)])
  func `policies see the attributes of every operation on items`(
    _ operation: String, _ input: JSON, _ attributes: [String], _ select: String?
  ) async throws {
    let asked = Asked()
    let tables = try await tables(asked)
    guard case .object(var object) = input else { return }
    object["TableName"] = "tab"
    _ = await tables.cloud.failure("dynamodb", operation, .object(object), as: Self.ann)
    #expect(asked.last()?.conditionValues["dynamodb:attributes"] == attributes)
    #expect(asked.last()?.conditionValues["dynamodb:select"] == select.map { [$0] })
    #expect(asked.last()?.conditionValues["dynamodb:leadingkeys"] == (operation == "Scan" ? nil : ["a"]))
  }
}
