import Base
import Fabric
import Store
import Wire

/// Amazon SQS: queues whose messages, deadlines and counts live in the store and outlive the process.
public final class SQSService: ServiceModule, QueuePort {
  let store: any Store
  let ambient: Ambient
  let authoriser: any Authoriser
  let principals: any PrincipalPort
  let cache: QueueCache
  let commits: SharedCommits
  let rooms: WaitingRooms
  let inFlight: InFlightGauge
  let shares: FairShares
  let sequences: SequenceSource
  let moves: MoveWorker
  let hops: MessageHops
  let chaos: Chaos
  let copies = MessageCopies()
  public let workers: [any Worker]

  public init(
    store: any Store, ambient: Ambient, authoriser: any Authoriser, principals: any PrincipalPort, hops: any HopPort = EmptyHops(),
    chaos: Chaos = .off
  ) {
    let hops = MessageHops(port: hops, ambient: ambient)
    let cache = QueueCache(store)
    let rooms = WaitingRooms(ambient.clock)
    let (inFlight, shares) = (InFlightGauge(), FairShares())
    let garbage = GarbageWorker(store)
    let commits = SharedCommits(store, cache, newHop: hops.newID) { effects in
      rooms.announce(effects, at: ambient.now)
      inFlight.add(effects.leases)
      shares.note(effects.shares)
      for move in effects.moves { hops.record(move) }
      if !effects.changed.isEmpty { garbage.nudge.nudge() }
    }
    (self.store, self.ambient, self.authoriser, self.cache) = (store, ambient, authoriser, cache)
    (self.principals, self.hops, self.chaos) = (principals, hops, chaos)
    (self.rooms, self.inFlight, self.shares, self.commits) = (rooms, inFlight, shares, commits)
    sequences = SequenceSource(ambient)
    moves = MoveWorker(store, commits, ambient, sequences)
    workers = [garbage, RetentionWorker(store, commits), moves]
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        SQSModel.service,
        operations: queueOperations + attributeOperations + messageOperations + batchOperations + listOperations
          + moveTaskOperations)
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }

  /// The queue that an input names. Throws InvalidAddress and MissingParameter.
  func queueName(_ url: String, _ call: Call) throws -> QueueName {
    guard !url.isEmpty else { throw SQSError.missing("QueueUrl") }
    return try QueueName(url: url, region: call.region)
  }

  /// What an operation on a queue needs: the action on the queue, decided with the queue's own policy. A queue that does
  /// not exist has none, so only who could see it learns that it is missing.
  /// - Parameter isOwnersOnly: AWS does not let other accounts do this, whatever the policy says.
  func access<Input: QueueInput>(_ action: String, isOwnersOnly: Bool = false)
    -> @Sendable (Input, Call) async throws -> [Access]
  {
    { input, call in
      try input.checkRequired()
      let name = try self.queueName(input.queueUrl, call)
      return [try await self.access(action, name, isOwnersOnly: isOwnersOnly, by: call.account)]
    }
  }

  /// The same, with what policies may ask of the tags in the input.
  func access<Input: QueueInput>(
    _ action: String, isOwnersOnly: Bool, tags: @escaping @Sendable (Access, Input) -> Access
  ) -> @Sendable (Input, Call) async throws -> [Access] {
    let access: @Sendable (Input, Call) async throws -> [Access] = access(action, isOwnersOnly: isOwnersOnly)
    return { input, call in try await access(input, call).map { tags($0, input) } }
  }

  func access(_ action: String, _ name: QueueName, isOwnersOnly: Bool = false, by account: AccountID) async throws -> Access {
    let queue = try await cache.find(name)
    let policy = isOwnersOnly && account != name.account ? nil : queue?.policy
    return Access("sqs:" + action, on: name.arn.text, owner: name.account, resourcePolicy: policy).having(queue?.tags ?? [:])
  }
}

/// An input that names its queue.
protocol QueueInput: RecordView {
  var queueUrl: String { get }
}

extension RecordView {
  /// SQS has a text of its own for a required member that is missing, so the model's validation is not used.
  func checkRequired() throws(AWSError) {
    for (place, member) in Self.shape.members.enumerated() where member.isRequired && record.slots[place] == nil {
      throw SQSError.missing(member.name)
    }
  }
}
