import Base
import Store
import Wire

/// What happened to an item, as a stream keeps it.
struct Change: Sendable {
  enum Kind: Int, Sendable {
    case insert, modify, remove
    var name: String {
      switch self {
      case .insert: "INSERT"
      case .modify: "MODIFY"
      case .remove: "REMOVE"
      }
    }
  }
  var kind: Kind
  /// TTL did it, not a client.
  var isExpiry: Bool
  var keys: Item
  var old: Item?
  var new: Item?

  /// Only what the view shows is kept.
  static func bytes(_ table: Table, _ view: StreamView, old: Item?, new: Item?, isExpiry: Bool) -> [UInt8] {
    var row = RowWriter(capacity: 64 + (old?.bytes.count ?? 0) + (new?.bytes.count ?? 0))
    row.int((old == nil ? Kind.insert : new == nil ? .remove : .modify).rawValue)
    row.bool(isExpiry)
    row.blob(table.keyItem(new ?? old ?? Item()).bytes)
    row.optional(view.hasOld ? old : nil) { $0.blob($1.bytes) }
    row.optional(view.hasNew ? new : nil) { $0.blob($1.bytes) }
    return row.bytes
  }

  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    guard let kind = Kind(rawValue: try row.int()) else { throw StoreError.corrupt("kind of a change") }
    (self.kind, isExpiry, keys) = (kind, try row.bool(), Item(bytes: try row.blob()))
    old = try row.optional { Item(bytes: try $0.blob()) }
    new = try row.optional { Item(bytes: try $0.blob()) }
  }

  var size: Int { keys.size + (old?.size ?? 0) + (new?.size ?? 0) }

  /// The member `dynamodb` of the record.
  func json(_ view: StreamView, number: Int64, at time: Instant) -> RawJSON {
    var writer = JSONWriter(capacity: 256)
    writer.beginObject()
    writer.name("ApproximateCreationDateTime")
    // Whole seconds, as AWS has it.
    writer.int(time.milliseconds / 1000)
    writeImages(&writer)
    writer.name("SequenceNumber")
    writer.string(SequenceNumber.text(number))
    writer.name("StreamViewType")
    writer.string(view.rawValue)
    writer.endObject()
    return RawJSON(writer.bytes)
  }
  /// The members that records of all streams have.
  func writeImages(_ writer: inout JSONWriter) {
    writer.name("Keys")
    writer.verbatim(ValueText.json(keys).bytes)
    if let new {
      writer.name("NewImage")
      writer.verbatim(ValueText.json(new).bytes)
    }
    if let old {
      writer.name("OldImage")
      writer.verbatim(ValueText.json(old).bytes)
    }
    writer.name("SizeBytes")
    writer.int(Int64(max(1, size)))
  }
}

/// Sequence numbers of streams: 21 digits, of which ours are the last.
enum SequenceNumber {
  private static let offset: Int64 = 1
  static func text(_ number: Int64) -> String {
    let digits = String(number + offset)
    return "100000000" + String(repeating: "0", count: max(0, 19 - digits.count)) + digits
  }
  static func number(_ text: String) -> Int64? {
    guard text.utf8.count == 28, text.hasPrefix("100000000"), let number = Int64(text.dropFirst(9)) else { return nil }
    return number - offset
  }
}

/// A stream: the one of a table, or what is left of an earlier one.
struct StreamRow: Sendable {
  var id: Int
  var view: StreamView
  var key: [(name: String, kind: String)]
  var createdAt: Instant
  /// Nothing is added any more; it is kept for a day.
  var disabledAt: Instant?

  init(_ stream: TableStream, _ table: Table, at now: Instant) {
    (id, view, createdAt) = (stream.id, stream.view, now)
    key = [(table.key.hash.text, "HASH")] + (table.key.range.map { [($0.text, "RANGE")] } ?? [])
  }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    id = try row.int()
    view = StreamView(rawValue: try row.string()) ?? .keysOnly
    key = try row.array { (try $0.string(), try $0.string()) }
    createdAt = try row.instant()
    disabledAt = try row.optionalInstant()
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.int(id)
    row.string(view.rawValue)
    row.array(key) { row, element in
      row.string(element.name)
      row.string(element.kind)
    }
    row.instant(createdAt)
    row.optional(disabledAt)
    return row.bytes
  }
}
