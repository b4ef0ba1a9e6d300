import Base

/// A notification in the forms in which endpoints get it.
struct Envelope: Sendable {
  var notification: Notification
  /// The ARN that may be unsubscribed.
  var subscription: String
  /// Base64.
  var signature: String
  var certificateURL: String

  private var unsubscribeURL: String { URLs.unsubscribe(subscription, at: notification.endpoint) }

  /// The JSON of SQS, HTTP/S and email-json, set as AWS sets it.
  var document: [UInt8] {
    let n = notification
    var members: [(String, String)] = [("Type", n.kind.word), ("MessageId", n.id)]
    if let number = n.sequenceNumber { members.append(("SequenceNumber", number)) }
    switch n.kind {
    case .message: break
    case .confirmation(let token), .farewell(let token): members.append(("Token", token))
    }
    members.append(("TopicArn", n.topic.arn.text))
    if let subject = n.subject { members.append(("Subject", subject)) }
    members.append(("Message", n.body))
    switch n.kind {
    case .message: break
    case .confirmation(let token), .farewell(let token):
      members.append(("SubscribeURL", URLs.confirm(n.topic, token, at: n.endpoint)))
    }
    members += [
      ("Timestamp", n.time.iso8601Milliseconds), ("SignatureVersion", n.signatureVersion.rawValue), ("Signature", signature),
      ("SigningCertURL", certificateURL),
    ]
    if n.kind == .message { members.append(("UnsubscribeURL", unsubscribeURL)) }
    if n.isReplayed { members.append(("Replayed", "true")) }
    return Self.lines(members, attributes: n.attributes)
  }

  private static func lines(_ members: [(String, String)], attributes: [MessageAttribute]) -> [UInt8] {
    var out: [UInt8] = Array("{\n".utf8)
    for (place, (name, value)) in members.enumerated() {
      if place > 0 { out += ",\n".utf8 }
      out += "  \"\(name)\" : ".utf8
      out += quoted(value)
    }
    if !attributes.isEmpty {
      out += ",\n  \"MessageAttributes\" : {\n".utf8
      for (place, attribute) in attributes.enumerated() {
        if place > 0 { out += ",\n".utf8 }
        out += "    ".utf8
        out += quoted(attribute.name)
        out += " : {\"Type\":".utf8
        out += quoted(attribute.dataType)
        out += ",\"Value\":".utf8
        out += quoted(attribute.text)
        out += "}".utf8
      }
      out += "\n  }".utf8
    }
    return out + "\n}".utf8
  }
  private static func quoted(_ text: String) -> [UInt8] {
    var json = JSONWriter(capacity: text.utf8.count + 16)
    json.string(text)
    return json.bytes
  }

  /// The event of a function: one record.
  var event: [UInt8] {
    let n = notification
    var json = JSONWriter(capacity: n.size + 1200)
    json.beginObject()
    json.name("Records")
    json.beginArray()
    json.beginObject()
    json.name("EventSource"); json.string("aws:sns")
    json.name("EventVersion"); json.string("1.0")
    json.name("EventSubscriptionArn"); json.string(subscription)
    json.name("Sns")
    json.beginObject()
    json.name("Type"); json.string(n.kind.word)
    json.name("MessageId"); json.string(n.id)
    switch n.kind {
    case .message: break
    case .confirmation(let token), .farewell(let token):
      json.name("Token"); json.string(token)
      json.name("SubscribeUrl"); json.string(URLs.confirm(n.topic, token, at: n.endpoint))
    }
    json.name("TopicArn"); json.string(n.topic.arn.text)
    json.name("Subject")
    if let subject = n.subject { json.string(subject) } else { json.null() }
    json.name("Message"); json.string(n.body)
    json.name("Timestamp"); json.string(n.time.iso8601Milliseconds)
    json.name("SignatureVersion"); json.string(n.signatureVersion.rawValue)
    json.name("Signature"); json.string(signature)
    json.name("SigningCertUrl"); json.string(certificateURL)
    json.name("UnsubscribeUrl"); json.string(unsubscribeURL)
    json.name("MessageAttributes")
    json.beginObject()
    for attribute in n.attributes {
      json.name(attribute.name)
      json.beginObject()
      json.name("Type"); json.string(attribute.dataType)
      json.name("Value"); json.string(attribute.text)
      json.endObject()
    }
    json.endObject()
    json.endObject()
    json.endObject()
    json.endArray()
    json.endObject()
    return json.bytes
  }
}
