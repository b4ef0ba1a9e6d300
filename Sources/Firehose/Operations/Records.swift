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
    let (first, count, stream) = try await take([data], id)
    guard count == 1 else { throw FirehoseError.slowDown }
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
    let (first, count, stream) = try await take(data, id)
    var output = PutRecordBatchOutput()
    (output.failedPutCount, output.encrypted) = (data.count - count, stream.encryptionKey != nil)
    output.requestResponses = data.indices.map { place in
      var entry = PutRecordBatchResponseEntry()
      if place < count {
        entry.recordId = Self.recordID(stream, first + Int64(place))
      } else {
        (entry.errorCode, entry.errorMessage) = (FirehoseError.slowDown.code, FirehoseError.slowDown.message)
      }
      return entry
    }
    return output
  }

  private static func recordID(_ stream: DeliveryStream, _ number: Int64) -> String {
    Array("\(stream.id)/\(number)".utf8).base64
  }

  /// Takes as many as there is room for: a destination that takes nothing must not fill the disk.
  /// - Returns: the number of the first, and how many were taken.
  private func take(_ data: [[UInt8]], _ id: DeliveryStreamID) async throws -> (first: Int64, count: Int, stream: DeliveryStream) {
    let now = ambient.now
    let outcome = try await store.transact { rows in
      guard let stream = try rows.deliveryStream(id), stream.status == .active else { throw FirehoseError.noStream(id) }
      guard stream.source == .directPut else { throw FirehoseError.wrongSource(id) }
      var room = Int64(FirehoseLimits.heldBytes) - (try Counter(Keys.waiting(stream.id)).value(rows))
      let fitting = data.prefix { record in
        room -= Int64(record.count)
        return room >= 0
      }
      return (stream, fitting, try rows.take(fitting.map { BufferedRecord(data: $0) }, into: stream, at: now))
    }
    let (stream, fitting, taken) = outcome
    if fitting.count < data.count { metrics.add(stream, [("ThrottledRecords", Double(data.count - fitting.count))], now) }
    guard !fitting.isEmpty else { return (taken.first, 0, stream) }
    metrics.incoming(stream, records: fitting.count, bytes: fitting.reduce(0) { $0 + $1.count }, now)
    if taken.wasEmpty || taken.bytes >= Int64(stream.buffer.bytes) { lane(of: stream).nudge.nudge() }
    return (taken.first, fitting.count, stream)
  }

  func lane(of stream: DeliveryStream) -> DeliveryLane { lanes[Int(stream.id % Int64(lanes.count))] }
}
