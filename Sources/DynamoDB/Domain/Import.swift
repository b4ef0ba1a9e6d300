import Base
import Store
import Wire

/// An import from S3 into a new table, and how far it has come.
struct Import: Sendable {
  enum Format: Equatable, Sendable {
    case json
    /// - header: names of columns; nil when the first line of each object has them.
    case csv(delimiter: UInt8, header: [String]?)
  }
  struct Progress: Equatable, Sendable {
    /// The last object that is done.
    var done = ""
    /// Items of the next object that are done.
    var offset = 0
    var bytes = 0
    var items = 0
    var imported = 0
    var errors = 0
  }

  /// The last part of its ARN.
  var label: String
  /// As it was made.
  var table: Table
  var startedAt: Instant
  var token: String
  var bucket: String
  var owner: String?
  var prefix: String?
  var format: Format
  var isGzip: Bool
  var status = JobStatus.inProgress
  var progress = Progress()

  var arn: String { "\(table.name.arn.text)/import/\(label)" }

  init(
    label: String, table: Table, startedAt: Instant, token: String, bucket: String, owner: String?, prefix: String?, format: Format,
    isGzip: Bool
  ) {
    (self.label, self.table, self.startedAt, self.token) = (label, table, startedAt, token)
    (self.bucket, self.owner, self.prefix, self.format, self.isGzip) = (bucket, owner, prefix, format, isGzip)
  }

  init(_ bytes: [UInt8], _ name: TableName, label: String) throws {
    var row = try RowReader(bytes)
    self.label = label
    table = try Table(try row.blob(), name: name)
    (startedAt, token, bucket) = (try row.instant(), try row.string(), try row.string())
    (owner, prefix) = (try row.optionalString(), try row.optionalString())
    format =
      try row.optional { .csv(delimiter: UInt8(clamping: try $0.int()), header: try $0.optional { try $0.strings() }) } ?? .json
    isGzip = try row.bool()
    status = try JobStatus(from: &row)
    progress = Progress(
      done: try row.string(), offset: try row.int(), bytes: try row.int(), items: try row.int(), imported: try row.int(),
      errors: try row.int())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 1024)
    row.blob(table.row)
    row.instant(startedAt)
    row.string(token)
    row.string(bucket)
    row.optional(owner)
    row.optional(prefix)
    if case .csv(let delimiter, let header) = format {
      row.bool(true)
      row.int(Int(delimiter))
      row.optional(header) { $0.strings($1) }
    } else {
      row.bool(false)
    }
    row.bool(isGzip)
    status.write(to: &row)
    row.string(progress.done)
    for number in [progress.offset, progress.bytes, progress.items, progress.imported, progress.errors] { row.int(number) }
    return row.bytes
  }
}

/// Items in the text of an object.
struct ImportedLines: Sendable {
  private let text: [UInt8]
  private var at = 0
  private let format: Import.Format
  private let definitions: [KeyAttribute]
  private var header: [String]

  init(_ text: [UInt8], _ format: Import.Format, _ definitions: [KeyAttribute]) {
    (self.text, self.format, self.definitions, header) = (text, format, definitions, [])
    guard case .csv(let delimiter, let names) = format else { return }
    header = names ?? fields(delimiter) ?? []
  }

  /// The next item; nil at the end. Throws for a line that is none, and stands behind it.
  mutating func next() throws -> Item? {
    switch format {
    case .json:
      while at < text.count {
        let end = text[at...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
        let line = Array(text[at..<end])
        at = end + 1
        guard line.contains(where: { $0 > 32 }) else { continue }
        var found: [UInt8]?
        try line.withUnsafeBufferPointer { bytes in
          var scanner = JSONScanner(bytes)
          try scanner.object { name, scanner in
            if name == "Item" { found = try scanner.verbatim() } else { try scanner.skip() }
          }
          try scanner.end()
        }
        guard let found else { throw DynamoDBError.validation("A line has no Item") }
        return try ValueReader.item(RawJSON(found))
      }
      return nil
    case .csv(let delimiter, _):
      while let fields = fields(delimiter) {
        if fields == [""] { continue }
        guard fields.count == header.count else { throw DynamoDBError.validation("A line has \(fields.count) columns of \(header.count)") }
        return Item(try zip(header, fields).map { (Array($0.utf8), try value($0, $1)) })
      }
      return nil
    }
  }

  /// Key attributes have their types, all others are strings.
  private func value(_ name: String, _ text: String) throws -> AttributeValue {
    switch definitions.first(where: { $0.text == name })?.type {
    case .number: return AttributeValue(try Number(text))
    case .binary:
      guard let bytes = decodeBase64(text) else { throw DynamoDBError.validation("A binary key is not base64") }
      return AttributeValue(.binary, bytes)
    default: return AttributeValue(string: text)
    }
  }

  /// A line of a CSV file (RFC 4180): in quotes, delimiters and line ends are text.
  private mutating func fields(_ delimiter: UInt8) -> [String]? {
    guard at < text.count else { return nil }
    var (fields, field, isQuoted) = ([String](), [UInt8](), false)
    while at < text.count {
      let byte = text[at]
      at += 1
      if isQuoted {
        if byte != UInt8(ascii: "\"") {
          field.append(byte)
        } else if at < text.count, text[at] == byte {
          field.append(byte)
          at += 1
        } else {
          isQuoted = false
        }
      } else if byte == UInt8(ascii: "\""), field.isEmpty {
        isQuoted = true
      } else if byte == delimiter {
        fields.append(field.utf8Text)
        field = []
      } else if byte == UInt8(ascii: "\n") {
        break
      } else if byte != UInt8(ascii: "\r") || at < text.count && text[at] != UInt8(ascii: "\n") {
        field.append(byte)
      }
    }
    return fields + [field.utf8Text]
  }
}
