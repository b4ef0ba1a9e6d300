import Base
import Fabric
import Kinesis
import Store
import TestCloud

@testable import DynamoDB

/// DynamoDB in process with Kinesis, whose workers a test turns by hand.
struct Tables {
  let cloud: TestCloud
  let bucket: Bucket
  var service: DynamoDBService {
    guard let service = cloud.modules[0] as? DynamoDBService else { preconditionFailure("the only module") }
    return service
  }

  init(_ cloud: TestCloud? = nil, bucket: Bucket = Bucket(), permissions: (any Authoriser)? = nil) {
    self.cloud = cloud ?? TestCloud(permissions: permissions) { Self.make($0, bucket) }
    self.bucket = bucket
  }
  private static func make(_ parts: TestCloud.Parts, _ bucket: Bucket) -> [any ServiceModule] {
    [
      DynamoDBService(
        store: parts.store, ambient: parts.ambient,
        neighbours: .init(authoriser: parts.authoriser, principals: UntiedPrincipals(), door: parts.door, objects: bucket)),
      KinesisService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: UntiedPrincipals()),
    ]
  }
  func restarted() -> Tables { Tables(cloud.restarted { Self.make($0, bucket) }, bucket: bucket) }

  @discardableResult
  func call(_ operation: String, _ input: JSON) async throws -> JSON { try await cloud.call("dynamodb", operation, input) }
  func failure(_ operation: String, _ input: JSON) async -> AWSError? { await cloud.failure("dynamodb", operation, input) }

  func create(_ more: [(String, JSON)] = []) async throws {
    try await call("CreateTable", .object(JSONObject([
      ("TableName", "tab"), ("BillingMode", "PAY_PER_REQUEST"),
      ("KeySchema", [["AttributeName": "p", "KeyType": "HASH"], ["AttributeName": "s", "KeyType": "RANGE"]]),
      ("AttributeDefinitions", [["AttributeName": "p", "AttributeType": "S"], ["AttributeName": "s", "AttributeType": "B"]]),
    ] + more)))
  }
  static func key(_ p: String, _ s: [UInt8]) -> JSON { ["p": ["S": .string(p)], "s": ["B": .string(s.base64)]] }
  func put(_ p: String, _ s: [UInt8], _ more: [(String, JSON)] = []) async throws {
    try await call("PutItem", ["TableName": "tab", "Item": .object(JSONObject([
      ("p", ["S": .string(p)]), ("s", ["B": .string(s.base64)])] + more))])
  }
  func count(of p: String) async throws -> Int? {
    try await call("Query", [
      "TableName": "tab", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": [":p": ["S": .string(p)]], "Select": "COUNT",
    ])["Count"]?.int.map(Int.init)
  }
  /// Lets all workers work until nothing is left to do now.
  func work() async throws {
    for worker in cloud.modules.flatMap(\.workers) {
      while case .soon = try await worker.turn(cloud.clock.now()) {}
    }
  }
}

/// Policies name nobody here.
struct UntiedPrincipals: PrincipalPort {
  func tied(_ document: String) async throws -> String { document }
  func shown(_ document: String) async throws -> String { document }
}
