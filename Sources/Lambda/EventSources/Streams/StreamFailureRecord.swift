import Base
import Fabric

/// What the destination of discarded records is told (AWS: "Configuring destinations for failed invocations").
struct StreamFailureRecord: Sendable {
  var discard: StreamDiscard
  var mapping: EventSourceMapping
  var shard: String
  /// For records that were never handed to the function.
  var requestID: String
  var time: Instant
  /// The event that the function got, for a bucket, which takes it whole.
  var payload: [UInt8]?

  var json: [UInt8] {
    let (batch, response) = (discard.batch, discard.batch.response)
    var json = JSONWriter(capacity: 900 + (payload?.count ?? 0))
    json.beginObject()
    json.name("requestContext")
    json.beginObject()
    json.name("requestId"); json.string(response?.requestID ?? requestID)
    json.name("functionArn"); json.string(mapping.functionARN)
    json.name("condition"); json.string(discard.condition.rawValue)
    json.name("approximateInvokeCount"); json.int(Int64(batch.runs))
    json.endObject()
    if let response, discard.condition == .attemptsExhausted {
      json.name("responseContext")
      json.beginObject()
      json.name("statusCode"); json.int(200)
      json.name("executedVersion"); json.string(response.executedVersion)
      if response.isFunctionError { json.name("functionError"); json.string("Unhandled") }
      json.endObject()
    }
    json.name("version"); json.string("1.0")
    json.name("timestamp"); json.string(time.iso8601Milliseconds)
    json.name(mapping.kind == .dynamoDB ? "DDBStreamBatchInfo" : "KinesisBatchInfo")
    json.beginObject()
    json.name("shardId"); json.string(shard)
    json.name("startSequenceNumber"); json.string(batch.records.first?.sequenceNumber ?? "")
    json.name("endSequenceNumber"); json.string(batch.records.last?.sequenceNumber ?? "")
    json.name("approximateArrivalOfFirstRecord"); json.string((batch.records.first?.arrival ?? time).iso8601Milliseconds)
    json.name("approximateArrivalOfLastRecord"); json.string((batch.records.last?.arrival ?? time).iso8601Milliseconds)
    json.name("batchSize"); json.int(Int64(batch.records.count))
    json.name("streamArn"); json.string(mapping.source.text)
    json.endObject()
    if let payload { json.name("payload"); json.string(payload.utf8Text) }
    json.endObject()
    return json.bytes
  }
}
