import Base
import Fabric
import Store

// The keys of SQS. Every key begins with "sqs" and a letter.
//
//   queue      "q" account region name                  → Queue                   queues are found and listed by name
//   deleted    "x" account region name                  → when                    a name rests for a minute
//   source     "l" target ARN, source ARN               → -                       who has this queue as dead-letter queue
//   garbage    "g" space                                → -                       spaces that a worker empties
//   tally      "c" space                                → Tally                   how many messages, where receives begin
//   body       "b" space sequence                       → Message                 in order of arrival; written once
//   due        "m" space visibleAt sequence             → Visibility              receives scan up to now
//                                                          or Turn: the tenant whose first message is due then
//                                                          (FIFO: the name of the group whose turn it is)
//   lane       "n" space lane visibleAt sequence        → Visibility              the messages of a tenant, as in "due"
//   turn       "h" space lane                           → visibleAt, sequence     where the tenant's row among "due" is
//   moved      "v" space sequence                       → visibleAt               where ChangeMessageVisibility put a row
//   FIFO only:
//   member     "f" space group sequence                 → Member                  the messages of a group in order
//   group      "h" space group                          → visibleAt, sequence     where the group's row among "due" is
//   duplicate  "d" space scope deduplication id         → Duplicate               what was sent within five minutes
//   forget     "e" space time scope id                  → Forget                  when "duplicate" and "attempt" rows end
//   attempt    "a" space attempt id                     → receipts                what a repeated receive gets again
//   move task  "t" account region source name, id       → MoveTask                the newest first
//   active     "u" account region source name           → id of the move task     one per source
//
// A space is a queue id and a generation; a purge leaves the generation behind. Times are milliseconds.

/// A place among the "due" rows of a space.
struct DuePlace: Hashable, Comparable, Sendable {
  var visibleAt: Instant
  var sequence: MessageSequence

  static let start = DuePlace(visibleAt: .epoch, sequence: .none)
  /// Behind every row that is visible at the time.
  static func after(_ now: Instant) -> DuePlace { DuePlace(visibleAt: now + .milliseconds(1), sequence: .none) }
  /// The place right behind this one.
  var next: DuePlace { DuePlace(visibleAt: visibleAt, sequence: MessageSequence(high: sequence.high, node: sequence.node + 1)) }

  static func < (a: Self, b: Self) -> Bool { a.visibleAt != b.visibleAt ? a.visibleAt < b.visibleAt : a.sequence < b.sequence }
}

enum Keys {
  private static let root = Key("sqs")
  private static let queues = root.appending("q")

  static func queue(_ name: QueueName) -> Key { queues.appending(name.account, name.region, name.name) }
  static let inventory = [InventoryItem("queues", below: queues)]
  static let allQueues = KeyRange(prefix: queues)
  static func queues(_ account: AccountID, _ region: Region) -> Key { queues.appending(account, region) }
  /// The names that begin with a prefix, after a name where a page ends.
  static func queues(_ account: AccountID, _ region: Region, prefix: String, after last: String?) -> KeyRange {
    let home = queues(account, region)
    var open = home.appending(prefix)
    open.bytes.removeLast()  // the end mark of the string, so that longer names match
    let upper = open.end
    return KeyRange(last.map { home.appending($0).end } ?? open, upper)
  }
  static func queues(of account: AccountID) -> KeyRange { KeyRange(prefix: queues.appending(account)) }
  static func queues(after name: QueueName?) -> KeyRange { KeyRange(name.map { queue($0).end } ?? queues, queues.end) }
  static func queueName(_ key: Key) throws -> QueueName {
    var reader = KeyReader(key, after: queues)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("queue key")
    }
    return QueueName(account: account, region: region, name: try reader.string())
  }

  private static let rests = root.appending("x")
  static func deleted(_ name: QueueName) -> Key { rests.appending(name.account, name.region, name.name) }
  static let allDeleted = KeyRange(prefix: rests)
  static func deleted(of account: AccountID) -> KeyRange { KeyRange(prefix: rests.appending(account)) }

  static func sources(of target: QueueName) -> Key { root.appending("l", target.arn.text) }
  static func source(_ source: QueueName, of target: QueueName) -> Key { sources(of: target).appending(source.arn.text) }
  static func sources(of target: QueueName, after last: String?) -> KeyRange {
    let home = sources(of: target)
    return KeyRange(last.map { home.appending($0).end } ?? home, home.end)
  }
  static func sourceARN(_ key: Key, of target: QueueName) throws -> String {
    var reader = KeyReader(key, after: sources(of: target))
    return try reader.string()
  }

  private static let garbage = root.appending("g")
  static func garbage(_ space: Space) -> Key { garbage.appending(space.queue, space.generation) }
  static let allGarbage = KeyRange(prefix: garbage)
  static func garbageSpace(_ key: Key) throws -> Space {
    var reader = KeyReader(key, after: garbage)
    return Space(queue: try reader.int(), generation: Int(try reader.int()))
  }

  private static let tasks = root.appending("t")
  static func moveTasks(_ source: QueueName) -> Key { tasks.appending(source.account, source.region, source.name) }
  static func moveTasks(of account: AccountID) -> KeyRange { KeyRange(prefix: tasks.appending(account)) }
  static func moveTask(_ source: QueueName, _ id: Int64) -> Key { moveTasks(source).appending(-id) }
  private static let active = root.appending("u")
  static func activeMove(_ source: QueueName) -> Key { active.appending(source.account, source.region, source.name) }
  static let allActiveMoves = KeyRange(prefix: active)
  static func activeMoves(of account: AccountID) -> KeyRange { KeyRange(prefix: active.appending(account)) }
  static func activeMoveSource(_ key: Key) throws -> QueueName {
    var reader = KeyReader(key, after: active)
    guard let account = AccountID(try reader.string()), let region = Region(try reader.string()) else {
      throw StoreError.corrupt("move task key")
    }
    return QueueName(account: account, region: region, name: try reader.string())
  }

  static func tally(_ space: Space) -> Key { home("c", space) }
  /// Every range that holds rows of messages of a space.
  static func everything(_ space: Space) -> [KeyRange] {
    ["m", "b", "v", "n", "f", "h", "d", "e", "a", "c"].map { KeyRange(prefix: home($0, space)) }
  }

  private static func home(_ letter: String, _ space: Space) -> Key {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(72)
    bytes.append(contentsOf: root.bytes)
    letter.append(to: &bytes)
    space.queue.append(to: &bytes)
    space.generation.append(to: &bytes)
    return Key(bytes: bytes)
  }
  private static func at(_ letter: String, _ space: Space, _ sequence: MessageSequence) -> Key {
    var key = home(letter, space)
    sequence.high.append(to: &key.bytes)
    sequence.node.append(to: &key.bytes)
    return key
  }

  static func body(_ space: Space, _ sequence: MessageSequence) -> Key { at("b", space, sequence) }
  static func bodies(_ space: Space, before: MessageSequence) -> KeyRange { KeyRange(home("b", space), body(space, before)) }
  static func bodies(_ space: Space, from: MessageSequence) -> KeyRange { KeyRange(body(space, from), home("b", space).end) }
  static func bodySequence(_ key: Key, _ space: Space) throws -> MessageSequence {
    var reader = KeyReader(key, after: home("b", space))
    return MessageSequence(high: try reader.int(), node: try reader.int())
  }
  static func moved(_ space: Space, _ sequence: MessageSequence) -> Key { at("v", space, sequence) }

  static func due(_ space: Space, _ place: DuePlace) -> Key {
    var key = home("m", space)
    place.visibleAt.append(to: &key.bytes)
    place.sequence.high.append(to: &key.bytes)
    place.sequence.node.append(to: &key.bytes)
    return key
  }
  static func due(_ space: Space, from: DuePlace, to: DuePlace? = nil) -> KeyRange {
    KeyRange(due(space, from), to.map { due(space, $0) } ?? home("m", space).end)
  }
  static func duePlace(_ key: Key, _ space: Space) throws -> DuePlace {
    var reader = KeyReader(key, after: home("m", space))
    let visibleAt = try reader.instant()
    return DuePlace(visibleAt: visibleAt, sequence: MessageSequence(high: try reader.int(), node: try reader.int()))
  }

  static func lane(_ space: Space, _ lane: Lane, _ place: DuePlace) -> Key {
    var key = home("n", space)
    lane.number.append(to: &key.bytes)
    place.visibleAt.append(to: &key.bytes)
    place.sequence.high.append(to: &key.bytes)
    place.sequence.node.append(to: &key.bytes)
    return key
  }
  /// The rows of a tenant from a place on, up to another.
  static func lane(_ space: Space, _ lane: Lane, from: DuePlace, to: DuePlace? = nil) -> KeyRange {
    KeyRange(self.lane(space, lane, from), to.map { self.lane(space, lane, $0) } ?? home("n", space).appending(lane.number).end)
  }
  static func lanePlace(_ key: Key, _ space: Space, _ lane: Lane) throws -> DuePlace {
    var reader = KeyReader(key, after: home("n", space).appending(lane.number))
    let visibleAt = try reader.instant()
    return DuePlace(visibleAt: visibleAt, sequence: MessageSequence(high: try reader.int(), node: try reader.int()))
  }
  static func turn(_ space: Space, _ lane: Lane) -> Key { home("h", space).appending(lane.number) }
  /// All tenants that have messages.
  static func turns(_ space: Space) -> KeyRange { KeyRange(prefix: home("h", space)) }
  static func turnLane(_ key: Key, _ space: Space) throws -> Lane {
    var reader = KeyReader(key, after: home("h", space))
    return Lane(number: try reader.int())
  }

  static func members(_ space: Space, _ group: String) -> KeyRange { KeyRange(prefix: home("f", space).appending(group)) }
  static func member(_ space: Space, _ group: String, _ sequence: MessageSequence) -> Key {
    home("f", space).appending(group, sequence.high, sequence.node)
  }
  static func memberSequence(_ key: Key, _ space: Space, _ group: String) throws -> MessageSequence {
    var reader = KeyReader(key, after: home("f", space).appending(group))
    return MessageSequence(high: try reader.int(), node: try reader.int())
  }
  static func group(_ space: Space, _ group: String) -> Key { home("h", space).appending(group) }

  static func duplicate(_ space: Space, scope: String, _ id: String) -> Key { home("d", space).appending(scope, id) }
  static func forget(_ space: Space, at time: Instant, scope: String, _ id: String) -> Key {
    home("e", space).appending(time, scope, id)
  }
  static func forgets(_ space: Space, before time: Instant) -> KeyRange {
    KeyRange(home("e", space), home("e", space).appending(time))
  }
  static func forgotten(_ key: Key, _ space: Space) throws -> (scope: String, id: String) {
    var reader = KeyReader(key, after: home("e", space))
    _ = try reader.instant()
    return (try reader.string(), try reader.string())
  }
  static func attempt(_ space: Space, _ id: String) -> Key { home("a", space).appending(id) }
}
