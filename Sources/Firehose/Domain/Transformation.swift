import Base

/// What a function is asked about records and what its answer means (AWS: "Required parameters for data transformation").
struct Transformation: Sendable {
  var stream: DeliveryStreamID
  var source: ARN?

  /// - Parameter invocation: an id that is the same in each attempt.
  func event(_ records: [BufferedRecord], invocation: String) -> [UInt8] {
    var json = JSONWriter(capacity: records.reduce(300) { $0 + $1.data.count * 4 / 3 + 200 })
    json.beginObject()
    json.name("invocationId"); json.string(invocation)
    if let source { json.name("sourceKinesisStreamArn"); json.string(source.text) }
    json.name("deliveryStreamArn"); json.string(stream.arn.text)
    json.name("region"); json.string(stream.region.text)
    json.name("records")
    json.beginArray()
    for record in records { Self.write(record, &json) }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  private static func write(_ record: BufferedRecord, _ json: inout JSONWriter) {
    json.beginObject()
    json.name("recordId"); json.string(record.id)
    json.name("approximateArrivalTimestamp"); json.int(record.arrival.milliseconds)
    json.name("data"); json.string(record.data.base64)
    if let origin = record.origin {
      json.name("kinesisRecordMetadata")
      json.beginObject()
      json.name("sequenceNumber"); json.string(origin.sequenceNumber)
      json.name("subsequenceNumber"); json.int(0)
      json.name("partitionKey"); json.string(origin.partitionKey)
      json.name("shardId"); json.string(origin.shard)
      json.name("approximateArrivalTimestamp"); json.int(record.arrival.milliseconds)
      json.endObject()
    }
    json.endObject()
  }

  /// What became of records.
  struct Outcome: Sendable, Equatable {
    var records: [BufferedRecord] = []
    var failed: [FailedRecord] = []
    var dropped = 0
  }

  /// Nil when the answer is none that says anything of the records: the call has failed then as a whole.
  static func outcome(of records: [BufferedRecord], _ answer: [UInt8], _ function: ARN) -> Outcome? {
    guard let answered = (try? JSON.parse(answer))?["records"]?.array else { return nil }
    var byID: [String: JSON] = [:]
    for entry in answered {
      guard let id = entry["recordId"]?.string else { return nil }
      byID[id] = entry
    }
    var outcome = Outcome()
    for record in records {
      func fail(_ code: String, _ message: String) {
        outcome.failed.append(FailedRecord(record: record, attempts: 1, code: code, message: message, function: function))
      }
      guard let entry = byID[record.id] else {
        fail("Lambda.MissingRecordId", "The function did not return the record.")
        continue
      }
      switch entry["result"]?.string {
      case "Dropped": outcome.dropped += 1
      case "ProcessingFailed": fail("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
      case "Ok":
        guard let text = entry["data"]?.string, let data = decodeBase64(Array(text.utf8)) else {
          fail("Lambda.FunctionError", "The data of the record is not base64.")
          continue
        }
        var changed = record
        changed.data = data
        outcome.records.append(changed)
      default: fail("Lambda.FunctionError", "The result of the record is none of Ok, Dropped and ProcessingFailed.")
      }
    }
    return outcome
  }

  /// Parts that one call takes.
  static func parts(_ records: [BufferedRecord], bytes: Int) -> [[BufferedRecord]] {
    var parts: [[BufferedRecord]] = [], size = 0
    for record in records {
      if parts.isEmpty || size + record.data.count > bytes || parts[parts.count - 1].count >= FirehoseLimits.transformRecords {
        parts.append([])
        size = 0
      }
      parts[parts.count - 1].append(record)
      size += record.data.count
    }
    return parts
  }
}
