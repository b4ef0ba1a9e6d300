import Base
import Fabric
import HTTPClient
import Synchronization
import TestCloud
import Wire

@testable import Firehose

/// Firehose in process, with a scripted S3, Lambda, stream and endpoint.
struct Cloud {
  let cloud: TestCloud
  let others: Others
  var service: FirehoseService { cloud.modules[0] as! FirehoseService }  // it was made below
  var clock: TestClock { cloud.clock }

  init() {
    let others = Others()
    self.init(others, TestCloud { [Self.make($0, others)] })
  }
  private init(_ others: Others, _ cloud: TestCloud) { (self.others, self.cloud) = (others, cloud) }
  func restarted() -> Cloud { Cloud(others, cloud.restarted { [Self.make($0, others)] }) }

  private static func make(_ parts: TestCloud.Parts, _ others: Others) -> FirehoseService {
    FirehoseService(
      store: parts.store, ambient: parts.ambient,
      neighbours: .init(authoriser: parts.authoriser, roles: others, door: others, streams: others, http: others))
  }

  @discardableResult
  func call(_ operation: String, _ input: JSON = [:]) async throws -> JSON { try await cloud.call("firehose", operation, input) }
  func failure(_ operation: String, _ input: JSON = [:]) async -> AWSError? { await cloud.failure("firehose", operation, input) }

  static let bucket: [(String, JSON)] = [
    ("RoleARN", "arn:aws:iam::000000000000:role/r"), ("BucketARN", "arn:aws:s3:::lake"),
  ]
  func create(_ more: [(String, JSON)] = [], _ top: [(String, JSON)] = []) async throws {
    try await call(
      "CreateDeliveryStream",
      .object(JSONObject([
        ("DeliveryStreamName", "orders"), ("ExtendedS3DestinationConfiguration", .object(JSONObject(Self.bucket + more))),
      ] + top)))
    try await cloud.work()
  }
  func put(_ texts: String...) async throws {
    try await call("PutRecordBatch", [
      "DeliveryStreamName": "orders", "Records": .array(texts.map { ["Data": .string(Array($0.utf8).base64)] }),
    ])
  }
  /// There is nothing of Firehose.
  func isEmpty() async throws -> Bool { try await cloud.store.read { rows in try rows.first(Keys.everything) == nil } }
  /// Time passes, and the workers do what is due.
  func wait(_ duration: Duration) async throws {
    clock.advance(duration)
    try await cloud.work()
  }
}

/// Everybody whom Firehose calls. Tests say what they answer and see what they were given.
final class Others: Door, RolePort, StreamPort, HTTPSender {
  struct State {
    var objects: [(key: String, body: [UInt8])] = []
    var failure: AWSError?
    /// Only objects whose keys begin so fail.
    var failing = ""
    /// Whoever calls S3 is being cancelled.
    var cancels = false
    var encryption: [String?] = []
    var function: @Sendable (JSON) throws -> JSON = { _ in [:] }
    var events: [JSON] = []
    var trust = RoleTrust.trusted
    var shards = [StreamShard(id: "s1")]
    var records: [String: [StreamRecord]] = [:]
    var posts: [JSON] = []
    var answers = true
  }
  let state = Mutex(State())

  var objects: [String] { state.withLock { $0.objects.map { $0.body.utf8Text } } }
  var keys: [String] { state.withLock { $0.objects.map(\.key) } }
  func set(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  private static let s3 = StructureShape(name: "PutObjectRequest", members: [
    "Bucket", "Key", "Body", "ContentType", "ContentEncoding", "ServerSideEncryption", "SSEKMSKeyId",
  ].map {
    Member(name: $0, type: $0 == "Body" ? .blob : .string)
  })
  private static let invoke = StructureShape(name: "InvocationRequest", members: [Member(name: "FunctionName", type: .string), Member(name: "Payload", type: .blob)])
  private static let invoked = StructureShape(
    name: "InvocationResponse", members: [Member(name: "FunctionError", type: .string), Member(name: "Payload", type: .blob)])

  func model(_ service: String) -> ServiceModel? {
    let operation = service == "s3"
      ? OperationModel(name: "PutObject", input: Self.s3, output: nil) : OperationModel(name: "Invoke", input: Self.invoke, output: Self.invoked)
    return ServiceModel(
      name: service, signingName: service, endpointPrefix: service, apiVersion: "1", protocols: [.awsJson11], targetPrefix: nil,
      xmlNamespace: nil, operations: [operation.name: operation], structures: [:], shapeNamespace: "test")
  }

  func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record? {
    if service == "s3" {
      try state.withLock { state in
        if state.cancels { throw CancellationError() }
        if let failure = state.failure, input["Key"]?.string?.hasPrefix(state.failing) == true { throw failure }
        state.encryption.append(input["ServerSideEncryption"]?.string == "aws:kms" ? input["SSEKMSKeyId"]?.string : nil)
        state.objects.append((input["Key"]?.string ?? "", input["Body"]?.blob ?? []))
      }
      return nil
    }
    let event = try JSON.parse(input["Payload"]?.blob ?? [])
    let function = state.withLock { state in
      state.events.append(event)
      return state.function
    }
    var output = Record(Self.invoked)
    do {
      output["Payload"] = .blob(try function(event).bytes)
    } catch {
      (output["FunctionError"], output["Payload"]) = (.string("Unhandled"), .blob(Array("{}".utf8)))
    }
    return output
  }

  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw AWSError("NotImplemented", "not here")
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    RoleSession(account: .local, roleName: "r", roleID: "AROA", sessionName: sessionName)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { state.withLock { $0.trust } }

  var actions: [String] { ["GetRecords"] }
  func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription {
    StreamDescription(shards: state.withLock { $0.shards })
  }
  func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    let records = state.withLock { $0.records[shard] ?? [] }
    let place =
      switch position {
      case .latest: records.count
      case .timestamp(let time): records.firstIndex { $0.arrival >= time } ?? records.count
      case .trimHorizon, .after: 0
      }
    return "\(shard):\(place)"
  }
  func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    let parts = iterator.split(separator: ":").map(String.init)
    return state.withLock { state in
      let place = Int(parts[1]) ?? 0
      let page = Array((state.records[parts[0]] ?? []).dropFirst(place).prefix(2))
      let isClosed = state.shards.first { $0.id == parts[0] }?.isClosed == true
      let isEnd = isClosed && place + page.count >= state.records[parts[0]]?.count ?? 0
      return StreamPage(records: page, next: isEnd ? nil : "\(parts[0]):\(place + page.count)")
    }
  }

  func send(_ request: OutgoingRequest) async throws -> IncomingAnswer {
    let json = try JSON.parse(request.body)
    return state.withLock { state in
      state.posts.append(json)
      let id = json["requestId"]?.string ?? ""
      return state.answers
        ? IncomingAnswer(status: 200, body: Array("{\"requestId\":\"\(id)\",\"timestamp\":1}".utf8)) : IncomingAnswer(status: 503)
    }
  }
}
