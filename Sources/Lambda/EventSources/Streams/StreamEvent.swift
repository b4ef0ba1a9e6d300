import Base
import Fabric

/// The event that Lambda hands to a function for a batch of records.
struct StreamEvent: Sendable {
  var source: ARN
  var shard: String
  /// The role as which the records were read.
  var role: String

  func payload(_ call: ShardLane.Call) -> [UInt8] {
    var json = JSONWriter(capacity: call.batch.records.reduce(512) { $0 + Self.size(of: $1) })
    json.beginObject()
    json.name("Records")
    json.beginArray()
    for record in call.batch.records { write(record, &json) }
    json.endArray()
    if let window = call.window { write(window, isFinal: call.isFinal, &json) }
    json.endObject()
    return json.bytes
  }

  private func write(_ window: TumblingWindow, isFinal: Bool, _ json: inout JSONWriter) {
    json.name("window")
    json.beginObject()
    json.name("start"); json.string(window.start.iso8601)
    json.name("end"); json.string(window.end.iso8601)
    json.endObject()
    json.name("state"); json.verbatim(window.state)
    json.name("shardId"); json.string(shard)
    json.name("eventSourceARN"); json.string(source.text)
    json.name("isFinalInvokeForWindow"); json.bool(isFinal)
    json.name("isWindowTerminatedEarly"); json.bool(isFinal && window.isTooLarge)
  }

  private func write(_ record: StreamRecord, _ json: inout JSONWriter) {
    json.beginObject()
    switch record.content {
    case .data(let bytes):
      json.name("kinesis")
      json.beginObject()
      json.name("kinesisSchemaVersion"); json.string("1.0")
      json.name("partitionKey"); json.string(record.partitionKey)
      json.name("sequenceNumber"); json.string(record.sequenceNumber)
      json.name("data"); json.string(bytes.base64)
      json.name("approximateArrivalTimestamp"); json.epochSeconds(record.arrival)
      json.endObject()
      json.name("eventSource"); json.string("aws:kinesis")
      json.name("eventVersion"); json.string("1.0")
      json.name("eventID"); json.string("\(shard):\(record.sequenceNumber)")
      json.name("eventName"); json.string("aws:kinesis:record")
      json.name("invokeIdentityArn"); json.string(role)
    case .change(let id, let name, let image, let isExpiry):
      json.name("eventID"); json.string(id)
      json.name("eventName"); json.string(name)
      json.name("eventVersion"); json.string("1.1")
      json.name("eventSource"); json.string("aws:dynamodb")
      json.name("dynamodb"); json.verbatim(image)
      if isExpiry {
        json.name("userIdentity")
        json.beginObject()
        json.name("principalId"); json.string("dynamodb.amazonaws.com")
        json.name("type"); json.string("Service")
        json.endObject()
      }
    }
    json.name("awsRegion"); json.string(source.region)
    json.name("eventSourceARN"); json.string(source.text)
    json.endObject()
  }

  /// About what a record adds to the payload.
  static func size(of record: StreamRecord) -> Int {
    switch record.content {
    case .data(let bytes): bytes.count / 3 * 4 + record.partitionKey.utf8.count + 700
    case .change(_, _, let image, _): image.count + 500
    }
  }
}
