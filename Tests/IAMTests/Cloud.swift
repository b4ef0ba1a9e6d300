import Base
import Fabric
import Store
import StoreMemory
import Testing
import Wire

@testable import IAM

/// The service alone, called as the Gateway does: ask for the access, authorise, run.
struct Cloud {
  let clock = TestClock()
  let store = CountingStore(MemoryStore())
  let service: IAMService
  private let operations: [String: Operation]

  init(_ configuration: IdentityConfiguration = IdentityConfiguration()) {
    service = IAMService(
      store: store, ambient: Ambient(clock: clock, random: SeededRandom(seed: 7)), configuration: configuration)
    var operations: [String: Operation] = [:]
    for api in service.apis { operations.merge(api.operations) { first, _ in first } }
    self.operations = operations
  }

  func call<I: RecordView, O: RecordView>(
    _ name: String, _ input: I, as principal: Principal = .root(alpha), values: [String: [String]] = [:],
    accessKeyID: String? = nil
  ) async throws -> O {
    O(try #require(try await run(name, input, principal, values, accessKeyID)))
  }
  func perform<I: RecordView>(_ name: String, _ input: I, as principal: Principal = .root(alpha)) async throws {
    #expect(try await run(name, input, principal, [:], nil) == nil)
  }

  private func run(
    _ name: String, _ input: some RecordView, _ principal: Principal, _ values: [String: [String]], _ accessKeyID: String?
  ) async throws -> Record? {
    let operation = try #require(operations[name])
    let call = Call.fixture(principal, at: clock.now(), values: values, operation: name, accessKeyID: accessKeyID)
    for access in try await operation.access(input.record, call) { try await service.authorise(access, for: call) }
    return try await operation.run(input.record, call)
  }

  @discardableResult
  func role(
    _ name: String, trusting principal: String = #"{"Service":"lambda.amazonaws.com"}"#, path: String? = nil,
    if condition: String = "{}", as owner: Principal = .root(alpha), longest: Int? = nil, tags: Bool = false
  ) async throws -> IAMRole {
    var input = CreateRoleInput()
    (input.roleName, input.path, input.maxSessionDuration) = (name, path, longest)
    let action = tags ? #"["sts:AssumeRole","sts:TagSession"]"# : #""sts:AssumeRole""#
    input.assumeRolePolicyDocument =
      policy(#"{"Effect":"Allow","Principal":\#(principal),"Action":\#(action),"Condition":\#(condition)}"#)
    let output: CreateRoleOutput = try await call("CreateRole", input, as: owner)
    return output.role
  }

  func put(_ statements: String..., on role: String, named name: String = "p", as owner: Principal = .root(alpha)) async throws {
    var input = PutRolePolicyInput()
    (input.roleName, input.policyName, input.policyDocument) = (role, name, policy(statements.joined(separator: ",")))
    try await perform("PutRolePolicy", input, as: owner)
  }

  func user(_ name: String, path: String? = nil, as owner: Principal = .root(alpha)) async throws -> Principal {
    var input = CreateUserInput()
    (input.userName, input.path) = (name, path)
    let output: CreateUserOutput = try await call("CreateUser", input, as: owner)
    let user = try #require(output.user)
    return .user(account: owner.account ?? alpha, name: name, path: user.path, id: user.userId)
  }

  func accessKey(_ user: String) async throws -> AccessKeyShape {
    var input = CreateAccessKeyInput()
    input.userName = user
    let output: CreateAccessKeyOutput = try await call("CreateAccessKey", input)
    return output.accessKey
  }

  func attach(_ arn: String, to role: String) async throws {
    var input = AttachRolePolicyInput()
    (input.roleName, input.policyArn) = (role, arn)
    try await perform("AttachRolePolicy", input)
  }

  func session(_ role: IAMRole, _ account: AccountID = alpha) -> Principal {
    .role(
      RoleSession(
        account: account, roleName: role.roleName, rolePath: role.path, roleID: role.roleId, sessionName: "s1"))
  }

  /// Nil when allowed, else the text of the denial.
  func denial(
    _ action: String, on resource: String = queue, as principal: Principal, resourcePolicy: String? = nil,
    owner: AccountID = alpha
  )
    async throws -> String?
  {
    do {
      try await service.authorise(
        Access(action, on: resource, owner: owner, resourcePolicy: resourcePolicy), for: .fixture(principal, at: clock.now()))
      return nil
    } catch let error as AWSError {
      #expect(error.code == "AccessDeniedException")
      #expect(error.status == 403)
      return error.message
    }
  }
}

/// Counts how often the store is asked.
final class CountingStore: Store {
  private let inner: MemoryStore
  private let counter = Counter()
  init(_ inner: MemoryStore) { self.inner = inner }
  var count: Int { counter.value }

  func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T {
    counter.add()
    return try await inner.read(body)
  }
  func transact<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
    counter.add()
    return try await inner.transact(body)
  }
  func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    counter.add()
    inner.transact(body, then: done)
  }
  func watch(_ prefix: Key) -> AsyncStream<Void> { inner.watch(prefix) }
  func close() async { await inner.close() }
}

/// Throws unless the body throws an `AWSError`, which is returned.
func refusal(_ body: () async throws -> Void) async throws -> AWSError {
  do { try await body() } catch let error as AWSError { return error }
  throw NotRefused()
}
struct NotRefused: Error {}
