import Base
import Fabric
import Store

/// Replays of archives.
extension EventBridgeService {
  var replayOperations: [Operation] {
    [
      Operation("StartReplay", access: { [self] (input: StartReplayInput, call) in
        var all = [access("StartReplay", ResourceName(.replay, input.replayName, call))]
        if let archive = ARN(input.eventSourceArn).flatMap({ ResourceName($0, .archive) }) { all.append(access("StartReplay", archive)) }
        if let bus = ARN(input.destination.arn).flatMap(BusName.init) { all.append(try await access("StartReplay", bus)) }
        return all
      }, run: startReplay),
      Operation("DescribeReplay", access: { [self] (input: DescribeReplayInput, call) in
        [access("DescribeReplay", ResourceName(.replay, input.replayName, call))]
      }, run: describeReplay),
      Operation("CancelReplay", access: { [self] (input: CancelReplayInput, call) in
        [access("CancelReplay", ResourceName(.replay, input.replayName, call))]
      }, run: cancelReplay),
      Operation("ListReplays", access: { [self] (_: ListReplaysInput, call) in
        accessToAll("ListReplays", call)
      }, run: listReplays),
    ]
  }

  private func startReplay(_ input: StartReplayInput, _ call: Call) async throws -> StartReplayOutput {
    guard input.eventStartTime < input.eventEndTime else {
      throw EventBridgeError.invalid("EventEndTime", "EventStartTime must be before EventEndTime.")
    }
    guard let archiveName = ARN(input.eventSourceArn).flatMap({ ResourceName($0, .archive) }), archiveName.account == call.account,
      archiveName.region == call.region
    else { throw EventBridgeError.invalid("EventSourceArn", "Must contain an archive ARN.") }
    guard let bus = ARN(input.destination.arn).flatMap(BusName.init), bus.account == call.account, bus.region == call.region else {
      throw EventBridgeError.invalid("Destination.Arn", "Must contain an event bus ARN.")
    }
    let replay = Replay(
      name: ResourceName(.replay, input.replayName, call), archive: archiveName, bus: bus, description: input.description,
      filter: input.destination.filterArns ?? [], from: input.eventStartTime, to: input.eventEndTime, started: ambient.now)
    try await store.transact { tx in
      _ = try tx.existingBus(bus)
      guard let archive = try tx.archive(archiveName) else {
        throw EventBridgeError.invalid("EventSourceArn", "Archive \(archiveName.name) does not exist.")
      }
      guard archive.bus == bus else {
        throw EventBridgeError.invalid("Destination.Arn", "Cross event bus replay is not permitted.")
      }
      for arn in replay.filter {
        guard let rule = ARN(arn).flatMap(RuleName.init), rule.bus == bus, try tx.rule(rule) != nil else {
          throw EventBridgeError.notFound("Rule \(arn) does not exist.")
        }
      }
      guard try tx.replay(replay.name) == nil else { throw EventBridgeError.exists("Replay \(replay.name.name) already exists.") }
      let active = try tx.entries(Keys.active(in: call.account, call.region), limit: EventBridgeLimits.concurrentReplays)
      guard active.count < EventBridgeLimits.concurrentReplays else { throw EventBridgeError.limit }
      try tx.save(replay)
    }
    replays.nudge.nudge()
    var output = StartReplayOutput()
    (output.replayArn, output.state, output.replayStartTime) = (replay.arn.text, replay.state.rawValue, replay.started)
    return output
  }

  private func describeReplay(_ input: DescribeReplayInput, _ call: Call) async throws -> DescribeReplayOutput {
    let name = ResourceName(.replay, input.replayName, call)
    let replay = try await store.read { try $0.existingReplay(name) }
    var output = DescribeReplayOutput()
    (output.replayName, output.replayArn, output.description) = (name.name, replay.arn.text, replay.description)
    (output.state, output.stateReason, output.eventSourceArn) = (replay.state.rawValue, replay.reason, replay.archive.arn().text)
    var destination = ReplayDestination()
    (destination.arn, destination.filterArns) = (replay.bus.arn.text, replay.filter.isEmpty ? nil : replay.filter)
    output.destination = destination
    (output.eventStartTime, output.eventEndTime, output.eventLastReplayedTime) = (replay.from, replay.to, replay.lastReplayed)
    (output.replayStartTime, output.replayEndTime) = (replay.started, replay.ended)
    return output
  }

  private func cancelReplay(_ input: CancelReplayInput, _ call: Call) async throws -> CancelReplayOutput {
    let name = ResourceName(.replay, input.replayName, call)
    let replay = try await store.transact { tx in
      var replay = try tx.existingReplay(name)
      guard replay.state == .starting || replay.state == .running else {
        throw EventBridgeError.illegal("Replay \(name.name) is not in a valid state for this operation.")
      }
      replay.state = .cancelling
      try tx.save(replay)
      return replay
    }
    replays.nudge.nudge()
    var output = CancelReplayOutput()
    (output.replayArn, output.state) = (replay.arn.text, replay.state.rawValue)
    return output
  }

  private func listReplays(_ input: ListReplaysInput, _ call: Call) async throws -> ListReplaysOutput {
    let given = [input.namePrefix, input.eventSourceArn, input.state].compactMap(\.self)
    guard given.count <= 1 else {
      throw EventBridgeError.invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.")
    }
    let page = try Page(limit: input.limit, token: input.nextToken, of: "replays \(call.account) \(call.region) \(given)")
    let prefix = Keys.prefix(Keys.home(call.account, call.region), input.namePrefix)
    let (state, source) = (input.state, input.eventSourceArn)
    let (rows, token) = try await store.read { reader in
      try page.list(Keys.replays, below: prefix, reader) { replay in
        (state == nil || replay.state.rawValue == state) && (source == nil || replay.archive.arn().text == source)
      }
    }
    var output = ListReplaysOutput()
    output.replays = rows.map { replay in
      var item = EventsReplay()
      (item.replayName, item.eventSourceArn, item.state) = (replay.name.name, replay.archive.arn().text, replay.state.rawValue)
      (item.stateReason, item.eventStartTime, item.eventEndTime) = (replay.reason, replay.from, replay.to)
      (item.eventLastReplayedTime, item.replayStartTime, item.replayEndTime) = (replay.lastReplayed, replay.started, replay.ended)
      return item
    }
    output.nextToken = token
    return output
  }
}
