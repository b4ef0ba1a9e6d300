import Base
import Fabric
import Store
import Wire

extension PutRecordInput: DeliveryStreamInput {}
extension PutRecordBatchInput: DeliveryStreamInput {}

/// Records come in. When it is answered they are in the store.
extension FirehoseService {
  var recordOperations: [Operation] {
    [
      Operation("PutRecord", access: access("PutRecord"), run: putRecord),
      Operation("PutRecordBatch", access: access("PutRecordBatch"), run: putRecordBatch),
    ]
  }

  private func putRecord(_ input: PutRecordInput, _ call: Call) async throws -> PutRecordOutput {
    let id = id(input.deliveryStreamName, call)
    let data = input.recordValue.data
    guard data.count <= FirehoseLimits.recordBytes else {
      throw AWSError(
        "ValidationException",
        "1 validation error detected: Value at 'record.data' failed to satisfy constraint: Member must have length less than or equal to "
          + "\(FirehoseLimits.recordBytes)", status: 400)
    }
    let (first, stream) = try await take([data], id)
    var output = PutRecordOutput()
    (output.recordId, output.encrypted) = (Self.recordID(stream, first), stream.encryptionKey != nil)
    return output
  }

  private func putRecordBatch(_ input: PutRecordBatchInput, _ call: Call) async throws -> PutRecordBatchOutput {
    let id = id(input.deliveryStreamName, call)
    let data = input.records.map(\.data)
    guard data.allSatisfy({ $0.count <= FirehoseLimits.recordBytes }) else {
      throw AWSError(
        "ValidationException",
        "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must satisfy constraint: [Member must have "
          + "length less than or equal to \(FirehoseLimits.recordBytes)]", status: 400)
    }
    guard data.reduce(0, { $0 + $1.count }) <= FirehoseLimits.batchBytes else {
      throw FirehoseError.invalid("Records size exceeds 4 MB limit")
    }
    let (first, stream) = try await take(data, id)
    var output = PutRecordBatchOutput()
    (output.failedPutCount, output.encrypted) = (0, stream.encryptionKey != nil)
    output.requestResponses = data.indices.map { place in
      var entry = PutRecordBatchResponseEntry()
      entry.recordId = Self.recordID(stream, first + Int64(place))
      return entry
    }
    return output
  }

  private static func recordID(_ stream: DeliveryStream, _ number: Int64) -> String {
    Array("\(stream.id)/\(number)".utf8).base64
  }

  private func take(_ data: [[UInt8]], _ id: DeliveryStreamID) async throws -> (first: Int64, stream: DeliveryStream) {
    let (now, records) = (ambient.now, data.map { BufferedRecord(data: $0) })
    let outcome = try await store.transact { rows in
      guard let stream = try rows.deliveryStream(id), stream.status == .active else { throw FirehoseError.noStream(id) }
      guard stream.source == .directPut else { throw FirehoseError.wrongSource(id) }
      return (stream, try rows.take(records, into: stream, at: now))
    }
    let (stream, taken) = outcome
    metrics.incoming(stream, records: data.count, bytes: data.reduce(0) { $0 + $1.count }, now)
    if taken.wasEmpty || taken.bytes >= Int64(stream.buffer.bytes) { lane(of: stream).nudge.nudge() }
    return (taken.first, stream)
  }

  func lane(of stream: DeliveryStream) -> DeliveryLane { lanes[Int(stream.id % Int64(lanes.count))] }
}
