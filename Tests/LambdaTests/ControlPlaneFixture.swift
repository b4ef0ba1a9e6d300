import Base
import Fabric
import Logging
import Store
import StoreMemory
import Synchronization
import TestCloud
import Testing
import Wire

@testable import Lambda

extension AccountID {
  static let one = AccountID("111111111111") ?? .local
  static let two = AccountID("222222222222") ?? .local
}

/// IAM as a test wants it: roles whose name contains `missing` or `untrusted` are that, and listed actions are denied.
final class StubIdentity: RolePort, PrincipalPort, Authoriser {
  let denied = Mutex<Set<String>>([])
  let asked = Mutex<[Access]>([])

  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials
  {
    throw AWSError("AccessDenied", "no credentials in this test")
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession {
    guard try await trusts(role: role, service: service.name) == .trusted else { throw AWSError("AccessDenied", "not trusted") }
    return RoleSession(account: .one, roleName: String(role.resource.dropFirst(5)), roleID: "AROA", sessionName: sessionName)
  }
  func trusts(role: ARN, service: String) async throws -> RoleTrust {
    role.resource.contains("missing") ? .noSuchRole : role.resource.contains("untrusted") ? .notTrusted : .trusted
  }
  /// There is one user of each name but `missing`.
  func tied(_ document: String) async throws -> String {
    if document.contains(":user/missing") { throw AWSError("MalformedPolicyDocumentException", "there is no such user") }
    return document.replacing("arn:aws:iam::222222222222:user/", with: "AIDA")
  }
  func shown(_ document: String) async throws -> String { document.replacing("AIDA", with: "arn:aws:iam::222222222222:user/") }
  func authorise(_ access: Access, for call: Call) async throws {
    asked.withLock { $0.append(access) }
    if denied.withLock({ $0.contains(access.action) }) { throw AWSError("AccessDeniedException", "denied: \(access.action)") }
  }
}

final class StubQueues: QueuePort {
  let queues = Mutex<[String: (visibility: Duration, isFIFO: Bool)]>([:])

  func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription {
    guard let found = queues.withLock({ $0[queue.text] }) else { throw AWSError("QueueDoesNotExist", "no such queue") }
    return QueueDescription(arn: queue, isFIFO: found.isFIFO, visibilityTimeout: found.visibility, maximumMessageSize: 1 << 20)
  }
  func receive(_ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller) async throws
    -> [QueueMessage]
  { [] }
  func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws {}
  func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws {}
  let sent = Recorder<(queue: String, message: OutgoingMessage)>()
  func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String {
    sent.add((queue.text, message))
    return ""
  }
}

/// Objects as a test says, by bucket and key.
final class StubObjects: ObjectPort {
  let objects = Mutex<[String: [UInt8]]>([:])
  let failure = Mutex<AWSError?>(nil)
  func read(_ object: ObjectName, maximum: Int, as caller: Caller) async throws -> [UInt8] {
    if let failure = failure.withLock({ $0 }) { throw failure }
    guard let bytes = objects.withLock({ $0["\(object.bucket)/\(object.key)"] }) else {
      throw AWSError("NoSuchKey", "The specified key does not exist.", status: 404)
    }
    return bytes
  }
  func put(_ bytes: [UInt8], contentType: String, as object: ObjectName, by caller: Caller) async throws {
    objects.withLock { $0["\(object.bucket)/\(object.key)"] = bytes }
  }
  func checkPlace(_ object: ObjectName, as caller: Caller) async throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
  func revision(of object: ObjectName) async throws -> String? {
    objects.withLock { $0["\(object.bucket)/\(object.key)"] }.map { "\($0)" }
  }
}

/// Has ready what a test says, by version.
final class StubProvisioner: Provisioner {
  let reports = Mutex<[String: ProvisionReport]>([:])
  func provisioned(_ function: FunctionID, version: String) -> ProvisionReport? { reports.withLock { $0[version] } }
}

struct StubCatalog: RuntimeCatalog {
  func support(for runtime: String) -> RuntimeSupport {
    runtime.hasPrefix("java") ? .missing(reason: "no Java was found.") : .exact(runtime)
  }
}

/// A control plane in memory, and the calls that tests make on it.
struct TestPlane {
  let plane: ControlPlane
  let clock: TestClock
  let identity = StubIdentity()
  let queues = StubQueues()
  let objects = StubObjects()
  let blobs = MemoryBlobStore()
  let directory = TemporaryDirectory()
  let store: any Store

  let provisioner = StubProvisioner()
  let metrics = FunctionMetrics()

  /// - Parameter images: where images named as in ECR lie.
  init(
    store: any Store = MemoryStore(), clock: TestClock = TestClock(), limits: AccountLimits = AccountLimits(),
    streams: [String: any StreamPort] = [:], images: String? = nil, followsObjects: Bool = false
  ) {
    (self.store, self.clock) = (store, clock)
    let library = ImageLibrary(directory: images, allowsAnyPath: true)
    plane = ControlPlane(
      store: store, ambient: Ambient(clock: clock, random: SystemRandom()),
      packages: PackageStore(
        blobs: blobs, directory: directory.path + "/code",
        images: ImageStore(library: library, directory: directory.path + "/images")), roles: identity, principals: identity,
      authoriser: identity, queues: queues, objects: objects, streams: streams, catalog: StubCatalog(), provisioner: provisioner,
      hotReload: HotReload(clock: clock, logger: Logger(label: "test")), metrics: metrics, limits: limits, followsObjects: followsObjects,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  func call(_ operation: String, account: AccountID = .one, region: Region = .usEast1) -> Call {
    Call(
      service: "lambda", operation: operation, principal: .root(account), account: account, region: region,
      requestID: "r", trace: TraceContext(root: "1-0-0"), now: clock.now())
  }

  /// Runs an operation as the gateway would, permissions included.
  @discardableResult
  func run<Input: RecordView>(_ input: Input, account: AccountID = .one, region: Region = .usEast1) async throws -> Record {
    let name = String(describing: Input.self).replacing("Input", by: "")
    let call = call(name, account: account, region: region)
    let operation = try #require(plane.operations.first { $0.name == name })
    for access in try await operation.access(input.record, call) { try await identity.authorise(access, for: call) }
    return try await operation.run(input.record, call) ?? Record(Input.shape)
  }

  /// The error that an operation answers, as `Code: message`.
  func refusal<Input: RecordView>(_ input: Input, account: AccountID = .one, region: Region = .usEast1) async -> String {
    do {
      try await run(input, account: account, region: region)
      return "accepted"
    } catch let error as AWSError {
      return "\(error.code): \(error.message)"
    } catch {
      return "\(error)"
    }
  }

  /// Lets the activation worker do what it would do at once.
  func settle() async throws {
    for worker in [plane.activation, plane.imageActivation] { _ = try await worker.turn(clock.now()) }
  }

  static let zip = ZipWriter.zip([.init("app.py", "def handler(e, c): return e")])
  static let otherZip = ZipWriter.zip([.init("app.py", "def handler(e, c): return 2")])
  static let role = "arn:aws:iam::111111111111:role/orders"

  static func creation(_ name: String = "orders", _ change: (inout CreateFunctionInput) -> Void = { _ in }) -> CreateFunctionInput
  {
    var input = CreateFunctionInput()
    var code = FunctionCode()
    code.zipFile = zip
    (input.functionName, input.runtime, input.handler, input.role, input.code) = (name, "python3.13", "app.handler", role, code)
    change(&input)
    return input
  }

  func create(_ name: String = "orders", _ change: (inout CreateFunctionInput) -> Void = { _ in }) async throws
    -> FunctionConfiguration
  {
    let created = FunctionConfiguration(try await run(Self.creation(name, change)))
    try await settle()
    return created
  }

  func configuration(_ name: String = "orders", _ qualifier: String? = nil) async throws -> FunctionConfiguration {
    var input = GetFunctionConfigurationInput()
    (input.functionName, input.qualifier) = (name, qualifier)
    return FunctionConfiguration(try await run(input))
  }
}

/// An input, filled in place.
func input<T: RecordView>(_ type: T.Type = T.self, _ fill: (inout T) -> Void) -> T {
  var value = T()
  fill(&value)
  return value
}
