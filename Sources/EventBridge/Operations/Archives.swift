import Base
import Fabric
import Store

/// Archives of event buses.
extension EventBridgeService {
  var archiveOperations: [Operation] {
    [
      Operation("CreateArchive", access: { [self] (input: CreateArchiveInput, call) in
        var all = [access("CreateArchive", ResourceName(.archive, input.archiveName, call))]
        if let bus = ARN(input.eventSourceArn).flatMap(BusName.init) { all.append(try await access("CreateArchive", bus)) }
        return all
      }, run: createArchive),
      Operation("DescribeArchive", access: { [self] (input: DescribeArchiveInput, call) in
        [access("DescribeArchive", ResourceName(.archive, input.archiveName, call))]
      }, run: describeArchive),
      Operation("UpdateArchive", access: { [self] (input: UpdateArchiveInput, call) in
        [access("UpdateArchive", ResourceName(.archive, input.archiveName, call))]
      }, run: updateArchive),
      Operation("DeleteArchive", access: { [self] (input: DeleteArchiveInput, call) in
        [access("DeleteArchive", ResourceName(.archive, input.archiveName, call))]
      }, run: deleteArchive),
      Operation("ListArchives", access: { [self] (_: ListArchivesInput, call) in
        accessToAll("ListArchives", call)
      }, run: listArchives),
    ]
  }

  private func archivedBus(_ text: String, _ call: Call) throws(AWSError) -> BusName {
    guard let bus = ARN(text).flatMap(BusName.init), bus.account == call.account, bus.region == call.region else {
      throw EventBridgeError.invalid("EventSourceArn", "It is no event bus of the account.")
    }
    return bus
  }

  private func createArchive(_ input: CreateArchiveInput, _ call: Call) async throws -> CreateArchiveOutput {
    try Self.refuse(key: input.kmsKeyIdentifier)
    let bus = try archivedBus(input.eventSourceArn, call)
    let archive = Archive(
      name: ResourceName(.archive, input.archiveName, call), id: revision(), bus: bus, description: input.description,
      pattern: try Self.pattern(input.eventPattern), retentionDays: input.retentionDays ?? 0, created: ambient.now)
    try await change(bus) { tx, revision in
      _ = try tx.existingBus(bus)
      guard try tx.archive(archive.name) == nil else { throw EventBridgeError.exists("Archive \(archive.name.name) already exists.") }
      guard try !Keys.rules.contains(Keys.id(archive.ruleName), tx) else {
        throw EventBridgeError.exists("Rule \(archive.ruleName.name) already exists.")
      }
      guard try tx.rules(of: bus).filter({ $0.archive != nil }).count < EventBridgeLimits.archivesPerBus else {
        throw EventBridgeError.limit
      }
      try Keys.archives.put(Keys.id(archive.name), archive, tx)
      try tx.save(archive.rule, revision: revision)
    }
    var output = CreateArchiveOutput()
    (output.archiveArn, output.state, output.creationTime) = (archive.arn.text, "ENABLED", archive.created)
    return output
  }

  private static func refuse(key: String?) throws(AWSError) {
    if let key, !key.isEmpty { throw EventBridgeError.unsupported("KmsKeyIdentifier", "Dewpoint does not encrypt archives.") }
  }

  private func describeArchive(_ input: DescribeArchiveInput, _ call: Call) async throws -> DescribeArchiveOutput {
    let name = ResourceName(.archive, input.archiveName, call)
    let (archive, tally, exists) = try await store.read { reader in
      let archive = try reader.existingArchive(name)
      return (archive, try reader.tally(archive.id), try reader.bus(archive.bus) != nil)
    }
    var output = DescribeArchiveOutput()
    (output.archiveArn, output.archiveName, output.description) = (archive.arn.text, name.name, archive.description)
    (output.eventSourceArn, output.eventPattern, output.retentionDays) = (archive.bus.arn.text, archive.pattern, archive.retentionDays)
    (output.eventCount, output.sizeBytes, output.creationTime) = (tally.events, tally.bytes, archive.created)
    output.state = exists ? "ENABLED" : "DISABLED"
    if !exists { output.stateReason = "Event bus \(archive.bus.name) does not exist." }
    return output
  }

  private func updateArchive(_ input: UpdateArchiveInput, _ call: Call) async throws -> UpdateArchiveOutput {
    try Self.refuse(key: input.kmsKeyIdentifier)
    let name = ResourceName(.archive, input.archiveName, call)
    let (description, retention, isPatternGiven) = (input.description, input.retentionDays, input.eventPattern != nil)
    let pattern = try Self.pattern(input.eventPattern)
    let bus = try await store.read { try $0.existingArchive(name).bus }
    let archive = try await change(bus) { tx, revision in
      var archive = try tx.existingArchive(name)
      if let description { archive.description = description }
      if let retention { archive.retentionDays = retention }
      if isPatternGiven { archive.pattern = pattern }
      try Keys.archives.put(Keys.id(name), archive, tx)
      if try tx.bus(archive.bus) != nil { try tx.save(archive.rule, revision: revision) }
      return archive
    }
    nudgeSweeper()
    var output = UpdateArchiveOutput()
    (output.archiveArn, output.state, output.creationTime) = (archive.arn.text, "ENABLED", archive.created)
    return output
  }

  private func deleteArchive(_ input: DeleteArchiveInput, _ call: Call) async throws -> DeleteArchiveOutput {
    let name = ResourceName(.archive, input.archiveName, call)
    let bus = try await store.read { try $0.existingArchive(name).bus }
    try await change(bus) { tx, revision in
      let archive = try tx.existingArchive(name)
      try Keys.archives.delete(Keys.id(name), tx)
      try Keys.rules.delete(Keys.id(archive.ruleName), tx)
      try tx.set(Keys.garbage(archive.id), [])
      try tx.touch(bus, revision)
    }
    nudgeSweeper()
    return DeleteArchiveOutput()
  }

  private func listArchives(_ input: ListArchivesInput, _ call: Call) async throws -> ListArchivesOutput {
    let given = [input.namePrefix, input.eventSourceArn, input.state].compactMap(\.self)
    guard given.count <= 1 else {
      throw EventBridgeError.invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.")
    }
    let bus = try input.eventSourceArn.map { text throws(AWSError) in try archivedBus(text, call) }
    let page = try Page(limit: input.limit, token: input.nextToken, of: "archives \(call.account) \(call.region) \(given)")
    let prefix = Keys.prefix(Keys.home(call.account, call.region), input.namePrefix)
    let state = input.state
    let (rows, token) = try await store.read { reader -> ([(Archive, Tally, String)], String?) in
      if let bus { _ = try reader.existingBus(bus) }
      let (archives, token) = try page.list(Keys.archives, below: prefix, reader) { archive in
        bus == nil || archive.bus == bus
      }
      let rows = try archives.map { ($0, try reader.tally($0.id), try reader.bus($0.bus) == nil ? "DISABLED" : "ENABLED") }
      return (rows.filter { state == nil || $0.2 == state }, token)
    }
    var output = ListArchivesOutput()
    output.archives = rows.map { archive, tally, state in
      var item = EventsArchive()
      (item.archiveName, item.eventSourceArn, item.state) = (archive.name.name, archive.bus.arn.text, state)
      (item.retentionDays, item.sizeBytes, item.eventCount) = (archive.retentionDays, tally.bytes, tally.events)
      item.creationTime = archive.created
      return item
    }
    output.nextToken = token
    return output
  }
}
