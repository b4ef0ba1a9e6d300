import Base
import Fabric
import Patterns
import Store

/// Events come in.
extension EventBridgeService {
  var eventOperations: [Operation] {
    [
      Operation("PutEvents", access: putEventsAccess, run: putEvents),
      Operation("TestEventPattern", access: { [self] (_: TestEventPatternInput, call) in
        accessToAll("TestEventPattern", call)
      }, run: testEventPattern),
    ]
  }

  /// Asked once for each bus, with all sources and detail types that go there.
  private func putEventsAccess(_ input: PutEventsInput, _ call: Call) async throws -> [Access] {
    let entries = input.entries
    var all: [Access] = []
    var seen: Set<BusName> = []
    for entry in entries {
      let bus = BusName(entry.eventBusName, call)
      guard seen.insert(bus).inserted else { continue }
      var asked = try await access("PutEvents", bus)
      let here = entries.count == 1 ? entries : entries.filter { BusName($0.eventBusName, call) == bus }
      asked.conditionValues["events:source"] = here.compactMap(\.source)
      asked.conditionValues["events:detail-type"] = here.compactMap(\.detailType)
      asked.conditionValues["events:eventbusinvocation"] = ["false"]
      all.append(asked)
    }
    return all
  }

  private func putEvents(_ input: PutEventsInput, _ call: Call) async throws -> PutEventsOutput {
    guard input.endpointId == nil else {
      throw EventBridgeError.unsupported("EndpointId", "Dewpoint has no global endpoints.")
    }
    let entries = input.entries
    let bytes = entries.reduce(0) { $0 + $1.byteCount }
    guard bytes < EventBridgeLimits.requestBytes else { throw EventBridgeError.requestTooLarge }
    let now = ambient.now
    var arrivals: [Arrival] = []
    let results = entries.map { entry -> PutEventsResultEntry in
      var result = PutEventsResultEntry()
      do throws(AWSError) {
        let arrival = try self.arrival(entry, now, call)
        arrivals.append(arrival)
        result.eventId = arrival.event.id
      } catch {
        (result.errorCode, result.errorMessage) = (error.code, error.message)
      }
      return result
    }
    try await accept(arrivals)
    let failed = results.count - arrivals.count
    metrics.put(results.count, failed: failed, bytes: bytes, call.account, call.region, at: now)
    var output = PutEventsOutput()
    (output.failedEntryCount, output.entries) = (failed, results)
    return output
  }

  /// An entry on its way, and the hop that tells of it.
  private func arrival(_ entry: PutEventsRequestEntry, _ now: Instant, _ call: Call) throws(AWSError) -> Arrival {
    let draft = try Event.Draft(entry, at: now)
    let bus = BusName(entry.eventBusName, call)
    guard bus.region == call.region else {
      throw AWSError("InvalidArgument", "Parameter EventBusName is not valid. Reason: The event bus is in another Region.")
    }
    var event = Event(draft, id: ambient.uuid(), account: call.account, region: call.region, ingested: now)
    event.isForwarded = false
    var trace = call.trace
    if let header = entry.traceHeader {
      guard let own = TraceContext(header: header) else {
        throw AWSError("InvalidArgument", "Parameter TraceHeader is not valid. Reason: It is no trace header.")
      }
      trace = own
    }
    let hop = Hop(
      id: neighbours.hops.newID(), parent: trace.parent, trace: trace.root, at: now, account: call.account, region: call.region,
      service: "events", action: "PutEvents", source: call.principal.arn, target: bus.arn.text, outcome: .accepted)
    neighbours.hops.record(hop)
    return Arrival(event: event, bus: bus, trace: trace.under(hop.id))
  }

  private static let mandatory = ["id", "account", "source", "time", "region", "resources", "detail-type"]

  private func testEventPattern(_ input: TestEventPatternInput, _ call: Call) async throws -> TestEventPatternOutput {
    let pattern: EventPattern
    do { pattern = try EventPattern(input.eventPattern) } catch { throw EventBridgeError.pattern(error.reason) }
    // "The following fields are mandatory" (API reference, TestEventPattern).
    guard let event = try? JSON.parse(input.event), event.object != nil, Self.mandatory.allSatisfy({ event[$0] != nil }) else {
      throw EventBridgeError.invalid(parameter: "Event")
    }
    var output = TestEventPatternOutput()
    output.result = pattern.matches(event)
    return output
  }
}
