import Base
import Fabric
import Store
import Testing
import TestCloud

@testable import Kinesis

/// Kinesis in process, with a stream or two.
struct Cloud {
  let cloud: TestCloud
  var service: KinesisService { cloud.modules[0] as! KinesisService }  // it was made below
  var clock: TestClock { cloud.clock }
  var now: Instant { cloud.clock.now() }

  init(_ cloud: TestCloud = Cloud.test()) { self.cloud = cloud }
  static func test() -> TestCloud { TestCloud { [make($0)] } }
  private static func make(_ parts: TestCloud.Parts) -> KinesisService {
    KinesisService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: NoPrincipals())
  }
  func restarted() -> Cloud { Cloud(cloud.restarted { [Self.make($0)] }) }

  @discardableResult
  func call(_ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local)) async throws -> JSON {
    try await cloud.call("kinesis", operation, input, as: principal)
  }
  func failure(_ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local)) async -> AWSError? {
    await cloud.failure("kinesis", operation, input, as: principal)
  }

  static func arn(_ stream: String) -> String { "arn:aws:kinesis:us-east-1:000000000000:stream/\(stream)" }

  /// An active stream.
  func stream(_ name: String = "clicks", shards: Int = 1) async throws {
    try await call("CreateStream", ["StreamName": .string(name), "ShardCount": JSON(shards)])
    try await cloud.work()
  }

  @discardableResult
  func put(_ data: String, key: String = "k", to stream: String = "clicks") async throws -> JSON {
    try await call(
      "PutRecord", ["StreamName": .string(stream), "Data": .string(Array(data.utf8).base64), "PartitionKey": .string(key)])
  }

  func iterator(
    _ type: String = "TRIM_HORIZON", shard: Int = 0, of stream: String = "clicks", _ more: [(String, JSON)] = []
  ) async throws -> JSON {
    var input = JSONObject([
      ("StreamName", .string(stream)), ("ShardId", .string("\(ShardID(shard))")), ("ShardIteratorType", .string(type)),
    ])
    for (name, value) in more { input[name] = value }
    return try await call("GetShardIterator", .object(input))["ShardIterator"] ?? .null
  }

  func read(_ iterator: JSON, limit: Int? = nil) async throws -> JSON {
    var input = JSONObject([("ShardIterator", iterator)])
    if let limit { input["Limit"] = JSON(limit) }
    return try await call("GetRecords", .object(input))
  }

  /// The data of a shard from a place on.
  func data(_ type: String = "TRIM_HORIZON", shard: Int = 0, of stream: String = "clicks", _ more: [(String, JSON)] = []) async throws
    -> [String]
  {
    texts(try await read(try await iterator(type, shard: shard, of: stream, more)))
  }

  func shards(_ stream: String = "clicks", _ filter: JSON? = nil) async throws -> [JSON] {
    var input = JSONObject([("StreamName", .string(stream))])
    if let filter { input["ShardFilter"] = filter }
    return try await call("ListShards", .object(input))["Shards"]?.array ?? []
  }
}

func texts(_ page: JSON) -> [String] {
  (page["Records"]?.array ?? []).map { decodeBase64(Array(($0["Data"]?.string ?? "").utf8))?.utf8Text ?? "" }
}

/// Policies are kept as they are.
struct NoPrincipals: PrincipalPort {
  func tied(_ document: String) async throws -> String { document }
  func shown(_ document: String) async throws -> String { document }
}

extension Cloud {
  /// The bytes of all rows.
  func stored() async throws -> Int {
    try await cloud.store.read { rows in try rows.entries(KeyRange(prefix: Key("kinesis"))).reduce(0) { $0 + $1.value.count } }
  }
  /// There is nothing of Kinesis.
  func isEmpty() async throws -> Bool {
    try await cloud.store.read { rows in try rows.first(KeyRange(prefix: Key("kinesis"))) == nil }
  }
}
