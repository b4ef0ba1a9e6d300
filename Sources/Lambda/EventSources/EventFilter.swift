import Base
import Fabric
import Patterns

/// The filter criteria of a mapping: what no pattern wants is deleted unseen from a queue, and passed over in a stream (AWS:
/// "Control which events Lambda sends to your function").
struct EventFilter: Sendable {
  private let filter: RecordFilter

  /// - Parameter texts: none wants everything.
  /// - Throws: `PatternError`.
  init(_ texts: [String], of kind: SourceKind) throws {
    filter = try RecordFilter(texts, contentKey: kind.contentKey)
  }

  func wants(_ message: QueueMessage, from source: ARN) -> Bool {
    guard !filter.isEmpty else { return true }
    let object = Self.object(Array(message.body.utf8))
    return wants(Self.event(message, object, source), isObject: object != nil)
  }

  func wants(_ record: StreamRecord, from source: ARN) -> Bool {
    guard !filter.isEmpty else { return true }
    let metadata: [(String, JSON)] = [("eventSourceARN", .string(source.text)), ("awsRegion", .string(source.region))]
    switch record.content {
    case .data(let bytes):
      let object = Self.object(bytes)
      let event = JSONObject(
        [
          ("data", object ?? .string(bytes.utf8Text)), ("partitionKey", .string(record.partitionKey)),
          ("sequenceNumber", .string(record.sequenceNumber)), ("kinesisSchemaVersion", "1.0"), ("eventSource", "aws:kinesis"),
          ("eventName", "aws:kinesis:record"),
        ] + metadata)
      return wants(.object(event), isObject: object != nil)
    case .change(let id, let name, let image, let isExpiry):
      let identity: [(String, JSON)] =
        isExpiry ? [("userIdentity", ["principalId": "dynamodb.amazonaws.com", "type": "Service"])] : []
      let event = JSONObject(
        [
          ("eventID", .string(id)), ("eventName", .string(name)), ("eventSource", "aws:dynamodb"),
          ("dynamodb", (try? JSON.parse(image)) ?? [:]),
        ] + identity + metadata)
      return wants(.object(event), isObject: true)
    }
  }

  private static func object(_ bytes: [UInt8]) -> JSON? {
    guard let json = try? JSON.parse(bytes), json.object != nil else { return nil }
    return json
  }

  private func wants(_ event: JSON, isObject: Bool) -> Bool {
    filter.wants(event, contentIsObject: isObject)
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

extension SourceKind {
  /// Where a pattern asks for what was sent, when that may be a text.
  fileprivate var contentKey: String? {
    switch self {
    case .queue: "body"
    case .kinesis: "data"
    case .dynamoDB: nil
    }
  }
}
