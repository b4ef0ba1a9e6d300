import Base
import Fabric

/// The event that Lambda hands to a function for a batch of SQS messages.
enum SQSEvent {
  static func payload(_ messages: [QueueMessage], source: ARN) -> [UInt8] {
    var json = JSONWriter(capacity: messages.reduce(64) { $0 + $1.body.utf8.count + 700 })
    json.beginObject()
    json.name("Records")
    json.beginArray()
    for message in messages { write(message, source, &json) }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  private static let attributeOrder = [
    "ApproximateReceiveCount", "AWSTraceHeader", "SentTimestamp", "SequenceNumber", "MessageGroupId", "SenderId",
    "MessageDeduplicationId", "ApproximateFirstReceiveTimestamp", "DeadLetterQueueSourceArn",
  ]

  private static func write(_ message: QueueMessage, _ source: ARN, _ json: inout JSONWriter) {
    json.beginObject()
    json.name("messageId"); json.string(message.messageID)
    json.name("receiptHandle"); json.string(message.receiptHandle)
    json.name("body"); json.string(message.body)
    json.name("attributes")
    json.beginObject()
    for name in attributeOrder {
      if let value = message.systemAttributes[name] { json.name(name); json.string(value) }
    }
    json.endObject()
    json.name("messageAttributes")
    json.beginObject()
    for (name, attribute) in message.attributes { json.name(name); write(attribute, &json) }
    json.endObject()
    json.name("md5OfBody"); json.string(message.md5OfBody)
    json.name("md5OfMessageAttributes")
    if let md5 = message.md5OfAttributes { json.string(md5) } else { json.null() }
    json.name("eventSource"); json.string("aws:sqs")
    json.name("eventSourceARN"); json.string(source.text)
    json.name("awsRegion"); json.string(source.region)
    json.endObject()
  }

  private static func write(_ attribute: QueueAttribute, _ json: inout JSONWriter) {
    json.beginObject()
    switch attribute.content {
    case .string(let text): json.name("stringValue"); json.string(text)
    case .binary(let bytes): json.name("binaryValue"); json.string(bytes.base64)
    }
    json.name("stringListValues"); json.beginArray(); json.endArray()
    json.name("binaryListValues"); json.beginArray(); json.endArray()
    json.name("dataType"); json.string(attribute.dataType)
    json.endObject()
  }

  /// About what a message adds to the payload, so that a batch stays under 6 MB without being encoded twice.
  static func size(of message: QueueMessage) -> Int {
    let attributes = message.attributes.reduce(0) { sum, entry in
      let content = switch entry.value.content {
      case .string(let text): text.utf8.count
      case .binary(let bytes): bytes.count * 4 / 3
      }
      return sum + entry.name.utf8.count + content + 100
    }
    // Quotes, line ends and control characters grow in JSON.
    let escapes = message.body.utf8.reduce(0) {
      $0 + ($1 == 34 || $1 == 92 || $1 < 32 ? ($1 < 32 && $1 != 10 && $1 != 13 && $1 != 9 ? 5 : 1) : 0)
    }
    return message.body.utf8.count + escapes + attributes + 900
  }
}
