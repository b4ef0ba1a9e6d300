import Base

/// The events that subscribers get: `{"time", "type", "record"}`, as the schema version of the subscription has them.
enum TelemetryEvent {
  /// Nil for what the subscription does not get.
  static func event(
    _ event: PlatformEvent, _ record: JSON, at now: Instant, for subscription: TelemetrySubscription
  ) -> [UInt8]? {
    guard subscription.types.contains(.platform) else { return nil }
    switch subscription.api {
    case .telemetry:
      switch event {
      case .end, .fault, .subscribed(.logs, _, _): return nil
      default: return encode(event.type, record, now)
      }
    case .logs:
      switch event {
      case .start, .end, .report, .fault, .extensionState, .subscribed(.logs, _, _), .dropped:
        return encode(event.type, record, now)
      case .runtimeDone(let invocation, let usage) where subscription.schemaVersion >= "2021-03-18":
        let status = usage.status == "error" ? "failure" : usage.status ?? "success"
        let short = JSONObject([("requestId", .string(invocation.requestID)), ("status", .string(status))])
        return encode(event.type, .object(short), now)
      default: return nil
      }
    }
  }

  /// A message that function or extension code wrote.
  /// - Parameter isJSON: the function logs JSON; newer schemas then show the record and not its text.
  static func message(
    _ kind: TelemetryKind, _ text: String, isJSON: Bool, at now: Instant, for subscription: TelemetrySubscription
  ) -> [UInt8]? {
    guard subscription.types.contains(kind) else { return nil }
    if isJSON, kind == .function, subscription.api == .telemetry, subscription.schemaVersion >= "2022-12-13",
      let record = try? JSON.parse(Array(text.utf8)), record.object != nil
    {
      return encode(kind.rawValue, record, now)
    }
    return encode(kind.rawValue, .string(text), now)
  }

  private static func encode(_ type: String, _ record: JSON, _ now: Instant) -> [UInt8] {
    JSON.object(JSONObject([("time", .string(now.iso8601Milliseconds)), ("type", .string(type)), ("record", record)])).bytes
  }
}
