import Base
import Store
import Wire

/// One implemented operation: who may call it on what, and what it does.
public struct Operation: Sendable {
  public let name: String
  /// What the call touches, for IAM. Empty: anybody who is authenticated may call it (sts:GetCallerIdentity).
  public let access: @Sendable (Record, Call) async throws -> [Access]
  public let run: @Sendable (Record, Call) async throws -> Record?
  /// In place of `run`, when the output has an event stream.
  public let stream: (@Sendable (Record, Call) async throws -> EventStreamOutput)?
  /// Set when bytes go in or out that are no slot of a record; `run` is then the same for a few bytes in the slot of the body.
  public let transfer: (@Sendable (Record, IncomingBytes, Call) async throws -> TransferOutput)?

  /// An operation with typed input and output.
  /// - Parameter access: every action and resource that the caller must be allowed, read from the input.
  public init<Input: RecordView, Output: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    run: @escaping @Sendable (Input, Call) async throws -> Output
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    self.run = { try await run(Input($0), $1).record }
    (stream, transfer) = (nil, nil)
  }

  /// An operation without output.
  public init<Input: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    run: @escaping @Sendable (Input, Call) async throws -> Void
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    self.run = { try await run(Input($0), $1); return nil }
    (stream, transfer) = (nil, nil)
  }

  /// An operation whose output has an event stream. Only clients can call it: calls between services have no streams.
  public init<Input: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    stream: @escaping @Sendable (Input, Call) async throws -> EventStreamOutput
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    run = { _, call in
      throw AWSError(
        "NotImplemented", "Dewpoint cannot call \(name) of the service \(call.service) from another service: it streams.", status: 501,
        fault: .server)
    }
    self.stream = { try await stream(Input($0), $1) }
    transfer = nil
  }

  /// An operation that takes or gives bytes as they come: the body of an S3 object.
  public init<Input: RecordView>(
    _ name: String, access: @escaping @Sendable (Input, Call) async throws -> [Access],
    transfer: @escaping @Sendable (Input, IncomingBytes, Call) async throws -> TransferOutput
  ) {
    self.name = name
    self.access = { try await access(Input($0), $1) }
    stream = nil
    self.transfer = { try await transfer(Input($0), $1, $2) }
    run = Self.wholeTransfer(name) { try await transfer(Input($0), $1, $2) }
  }
}

/// The answer of an operation whose output has an event stream.
public struct EventStreamOutput: Sendable {
  public typealias Send = @Sendable (EventStreamMessage) async throws -> Void

  /// What is no stream: the status and the members in header fields.
  public var record: Record
  /// Sends one message after the other; each call returns once the client has taken enough of those before. What it throws cuts
  /// the connection off, so that the client sees that the end is missing. Nil: this answer has no stream.
  public var messages: (@Sendable (_ send: @escaping Send) async throws -> Void)?

  /// In place of `messages`, for RPC protocols: the events by the names of their members of the stream's union. They leave in the
  /// protocol of the request, after the message that these protocols begin with. An `AWSError` that it throws is the last message.
  public var events: (@Sendable (_ send: @escaping SendEvent) async throws -> Void)?
  public typealias SendEvent = @Sendable (_ name: String, _ event: Record) async throws -> Void

  public init(_ record: Record, messages: (@Sendable (_ send: @escaping Send) async throws -> Void)? = nil) {
    (self.record, self.messages) = (record, messages)
  }
  public init(_ record: Record, events: @escaping @Sendable (_ send: @escaping SendEvent) async throws -> Void) {
    (self.record, self.events) = (record, events)
  }
}

/// One AWS API as we serve it: the model with all its operations, and those that are implemented.
public struct ServiceAPI: Sendable {
  public let model: ServiceModel
  public let operations: [String: Operation]
  /// State is not split by Region (IAM, STS).
  public let isGlobal: Bool
  /// A request without a signature is nobody's and may go on to be authorised: policies can allow everybody (S3).
  public let allowsAnonymous: Bool
  /// Decides about browsers in place of the server; nil: as all others.
  public let crossOrigin: (any CrossOriginPort)?

  public init(
    _ model: ServiceModel, isGlobal: Bool = false, allowsAnonymous: Bool = false, crossOrigin: (any CrossOriginPort)? = nil,
    operations: [Operation]
  ) {
    self.model = model
    (self.isGlobal, self.allowsAnonymous, self.crossOrigin) = (isGlobal, allowsAnonymous, crossOrigin)
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
  /// What it answers under host names of its own.
  var endpoints: [WebEndpoint] { get }
  /// What it tells of itself at `/_dewpoint/metrics`; asked at each scrape, so cheap.
  func measurements() async -> [Measurement]
  /// The resources that a snapshot's table of contents counts.
  var inventory: [InventoryItem] { get }
  /// Removes everything of one account, running work included; the account is afterwards as if it had never been used.
  func removeAll(of account: AccountID) async throws
}

extension ServiceModule {
  public var pages: [InternalPage] { [] }
  public var endpoints: [WebEndpoint] { [] }
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
