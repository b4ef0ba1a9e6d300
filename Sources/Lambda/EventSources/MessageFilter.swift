import Base
import Fabric
import Patterns

/// The filter criteria of a mapping: a message that no pattern wants is deleted unseen (AWS: "Control which events Lambda sends to
/// your function").
struct MessageFilter: Sendable {
  private let patterns: [EventPattern]

  /// - Parameter texts: none wants everything.
  /// - Throws: `PatternError`.
  init(_ texts: [String]) throws {
    patterns = try texts.map { try EventPattern($0, dialect: .filter) }
  }

  func wants(_ message: QueueMessage, from source: ARN) -> Bool {
    guard !patterns.isEmpty else { return true }
    let event = Self.event(message, source)
    return patterns.contains { $0.matches(event) }
  }

  /// The record as the function would get it, with a body that is a JSON object in the place of its text: a pattern for the
  /// one does not match the other.
  private static func event(_ message: QueueMessage, _ source: ARN) -> JSON {
    var body: JSON = .string(message.body)
    if let json = try? JSON.parse(message.body), case .object = json { body = json }
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
