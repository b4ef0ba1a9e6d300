import Base

/// A record that waits for its delivery.
struct BufferedRecord: Sendable, Equatable {
  /// Of a record that came from a stream of Kinesis.
  struct Origin: Sendable, Equatable {
    var shard: String
    var sequenceNumber: String
    var partitionKey: String
  }
  /// In the log of its delivery stream; set when it is read from there.
  var number: Int64 = 0
  var arrival = Instant.epoch
  var data: [UInt8]
  var origin: Origin?

  /// As the transforming function sees it.
  var id: String {
    let digits = String(number)
    return "49" + String(repeating: "0", count: max(0, 54 - digits.utf8.count)) + digits
  }
}

/// A record that did not get where it should, as it is written to the errors.
struct FailedRecord: Sendable, Equatable {
  var record: BufferedRecord
  var attempts: Int
  var code: String
  var message: String
  var function: ARN?

  /// One line of JSON (AWS: "Handle failure in data transformation").
  func line(at now: Instant) -> [UInt8] {
    var json = JSONWriter(capacity: record.data.count * 4 / 3 + 400)
    json.beginObject()
    json.name("attemptsMade"); json.int(Int64(attempts))
    json.name("arrivalTimestamp"); json.int(record.arrival.milliseconds)
    json.name("errorCode"); json.string(code)
    json.name("errorMessage"); json.string(message)
    json.name("attemptEndingTimestamp"); json.int(now.milliseconds)
    json.name("rawData"); json.string(record.data.base64)
    if let function { json.name("lambdaArn"); json.string(function.text) }
    json.endObject()
    return json.bytes + [10]
  }
}
