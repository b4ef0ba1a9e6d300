import Base
import Fabric

/// A trace for tools: the hops from the top down, each with its depth.
extension TraceTree {
  func json(_ trace: String, isCut: Bool) -> JSON {
    [
      "trace": .string(trace), "began": .string(began.iso8601Milliseconds), "ended": .string(ended.iso8601Milliseconds),
      "isComplete": .bool(!isCut), "hops": .array(lines.map(\.json)),
    ]
  }
}

extension TraceTree.Line {
  fileprivate var json: JSON {
    var json = hop.json
    json["depth"] = JSON(depth)
    json["delayMilliseconds"] = .int(delay.inMilliseconds)
    return .object(json)
  }
}

extension TraceSummary {
  var json: JSON {
    [
      "trace": .string(trace), "began": .string(began.iso8601Milliseconds), "hops": JSON(count), "first": .object(first.json),
      "outcomes": .object(JSONObject(outcomes.map { ($0.name, JSON($0.count)) })),
    ]
  }
}

extension Hop {
  fileprivate var json: JSONObject {
    var json = JSONObject([
      ("id", .string(id)), ("parent", JSON(parent)), ("at", .string(at.iso8601Milliseconds)),
      ("durationMilliseconds", .double(Double(duration.inMicroseconds) / 1000)), ("account", .string(account.text)),
      ("region", .string(region.text)), ("service", .string(service)), ("action", .string(action)), ("source", .string(source)),
      ("target", .string(target)), ("attempt", JSON(attempt)), ("outcome", .string(outcome.name)), ("reason", JSON(reason)),
    ])
    switch outcome {
    case .retried(let time): json["retryAt"] = .string(time.iso8601Milliseconds)
    case .deadLettered(let place): json["deadLetter"] = .string(place)
    default: break
    }
    return json
  }
}
