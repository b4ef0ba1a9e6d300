import Base
import Fabric
import Store

/// Event buses come and go.
extension EventBridgeService {
  var busOperations: [Operation] {
    [
      Operation("CreateEventBus", access: { (input: CreateEventBusInput, call) in
        let bus = BusName(account: call.account, region: call.region, name: input.name)
        return [Access("events:CreateEventBus", on: bus.arn.text, owner: call.account).bringing(input.tags?.asked)]
      }, run: createEventBus),
      Operation("UpdateEventBus", access: { [self] (input: UpdateEventBusInput, call) in
        [try await access("UpdateEventBus", own(input.name, call))]
      }, run: updateEventBus),
      Operation("DescribeEventBus", access: { [self] (input: DescribeEventBusInput, call) in
        [try await access("DescribeEventBus", BusName(input.name, call))]
      }, run: describeEventBus),
      Operation("DeleteEventBus", access: { [self] (input: DeleteEventBusInput, call) in
        [try await access("DeleteEventBus", own(input.name, call))]
      }, run: deleteEventBus),
      Operation("ListEventBuses", access: { [self] (_: ListEventBusesInput, call) in
        accessToAll("ListEventBuses", call)
      }, run: listEventBuses),
    ]
  }

  /// A bus of the caller: others can never be created, changed or deleted.
  func own(_ name: String?, _ call: Call) -> BusName {
    BusName(account: call.account, region: call.region, name: name ?? BusName.defaultName)
  }

  private func createEventBus(_ input: CreateEventBusInput, _ call: Call) async throws -> CreateEventBusOutput {
    let name = own(input.name, call)
    if let source = input.eventSourceName ?? (name.name.hasPrefix("aws.partner/") ? name.name : nil) {
      throw EventBridgeError.notFound("Event source \(source) does not exist.")
    }
    guard !name.name.contains("/") else { throw EventBridgeError.invalid("Event bus name must not contain '/'.") }
    try Self.refuse(key: input.kmsKeyIdentifier, log: input.logConfig)
    var bus = Bus(name, created: ambient.now)
    bus.description = input.description
    bus.deadLetter = try Self.deadLetter(input.deadLetterConfig, call.region)
    bus.tags = try Tags.checked(input.tags)
    let made = bus
    try await change(name) { tx, revision in
      guard try tx.bus(name) == nil else { throw EventBridgeError.exists("Event bus \(name.name) already exists.") }
      let count = try Keys.buses.list(idPrefix: Keys.home(name.account, name.region), limit: EventBridgeLimits.buses, tx).rows
        .filter { !$0.row.name.isDefault }.count
      // The default one counts, too.
      guard count + 1 < EventBridgeLimits.buses else { throw EventBridgeError.limit }
      try tx.save(made, revision: revision)
      // Archives outlive their bus, and go on with the next one of its name.
      let archives = try Keys.archives.list(idPrefix: Keys.home(name.account, name.region), limit: .max, tx).rows.map(\.row)
      for archive in archives where archive.bus == name { try tx.save(archive.rule, revision: revision) }
    }
    var output = CreateEventBusOutput()
    output.eventBusArn = name.arn.text
    output.description = bus.description
    output.deadLetterConfig = input.deadLetterConfig
    return output
  }

  /// What Dewpoint does not have: nothing is encrypted, and buses write no logs.
  private static func refuse(key: String?, log: LogConfig?) throws(AWSError) {
    if let key, !key.isEmpty { throw EventBridgeError.unsupported("KmsKeyIdentifier", "Dewpoint does not encrypt events.") }
    if let level = log?.level, level != "OFF" {
      throw EventBridgeError.unsupported("LogConfig", "event buses of Dewpoint write no logs; `dewpoint trace` shows the way of each event.")
    }
  }

  /// The ARN of a standard queue of the Region, if one is given.
  static func deadLetter(_ config: DeadLetterConfig?, _ region: Region) throws(AWSError) -> String? {
    guard let text = config?.arn else { return nil }
    guard let arn = ARN(text), arn.service == "sqs" else {
      throw EventBridgeError.invalid("DeadLetterConfig.Arn", "Provided Arn is not in correct format.")
    }
    guard arn.region == region.text else {
      throw EventBridgeError.invalid("DeadLetterConfig.Arn", "The queue must be in the Region of the event bus.")
    }
    guard !arn.resource.hasSuffix(".fifo") else {
      throw EventBridgeError.invalid("DeadLetterConfig.Arn", "FIFO queues are not supported as dead-letter queues.")
    }
    return text
  }

  private func updateEventBus(_ input: UpdateEventBusInput, _ call: Call) async throws -> UpdateEventBusOutput {
    let name = own(input.name, call)
    try Self.refuse(key: input.kmsKeyIdentifier, log: input.logConfig)
    let deadLetter = try Self.deadLetter(input.deadLetterConfig, call.region)
    let (description, now) = (input.description, ambient.now)
    let isDeadLetterGiven = input.deadLetterConfig != nil
    let bus = try await change(name) { tx, revision in
      var bus = try tx.existingBus(name)
      if let description { bus.description = description }
      if isDeadLetterGiven { bus.deadLetter = deadLetter }
      bus.touch(now)
      try tx.save(bus, revision: revision)
      return bus
    }
    var output = UpdateEventBusOutput()
    (output.arn, output.name, output.description) = (name.arn.text, name.name, bus.description)
    output.deadLetterConfig = DeadLetterConfig(bus.deadLetter)
    return output
  }

  private func describeEventBus(_ input: DescribeEventBusInput, _ call: Call) async throws -> DescribeEventBusOutput {
    let name = BusName(input.name, call)
    let bus = try await store.read { try $0.existingBus(name) }
    var output = DescribeEventBusOutput()
    (output.name, output.arn, output.description) = (name.name, name.arn.text, bus.description)
    output.deadLetterConfig = DeadLetterConfig(bus.deadLetter)
    if let policy = bus.policy { output.policy = try await neighbours.principals.shown(policy) }
    (output.creationTime, output.lastModifiedTime) = (bus.created, bus.modified)
    return output
  }

  private func deleteEventBus(_ input: DeleteEventBusInput, _ call: Call) async throws {
    let name = own(input.name, call)
    guard !name.isDefault else { throw EventBridgeError.invalid("Cannot delete event bus default.") }
    try await change(name) { tx, revision in
      // A bus that is not there has been deleted: AWS says nothing (recorded).
      guard try tx.bus(name) != nil else { return }
      guard try tx.rules(of: name).allSatisfy({ $0.archive != nil }) else {
        throw EventBridgeError.invalid("EventBus can't be deleted since it has rules.")
      }
      for rule in try tx.rules(of: name) { try Keys.rules.delete(Keys.id(rule.name), tx) }
      try Keys.buses.delete(Keys.id(name), tx)
      try tx.touch(name, revision)
    }
  }

  private func listEventBuses(_ input: ListEventBusesInput, _ call: Call) async throws -> ListEventBusesOutput {
    let page = try Page(limit: input.limit, token: input.nextToken, of: "buses \(call.account) \(call.region) \(input.namePrefix ?? "")")
    let home = Keys.home(call.account, call.region)
    let standard = own(nil, call)
    let prefix = Keys.prefix(home, input.namePrefix)
    let isStandardWanted = page.after == nil && BusName.defaultName.hasPrefix(input.namePrefix ?? "")
    let (rows, token) = try await store.read { reader -> ([Bus], String?) in
      // The default bus is there before anything is set on it.
      guard isStandardWanted, try !Keys.buses.contains(Keys.id(standard), reader) else {
        return try page.list(Keys.buses, below: prefix, reader)
      }
      let rest = try page.list(Keys.buses, below: prefix, reader, room: page.limit - 1)
      return ([Bus(standard)] + rest.rows, rest.token)
    }
    var output = ListEventBusesOutput()
    var shown: [EventBus] = []
    for bus in rows {
      var item = EventBus()
      (item.name, item.arn, item.description) = (bus.name.name, bus.name.arn.text, bus.description)
      (item.creationTime, item.lastModifiedTime) = (bus.created, bus.modified)
      if let policy = bus.policy { item.policy = try await neighbours.principals.shown(policy) }
      shown.append(item)
    }
    (output.eventBuses, output.nextToken) = (shown, token)
    return output
  }
}

extension Bus {
  mutating func touch(_ now: Instant) {
    created = created ?? now
    modified = now
  }
}

extension DeadLetterConfig {
  init?(_ arn: String?) {
    guard let arn else { return nil }
    self.init()
    self.arn = arn
  }
}
