import Base
import Store
import Wire

/// One implemented operation: who may call it on what, and what it does.
public struct Operation: Sendable {
  public let name: String
  /// What the call touches, for IAM. Empty: anybody who is authenticated may call it (sts:GetCallerIdentity).
  public let access: @Sendable (Record, Call) async throws -> [Access]
  public let run: @Sendable (Record, Call) async throws -> Record?

  /// An operation with typed input and output.
  /// - Parameter access: every action and resource that the caller must be allowed, read from the input.
  public init<Input: RecordView, Output: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    run: @escaping @Sendable (Input, Call) async throws -> Output
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    self.run = { try await run(Input($0), $1).record }
  }

  /// An operation without output.
  public init<Input: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    run: @escaping @Sendable (Input, Call) async throws -> Void
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    self.run = { try await run(Input($0), $1); return nil }
  }
}

/// One AWS API as we serve it: the model with all its operations, and those that are implemented.
public struct ServiceAPI: Sendable {
  public let model: ServiceModel
  public let operations: [String: Operation]
  /// State is not split by Region (IAM, STS).
  public let isGlobal: Bool

  public init(_ model: ServiceModel, isGlobal: Bool = false, operations: [Operation]) {
    self.model = model
    self.isGlobal = isGlobal
    self.operations = Dictionary(operations.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in
      preconditionFailure("\(model.name): operation \(first.name) is registered twice")
    })
  }
}

/// What a service family contributes to the server.
public protocol ServiceModule: Sendable {
  var apis: [ServiceAPI] { get }
  var workers: [any Worker] { get }
  /// Its pages under `/_dewpoint/`.
  var pages: [InternalPage] { get }
  /// What it tells of itself at `/_dewpoint/metrics`; asked at each scrape, so cheap.
  func measurements() async -> [Measurement]
  /// The resources that a snapshot's table of contents counts.
  var inventory: [InventoryItem] { get }
  /// Removes everything of one account, running work included; the account is afterwards as if it had never been used.
  func removeAll(of account: AccountID) async throws
}

extension ServiceModule {
  public var pages: [InternalPage] { [] }
  public func measurements() async -> [Measurement] { [] }
  public var inventory: [InventoryItem] { [] }
}

/// A kind of resource, by where its rows are.
public struct InventoryItem: Sendable {
  /// In the plural: `queues`.
  public var name: String
  /// Each resource has one row below it, whose key goes on with the account.
  public var prefix: Key
  public init(_ name: String, below prefix: Key) { (self.name, self.prefix) = (name, prefix) }
}

/// The way from one service to another: the same checks as a request from outside, without the encoding.
public protocol Door: Sendable {
  /// The model of a service, to make input records from.
  func model(_ service: String) -> ServiceModel?
  /// Authorises the caller, runs the operation and returns its output. Throws `AWSError`.
  func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record?
}
