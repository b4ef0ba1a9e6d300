import Base
import Fabric

/// A record of a source, or what an enrichment made of it.
struct PipeEvent: Sendable, Equatable {
  var json: JSON
  /// With content that is JSON text as what it says.
  var parsed: JSON
  /// What was sent is a JSON object, so that patterns may look into it.
  var contentIsObject: Bool

  /// Made by an enrichment, or by a template.
  init(_ json: JSON) {
    self.json = json
    (parsed, contentIsObject) = Self.parsed(json)
  }

  /// A message as Lambda's mappings show it, too.
  init(_ message: QueueMessage, from source: ARN) {
    let attributes = message.systemAttributes.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
    let own = message.attributes.map { name, value in
      let content: [(String, JSON)] =
        switch value.content {
        case .string(let text): [("stringValue", .string(text))]
        case .binary(let bytes): [("binaryValue", .string(bytes.base64))]
        }
      let shape = content + [("stringListValues", []), ("binaryListValues", []), ("dataType", .string(value.dataType))]
      return (name, JSON.object(JSONObject(shape)))
    }
    var members: [(String, JSON)] = [
      ("messageId", .string(message.messageID)), ("receiptHandle", .string(message.receiptHandle)), ("body", .string(message.body)),
      ("attributes", .object(JSONObject(attributes))), ("messageAttributes", .object(JSONObject(own))),
      ("md5OfBody", .string(message.md5OfBody)),
    ]
    if let md5 = message.md5OfAttributes { members.append(("md5OfMessageAttributes", .string(md5))) }
    members += [
      ("eventSource", "aws:sqs"), ("eventSourceARN", .string(source.text)), ("awsRegion", .string(source.region)),
    ]
    self.init(.object(JSONObject(members)))
  }

  private static func parsed(_ json: JSON) -> (JSON, Bool) {
    guard var object = json.object, let text = object["body"]?.string, let body = try? JSON.parse(text) else { return (json, false) }
    object["body"] = body
    return (.object(object), body.object != nil)
  }

  /// As patterns see it: content that is no object stays a text.
  var filtered: JSON { contentIsObject ? parsed : json }
}
