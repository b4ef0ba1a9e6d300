import Base
import Fabric
import Gateway
import Store
import StoreMemory
import Wire

/// Services in one process on the memory store, with a clock that a test moves: they are called by name with JSON and
/// answer with JSON, and everything between an HTTP request and a service happens except HTTP and the signature.
///
///     let cloud = TestCloud { [SQSService(store: $0.store, ambient: $0.ambient, authoriser: $0.authoriser)] }
///     let queue = try await cloud.call("sqs", "CreateQueue", ["QueueName": "orders"])
///     #expect(await cloud.failure("sqs", "SendMessage", ["QueueUrl": "…"])?.code == "MissingParameter")
///
/// Members have their names of the model, wherever a protocol puts them. Blobs are base64 text, times epoch seconds.
public struct TestCloud: Sendable {
  public let store: MemoryStore
  public let blobs: MemoryBlobStore
  public let bytes: MemoryByteStore
  public let clock: TestClock
  public let ambient: Ambient
  public let authoriser: ScriptedAuthoriser
  /// The door between services.
  public let dispatcher: Dispatcher
  public let modules: [any ServiceModule]

  /// What services are made from.
  public struct Parts: Sendable {
    public let store: MemoryStore
    public let blobs: MemoryBlobStore
    public let bytes: MemoryByteStore
    public let clock: TestClock
    public let ambient: Ambient
    public let authoriser: ScriptedAuthoriser
    public let door: any Door
  }

  /// - Parameter authoriser: decides in place of IAM; by default it allows everything. To test with IAM, make an IAM service and
  ///   give it to the other services, and `permissions` to have it asked here as well.
  public init(
    seed: UInt64 = 7, store: MemoryStore = MemoryStore(), blobs: MemoryBlobStore = MemoryBlobStore(),
    bytes: MemoryByteStore = MemoryByteStore(), clock: TestClock = TestClock(),
    authoriser: ScriptedAuthoriser = .allowAll(), permissions: (any Authoriser)? = nil,
    _ make: (Parts) throws -> [any ServiceModule]
  ) rethrows {
    (self.store, self.blobs, self.bytes, self.clock, self.authoriser) = (store, blobs, bytes, clock, authoriser)
    ambient = .test(seed: seed, clock: clock)
    dispatcher = Dispatcher(authoriser: permissions ?? authoriser, ambient: ambient)
    modules = try make(
      Parts(store: store, blobs: blobs, bytes: bytes, clock: clock, ambient: ambient, authoriser: authoriser, door: dispatcher))
    dispatcher.install(modules.flatMap(\.apis))
  }

  /// The services as they come up again on the same state, the clock where it was.
  public func restarted(_ make: (Parts) throws -> [any ServiceModule]) rethrows -> TestCloud {
    try TestCloud(seed: 8, store: store, blobs: blobs, bytes: bytes, clock: clock, authoriser: authoriser, make)
  }

  /// Calls an operation as a client would. Throws `AWSError`.
  @discardableResult
  public func call(
    _ service: String, _ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local),
    region: Region = .usEast1
  ) async throws -> JSON {
    guard let api = dispatcher.api(service), let model = api.model.operations[operation] else {
      preconditionFailure("no operation \(operation) of \(service)")
    }
    let body = Self.renamed(input, model.input) { ($0.name, $0.wireName) }
    let record = try WireCodec.decode(model, of: api.model, .awsJson11, WireRequest(body: body.bytes), labels: [:])
    var call = Call.test(service, operation, as: principal, region: api.isGlobal ? .global : region, at: clock.now())
    call.requestID = ambient.uuid()
    let output = try await dispatcher.perform(operation, of: api, record, call)
    let response = WireCodec.encode(output, operation: model, service: api.model, proto: .awsJson11, requestID: call.requestID)
    guard !response.body.isEmpty else { return [:] }
    return Self.renamed(try JSON.parse(response.body), model.output) { ($0.wireName, $0.name) }
  }

  /// The error of a call that must fail; nil when it did not.
  public func failure(
    _ service: String, _ operation: String, _ input: JSON = [:], as principal: Principal = .root(.local),
    region: Region = .usEast1
  ) async -> AWSError? {
    do {
      try await call(service, operation, input, as: principal, region: region)
      return nil
    } catch let error as AWSError {
      return error
    } catch {
      return .internalFailure(error)
    }
  }

  /// One turn of every worker, and more while one has more to do now.
  /// - Parameter turns: at most so many for each, so that a worker that never comes to an end shows.
  public func work(turns: Int = 1000) async throws {
    for worker in modules.flatMap(\.workers) {
      var left = turns
      while try await worker.turn(clock.now()) == .soon {
        left -= 1
        precondition(left > 0, "worker \(worker.name) did not come to an end in \(turns) turns")
      }
    }
  }

  /// Top-level members between the model's names and those of their place in a request (`X-Amz-Invocation-Type`).
  private static func renamed(_ value: JSON, _ shape: StructureShape?, _ names: (Member) -> (String, String)) -> JSON {
    guard let object = value.object, let shape else { return value }
    let table = Dictionary(shape.members.map(names), uniquingKeysWith: { first, _ in first })
    return .object(JSONObject(object.map { (table[$0.name] ?? $0.name, $0.value) }))
  }
}

/// Lets other tasks run until something holds. No time passes; the test's own time limit ends what never comes.
public func eventually(_ condition: () async -> Bool) async {
  while !Task.isCancelled, await !condition() { await Task.yield() }
}
