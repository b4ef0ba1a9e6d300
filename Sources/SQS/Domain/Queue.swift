import Base

/// A queue as its row holds it, with the settings that every message asks for read out of the attributes once.
struct Queue: Sendable {
  let name: QueueName
  /// Never used twice, so that a queue of the same name that was deleted and made again shares nothing with the old one.
  let id: Int64
  /// Raised by a purge: the messages of another generation are garbage that a worker removes.
  private(set) var generation = 0
  /// Raised by each change, so that of two copies the newer is known.
  var version = 0
  let created: Instant
  private(set) var modified: Instant
  private(set) var purged: Instant?
  /// What the owner has set, as text in AWS's canonical form; defaults are not kept.
  private(set) var attributes: [String: String]
  var tags: [String: String]

  private(set) var delay: Duration = .zero
  private(set) var visibilityTimeout: Duration = .zero
  private(set) var retention: Duration = .zero
  private(set) var receiveWait: Duration = .zero
  private(set) var maximumMessageSize = 0
  private(set) var redrive: RedrivePolicy?
  private(set) var redriveAllow = RedriveAllowPolicy.allowAll
  private(set) var deduplicatesByContent = false
  /// FIFO: a deduplication id counts within its group only.
  private(set) var deduplicatesByGroup = false

  func isOlder(than other: Queue) -> Bool { (created, version) < (other.created, other.version) }

  var isFIFO: Bool { name.isFIFO }
  var policy: String? { attributes["Policy"] }
  var space: Space { Space(queue: id, generation: generation) }

  init(name: QueueName, id: Int64, created: Instant, attributes: [String: String], tags: [String: String] = [:]) {
    (self.name, self.id, self.created, modified) = (name, id, created, created)
    (self.attributes, self.tags) = (attributes, tags)
    readSettings()
  }

  init(
    name: QueueName, id: Int64, generation: Int, version: Int, created: Instant, modified: Instant, purged: Instant?,
    attributes: [String: String], tags: [String: String]
  ) {
    self.init(name: name, id: id, created: created, attributes: attributes, tags: tags)
    (self.generation, self.version, self.modified, self.purged) = (generation, version, modified, purged)
  }

  /// Takes changed attributes over; an empty value means the default again.
  mutating func apply(_ changes: [String: String], at now: Instant) {
    for (name, value) in changes { attributes[name] = value.isEmpty ? nil : value }
    modified = now
    readSettings()
  }

  /// Leaves all present messages behind. Throws PurgeQueueInProgress within a minute of the last purge.
  mutating func purge(at now: Instant) throws(AWSError) {
    if let purged, now < purged + SQSLimits.purgeInterval { throw SQSError.purgeInProgress(name.name) }
    purged = now
    generation += 1
  }

  /// A stored value that no longer reads (written by another version) counts as the default.
  private mutating func readSettings() {
    func seconds(_ name: String) -> Duration {
      .seconds(attributes[name].flatMap { Int($0) } ?? QueueAttributes.defaultNumber(name))
    }
    delay = seconds("DelaySeconds")
    visibilityTimeout = seconds("VisibilityTimeout")
    retention = seconds("MessageRetentionPeriod")
    receiveWait = seconds("ReceiveMessageWaitTimeSeconds")
    maximumMessageSize =
      attributes["MaximumMessageSize"].flatMap { Int($0) } ?? QueueAttributes.defaultNumber("MaximumMessageSize")
    redrive = attributes["RedrivePolicy"].flatMap { try? RedrivePolicy($0) }
    redriveAllow = attributes["RedriveAllowPolicy"].flatMap { try? RedriveAllowPolicy($0) } ?? .allowAll
    deduplicatesByContent = attributes["ContentBasedDeduplication"] == "true"
    deduplicatesByGroup = attributes["DeduplicationScope"] == "messageGroup"
  }
}

/// The part of the key space that holds the messages of one queue since its last purge.
struct Space: Hashable, Sendable {
  var queue: Int64
  var generation: Int
}
