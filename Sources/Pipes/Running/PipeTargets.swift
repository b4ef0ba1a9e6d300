import Base
import Fabric

/// The ways to enrichments and targets.
struct PipeTargets: Sendable {
  let carriers: TargetCarriers
  let ambient: Ambient

  /// What has not gone through: by its place among the items, or by the id that a function gave back.
  struct Result: Sendable {
    var places: Set<Int> = []
    var ids: Set<String> = []
    var error: AWSError?
  }

  /// The events that an enrichment makes; nil when it wants the target not to be called: `""`, `{}` or `[]`.
  func enrich(_ events: [PipeEvent], _ pipe: Pipe, _ caller: Caller) async throws -> [PipeEvent]? {
    let items = rendered(events, pipe, template: pipe.enrichmentParameters?["InputTemplate"]?.string)
    let answer = try await carriers.result(ofFunction: pipe.enrichment ?? "", payload: JSON.array(items).bytes, as: caller)
    guard !answer.isEmpty, let json = try? JSON.parse(answer) else {
      if answer.isEmpty { return nil }
      throw PipesError.validation("The answer of the enrichment is not JSON.")
    }
    switch json {
    case .null, .string(""): return nil
    case .object(let object) where object.isEmpty: return nil
    case .array(let list): return list.isEmpty ? nil : list.map(PipeEvent.init)
    default: return [PipeEvent(json)]
    }
  }

  private func rendered(_ events: [PipeEvent], _ pipe: Pipe, template text: String?) -> [JSON] {
    guard let text, !text.isEmpty else { return events.map(\.json) }
    let (template, surroundings) = (InputTemplate(text), InputTemplate.Surroundings(pipe: pipe, now: ambient.now))
    return events.map { template.render($0, surroundings) }
  }

  /// - Throws: `AWSError` when nothing has gone through.
  func send(_ events: [PipeEvent], ids: [String], of pipe: Pipe, as caller: Caller) async throws -> Result {
    guard let target = ARN(pipe.target) else { throw PipesError.unsupported("The target \(pipe.target)") }
    let parameters = pipe.targetParameters
    let items = rendered(events, pipe, template: parameters?["InputTemplate"]?.string)
    switch target.service {
    case "lambda": return try await invoke(items, ids, pipe, parameters?["LambdaFunctionParameters"], caller)
    case "states": return try await execute(items, target, parameters?["StepFunctionStateMachineParameters"], caller)
    case "events":
      let entries = items.indices.map { entry(items[$0], events[$0], pipe, target, parameters?["EventBridgeEventBusParameters"]) }
      return try await put(entries, stopsAtFailure: pipe.isOrdered, caller)
    default:
      return await each(items, stopsAtFailure: pipe.isOrdered || pipe.target.hasSuffix(".fifo")) { place, text in
        try await self.send(text, events[place], target, parameters, caller)
      }
    }
  }

  /// In calls of ten. What a bus has taken is not put again.
  private func put(_ entries: [JSON], stopsAtFailure: Bool, _ caller: Caller) async throws -> Result {
    var result = Result()
    for start in stride(from: 0, to: entries.count, by: 10) {
      let part = Array(entries[start..<min(start + 10, entries.count)])
      let refusals: [AWSError?]
      do { refusals = try await carriers.putEachEvent(part, as: caller) } catch let error as AWSError {
        refusals = part.map { _ in error }
      }
      for (place, refusal) in refusals.enumerated() {
        guard let refusal else { continue }
        result.places.insert(start + place)
        result.error = result.error ?? refusal
      }
      if stopsAtFailure, !result.places.isEmpty {
        result.places.formUnion(start + part.count..<entries.count)
        break
      }
    }
    return result
  }

  /// One after the other. Where order counts nothing follows what has failed.
  private func each(
    _ items: [JSON], stopsAtFailure: Bool, _ send: (Int, String) async throws -> Void
  ) async -> Result {
    var result = Result()
    for (place, item) in items.enumerated() {
      do { try await send(place, item.plainText) } catch {
        result.error = error as? AWSError ?? .internalFailure(error)
        result.places.insert(place)
        if stopsAtFailure {
          result.places.formUnion(place..<items.count)
          break
        }
      }
    }
    return result
  }

  private func send(_ text: String, _ event: PipeEvent, _ target: ARN, _ parameters: JSON?, _ caller: Caller) async throws {
    /// A parameter may be a path into the event.
    func value(_ kind: String, _ name: String) -> String? {
      parameters?[kind]?[name]?.string.flatMap { Self.resolved($0, event) }
    }
    switch target.service {
    case "sqs":
      let message = OutgoingMessage(
        body: text, groupID: value("SqsQueueParameters", "MessageGroupId"),
        deduplicationID: value("SqsQueueParameters", "MessageDeduplicationId"))
      try await carriers.send(message, toQueue: target, as: caller)
    case "sns": try await carriers.publish(text, toTopic: target, as: caller)
    case "kinesis":
      let key = value("KinesisStreamParameters", "PartitionKey") ?? ambient.uuid()
      try await carriers.putRecord(Array(text.utf8), partitionKey: key, toStream: target, as: caller)
    case "firehose": try await carriers.putRecord(Array(text.utf8), toDeliveryStream: target, as: caller)
    case "logs":
      let time = value("CloudWatchLogsParameters", "Timestamp").flatMap { Int64($0) }.map { Instant(milliseconds: $0) } ?? ambient.now
      let group = target.resource.split(separator: ":").dropFirst().first.map(String.init) ?? ""
      try await carriers.putLogEvents(
        [LogLine(time: time, message: text)], toGroup: group, stream: value("CloudWatchLogsParameters", "LogStreamName") ?? "", as: caller)
    default: throw PipesError.unsupported("The target \(target.text)")
    }
  }

  /// A dead letter, to a queue or a topic.
  func tell(_ text: String, _ target: ARN, _ caller: Caller) async throws {
    if target.service == "sns" {
      try await carriers.publish(text, toTopic: target, as: caller)
    } else {
      try await carriers.send(OutgoingMessage(body: text), toQueue: target, as: caller)
    }
  }

  private static func resolved(_ text: String, _ event: PipeEvent) -> String? {
    guard let path = ValuePath(text) else { return text }
    return path.value(in: event.parsed)?.plainText
  }

  /// The whole batch in one call.
  private func invoke(_ items: [JSON], _ ids: [String], _ pipe: Pipe, _ parameters: JSON?, _ caller: Caller) async throws -> Result {
    let payload = JSON.array(items).bytes
    if parameters?["InvocationType"]?.string == "FIRE_AND_FORGET" {
      try await carriers.invoke(function: pipe.target, payload: payload, as: caller)
      return Result()
    }
    let answer = try await carriers.result(ofFunction: pipe.target, payload: payload, as: caller)
    guard let failures = (try? JSON.parse(answer))?["batchItemFailures"]?.array else { return Result() }
    let failed = failures.compactMap { $0["itemIdentifier"]?.string }
    // An id that nobody knows makes the whole batch a failure.
    guard failed.count == failures.count, Set(ids).isSuperset(of: failed) else {
      return Result(ids: Set(ids), error: PipesError.validation("The function named items that it was not given."))
    }
    return Result(ids: Set(failed), error: failed.isEmpty ? nil : AWSError("BatchItemFailures", "The function reported \(failed.count) failures."))
  }

  private func execute(_ items: [JSON], _ machine: ARN, _ parameters: JSON?, _ caller: Caller) async throws -> Result {
    let input = JSON.array(items).text
    guard parameters?["InvocationType"]?.string != "FIRE_AND_FORGET" else {
      try await carriers.startExecution(ofStateMachine: machine, input: input, as: caller)
      return Result()
    }
    let call: JSON = ["stateMachineArn": .string(machine.text), "input": .string(input)]
    let output = try await carriers.call("states", "StartSyncExecution", input: call, as: caller)
    guard let status = output?["status"]?.string, status != "SUCCEEDED" else { return Result() }
    throw AWSError(output?["error"]?.string ?? status, output?["cause"]?.string ?? "The execution ended with \(status).")
  }

  private func entry(_ item: JSON, _ event: PipeEvent, _ pipe: Pipe, _ bus: ARN, _ parameters: JSON?) -> JSON {
    func value(_ name: String) -> String? { parameters?[name]?.string.flatMap { Self.resolved($0, event) } }
    let source = ARN(pipe.source)?.service ?? ""
    var entry: [(String, JSON)] = [
      ("EventBusName", .string(bus.text)), ("Source", .string(value("Source") ?? "Pipe \(pipe.name.name)")),
      ("DetailType", .string(value("DetailType") ?? "Event from aws:\(source)")), ("Detail", .string(item.plainText)),
    ]
    let resources = parameters?["Resources"]?.array?.compactMap { $0.string.flatMap { Self.resolved($0, event) } } ?? []
    if !resources.isEmpty { entry.append(("Resources", .array(resources.map { .string($0) }))) }
    if let time = value("Time") { entry.append(("Time", Int64(time).map { .int($0) } ?? .string(time))) }
    return .object(JSONObject(entry))
  }
}
