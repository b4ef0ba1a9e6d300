import Base
import Fabric

/// `/_dewpoint/clock`: shows the adjustable clock, freezes, advances and resumes it.
public enum ClockPage {
  /// GET shows the clock. POST takes one of `{"freeze": true}`, `{"advance": "6h"}`, `{"resume": true}`, `{"reset": true}`.
  /// - Parameter save: called with the new state before the answer goes out.
  public static func page(
    _ clock: AdjustableClock, save: @escaping @Sendable (AdjustableClock.Mode) throws -> Void
  ) -> InternalPage {
    InternalPage("clock", for: .everybody) { request in
      try request.require("GET", "POST")
      if request.method == "POST" {
        try change(clock, request.body)
        try save(clock.mode)
      }
      return .json(state(clock))
    }
  }

  static func state(_ clock: AdjustableClock) -> JSON {
    let (now, real) = (clock.now(), clock.wallNow())
    let mode = if case .frozen = clock.mode { "frozen" } else { "running" }
    return [
      "now": .string(now.iso8601Milliseconds), "epochMilliseconds": .int(now.milliseconds), "mode": .string(mode),
      "offsetSeconds": .double(Double(now.milliseconds - real.milliseconds) / 1000),
    ]
  }

  private static func change(_ clock: AdjustableClock, _ body: [UInt8]) throws {
    let bad = AWSError(
      "BadRequest", #"Send one of {"freeze": true}, {"advance": "6h"}, {"resume": true}, {"reset": true}."#, status: 400)
    guard let object = (try? JSON.parse(body))?.object, object.count == 1, let (name, value) = object.members.first else { throw bad }
    switch (name, value) {
    case ("freeze", .bool(true)): clock.freeze()
    case ("resume", .bool(true)): clock.resume()
    case ("reset", .bool(true)): clock.reset()
    case ("advance", let amount):
      guard let duration = amount.string.flatMap(parseDuration) ?? amount.int.map({ .seconds($0) }), duration >= .zero,
        duration <= .days(3660)
      else { throw AWSError("BadRequest", "Advance by a duration such as 90s, 5m, 6h, 1d12h; at most ten years.", status: 400) }
      guard clock.now() + duration <= .distantFuture else {
        throw AWSError("BadRequest", "The clock does not go beyond the year 9999.", status: 400)
      }
      clock.advance(by: duration)
    default: throw bad
    }
  }
}

/// Reads `500ms`, `90s`, `5m`, `6h`, `2d` and sums such as `1d12h30m`. Nil for anything else.
public func parseDuration(_ text: String) -> Duration? {
  var total = Duration.zero
  var rest = Substring(text.trimmed)
  guard !rest.isEmpty else { return nil }
  while !rest.isEmpty {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number < 1_000_000_000_000 else { return nil }
    rest = rest.dropFirst(digits.count)
    let unit = rest.prefix(while: \.isLetter)
    rest = rest.dropFirst(unit.count)
    switch unit {
    case "ms": total += .milliseconds(number)
    case "s", "sec", "second", "seconds": total += .seconds(number)
    case "m", "min", "minute", "minutes": total += .seconds(number * 60)
    case "h", "hour", "hours": total += .seconds(number * 3600)
    case "d", "day", "days": total += .seconds(number * 86_400)
    default: return nil
    }
  }
  return total
}
