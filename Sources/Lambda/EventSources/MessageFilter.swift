import Base
import Fabric
import Patterns

/// The filter criteria of a mapping: a message that no pattern wants is deleted unseen (AWS: "Control which events Lambda sends to
/// your function").
struct MessageFilter: Sendable {
  /// One pattern for each kind of body: a JSON object, and anything else, which is only a text.
  private struct Pattern {
    var ofObject: EventPattern
    var ofText: EventPattern
  }
  private let patterns: [Pattern]

  /// - Parameter texts: none wants everything.
  /// - Throws: `PatternError`.
  init(_ texts: [String]) throws {
    patterns = try texts.map { text in
      let pattern = try EventPattern(text, dialect: .filter)
      guard let json = try? JSON.parse(text) else { return Pattern(ofObject: pattern, ofText: pattern) }
      return Pattern(
        ofObject: try EventPattern(Self.narrow(json, toObjects: true), dialect: .filter),
        ofText: try EventPattern(Self.narrow(json, toObjects: false), dialect: .filter))
    }
  }

  /// What the pattern asks of the other kind of body becomes what no body fulfils: else a text would lack a field as `exists`
  /// may want it.
  private static func narrow(_ pattern: JSON, toObjects: Bool) -> JSON {
    guard case .object(let fields) = pattern else { return pattern }
    return .object(
      JSONObject(
        fields.map { name, value in
          switch (name, value) {
          case ("body", .object) where !toObjects: (name, [["exists": false]])
          case ("body", .array) where toObjects: (name, [["exists": true]])
          case ("$or", .array(let alternatives)): (name, .array(alternatives.map { narrow($0, toObjects: toObjects) }))
          default: (name, value)
          }
        }))
  }

  func wants(_ message: QueueMessage, from source: ARN) -> Bool {
    guard !patterns.isEmpty else { return true }
    let body = try? JSON.parse(message.body)
    let isObject = body?.object != nil
    let event = Self.event(message, isObject ? body : nil, source)
    return patterns.contains { (isObject ? $0.ofObject : $0.ofText).matches(event) }
  }

  /// The record as the function would get it, with a body that is a JSON object in the place of its text: a pattern for the
  /// one does not match the other.
  private static func event(_ message: QueueMessage, _ object: JSON?, _ source: ARN) -> JSON {
    let body = object ?? .string(message.body)
    let attributes = message.systemAttributes.map { ($0.key, JSON.string($0.value)) }
    let own = message.attributes.map { name, value in
      let content: (String, JSON) = switch value.content {
      case .string(let text): ("stringValue", .string(text))
      case .binary(let bytes): ("binaryValue", .string(bytes.base64))
      }
      return (name, JSON.object(JSONObject([content, ("dataType", .string(value.dataType))])))
    }
    return .object(
      JSONObject([
        ("messageId", .string(message.messageID)), ("receiptHandle", .string(message.receiptHandle)), ("body", body),
        ("attributes", .object(JSONObject(attributes))), ("messageAttributes", .object(JSONObject(own))),
        ("md5OfBody", .string(message.md5OfBody)), ("eventSource", "aws:sqs"), ("eventSourceARN", .string(source.text)),
        ("awsRegion", .string(source.region)),
      ]))
  }
}
