import Base
import Fabric
import Store
import StoreMemory
import SQS
import Synchronization
import TestCloud
import Wire

@testable import S3

/// Knows the user `ann` alone.
struct OneUser: PrincipalPort {
  static let arn = "arn:aws:iam::000000000000:user/ann"
  static let id = "AIDAANN"
  func tied(_ document: String) async throws -> String {
    if document.contains(":user/bob") { throw AWSError("MalformedPolicyDocumentException", "there is no bob") }
    return document.replacing(Self.arn, with: Self.id)
  }
  func shown(_ document: String) async throws -> String { document.replacing(Self.id, with: Self.arn) }
}

/// Has no roles.
struct NoRoles: RolePort {
  private static let missing = AWSError("NoSuchEntity", "there are no roles here", status: 404)
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials {
    throw Self.missing
  }
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession { throw Self.missing }
  func trusts(role: ARN, service: String) async throws -> RoleTrust { .noSuchRole }
}

/// Issued the key `AKIAISSUED` to the user `ann`; does not know others.
struct OneKey: KeyDirectory {
  static let (id, secret) = ("AKIAISSUED", "a secret")
  func identity(accessKeyID: String, sessionToken: String?, now: Instant) async throws -> KeyIdentity {
    guard accessKeyID == Self.id else { throw KeyFailure.unknown }
    return KeyIdentity(secret: Self.secret, principal: .user("ann"))
  }
}

final class RecordedHops: HopPort {
  private let state = Mutex((hops: [Hop](), last: 0))
  var all: [Hop] { state.withLock { $0.hops } }
  func record(_ hop: Hop) { state.withLock { $0.hops.append(hop) } }
  func newID() -> String {
    state.withLock { state in
      state.last += 1
      return "hop\(state.last)"
    }
  }
}

extension TestCloud {
  static func s3Modules(_ parts: Parts, hops: any HopPort = EmptyHops()) -> [any ServiceModule] {
    let sqs = SQSService(store: parts.store, ambient: parts.ambient, authoriser: parts.authoriser, principals: OneUser())
    return [S3Service.test(parts, sqs, hops), sqs]
  }

  /// S3, and SQS as a destination of events.
  static func s3(hops: any HopPort = EmptyHops()) -> TestCloud {
    TestCloud { s3Modules($0, hops: hops) }
  }

  var s3: S3Service {
    guard let s3 = modules.lazy.compactMap({ $0 as? S3Service }).first else { preconditionFailure("there is no S3") }
    return s3
  }

  /// Calls an operation with a typed input; its output by the shape of the model.
  @discardableResult
  func run<Input: RecordView, Output: RecordView>(
    _ operation: String, as principal: Principal = .root(.local), _ output: Output.Type = Output.self, _ fill: (inout Input) -> Void
  ) async throws -> Output {
    let record = try await perform(operation, as: principal, fill)
    guard let record else { preconditionFailure("\(operation) has no output") }
    return Output(record)
  }

  /// The same for an operation without output.
  func run<Input: RecordView>(
    _ operation: String, as principal: Principal = .root(.local), _ fill: (inout Input) -> Void
  ) async throws {
    _ = try await perform(operation, as: principal, fill)
  }

  /// The error of a call that must fail; nil when it did not.
  func failure<Input: RecordView>(
    of operation: String, as principal: Principal = .root(.local), _ fill: (inout Input) -> Void
  ) async throws -> AWSError? {
    do {
      _ = try await perform(operation, as: principal, fill)
      return nil
    } catch let error as AWSError { return error }
  }

  private func perform<Input: RecordView>(
    _ operation: String, as principal: Principal, _ fill: (inout Input) -> Void
  ) async throws -> Record? {
    guard let api = dispatcher.api("s3") else { preconditionFailure("there is no S3") }
    var input = Input()
    fill(&input)
    var call = Call.test("s3", operation, as: principal, at: clock.now())
    call.requestID = ambient.uuid()
    return try await dispatcher.perform(operation, of: api, input.record, call)
  }
}

extension S3Service {
  static func test(_ parts: TestCloud.Parts, _ queues: any QueuePort, _ hops: any HopPort) -> S3Service {
    S3Service(
      store: parts.store, bytes: parts.bytes, ambient: parts.ambient,
      neighbours: .init(
        authoriser: parts.authoriser, keys: OneKey(), principals: OneUser(),
        carriers: TargetCarriers(door: parts.door, queues: queues, roles: NoRoles()),
        hops: hops), logger: .silent)
  }
}
