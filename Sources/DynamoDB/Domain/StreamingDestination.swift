import Base
import Crypto
import Store

/// A stream of Kinesis that takes the changes of a table.
struct StreamingDestination: Equatable, Sendable {
  /// enabling: nothing is streamed yet; becomes active or, when the stream is gone, failed. active: changes are kept and carried to the
  /// stream; becomes updating or disabling. updating: the same while the precision changes; becomes active. disabling: what was kept is
  /// still carried; becomes disabled. disabled, failed: only shown; may be enabled anew.
  enum Status: Int, Sendable {
    case enabling, active, updating, disabling, disabled, failed
    var name: String {
      switch self {
      case .enabling: "ENABLING"
      case .active: "ACTIVE"
      case .updating: "UPDATING"
      case .disabling: "DISABLING"
      case .disabled: "DISABLED"
      case .failed: "ENABLE_FAILED"
      }
    }
  }
  enum Precision: String, Sendable { case millisecond = "MILLISECOND", microsecond = "MICROSECOND" }

  /// Names its rows; never used again.
  var id: Int
  /// The ARN of the stream.
  var stream: String
  var status: Status
  var precision: Precision

  var takesChanges: Bool { status == .active || status == .updating }
  var isOver: Bool { status == .disabled || status == .failed }
}

/// What a change is on its way to a stream.
struct StreamedChange: Sendable {
  var change: Change
  var number: Int64
  var time: Instant

  /// Records of one item come in order.
  var partitionKey: String { Array(Insecure.MD5.hash(data: change.keys.bytes)).hex }

  /// The record of the stream: the data is a JSON object (Developer Guide, "Using Kinesis Data Streams to capture changes").
  func data(_ destination: StreamingDestination, _ table: TableName) -> [UInt8] {
    var writer = JSONWriter(capacity: 256 + 3 * change.size)
    writer.beginObject()
    writer.name("awsRegion")
    writer.string(table.region.text)
    writer.name("eventID")
    writer.string(eventID(destination.id))
    writer.name("eventName")
    writer.string(change.kind.name)
    writer.name("userIdentity")
    if change.isExpiry {
      writer.verbatim(#"{"principalId":"dynamodb.amazonaws.com","type":"Service"}"#.utf8)
    } else {
      writer.null()
    }
    writer.name("recordFormat")
    writer.string("application/json")
    writer.name("tableName")
    writer.string(table.name)
    writer.name("dynamodb")
    writer.beginObject()
    writer.name("ApproximateCreationDateTime")
    writer.int(destination.precision == .microsecond ? time.milliseconds * 1000 : time.milliseconds)
    writer.name("ApproximateCreationDateTimePrecision")
    writer.string(destination.precision.rawValue)
    change.writeImages(&writer)
    writer.endObject()
    writer.name("eventSource")
    writer.string("aws:dynamodb")
    writer.endObject()
    return writer.bytes
  }

  /// The same for every attempt, so that readers recognise what comes twice.
  private func eventID(_ destination: Int) -> String {
    let hex = Array(Insecure.MD5.hash(data: Array("\(destination)/\(number)".utf8))).hex
    var parts: [Substring] = []
    var rest = hex[...]
    for length in [8, 4, 4, 4, 12] {
      parts.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return parts.joined(separator: "-")
  }
}
