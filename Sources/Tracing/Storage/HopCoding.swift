import Base
import Fabric
import Store

/// Hops that were recorded at about the same time, in one row. Texts that come again are written once.
struct HopSegment: Sendable {
  var hops: [Hop]

  /// The time of the newest one.
  var newest: Instant { hops.map(\.at).max() ?? .epoch }
  /// One for each trace, four bytes each: short enough to look at those of all segments for one trace. Different traces may have the same.
  var marks: [UInt8] {
    var all: [UInt32] = []
    var last = ""
    // Hops of a trace mostly stand together; a mark that comes again costs four bytes.
    for hop in hops where hop.trace != last {
      last = hop.trace
      all.append(Self.mark(last))
    }
    return all.flatMap { mark in withUnsafeBytes(of: mark.bigEndian) { Array($0) } }
  }
  static func mark(_ trace: String) -> UInt32 { CRC.crc32(trace.utf8) }
  static func marks(_ row: [UInt8], contain mark: UInt32) -> Bool {
    row.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count - 3, by: 4).contains { bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) == mark.bigEndian }
    }
  }

  var row: [UInt8] {
    var texts = TextTable()
    var body = RowWriter(capacity: hops.count * 64)
    for hop in hops { hop.write(to: &body, &texts) }
    var row = RowWriter(capacity: body.bytes.count + texts.byteCount + 16)
    row.instant(newest)
    row.strings(texts.all)
    row.int(hops.count)
    row.blob(body.bytes)
    return row.bytes
  }

  init(_ hops: [Hop]) { self.hops = hops }

  init(row: [UInt8]) throws {
    var row = try RowReader(row)
    _ = try row.instant()
    let texts = try row.strings()
    let count = try row.int()
    var body = try RowReader(try row.blob())
    hops = []
    for _ in 0..<count { hops.append(try Hop(from: &body, texts)) }
  }

  static func newest(ofRow row: [UInt8]) throws -> Instant {
    var row = try RowReader(row)
    return try row.instant()
  }
}

/// The texts of a segment by their numbers.
struct TextTable {
  private(set) var all: [String] = []
  private var numbers: [String: Int] = [:]
  private(set) var byteCount = 0
  /// The last one of each column, which mostly comes again: no hashing then.
  private var last = [(text: String, number: Int)](repeating: ("", -1), count: 7)

  /// - Parameter column: 0 to 6: texts of one column resemble each other.
  mutating func number(_ text: String, _ column: Int) -> UInt64 {
    if last[column].number >= 0, last[column].text == text { return UInt64(last[column].number) }
    let number = number(text)
    last[column] = (text, number)
    return UInt64(number)
  }

  private mutating func number(_ text: String) -> Int {
    if let number = numbers[text] { return number }
    numbers[text] = all.count
    all.append(text)
    byteCount += text.utf8.count + 2
    return all.count - 1
  }
}

extension Hop {
  fileprivate func write(to row: inout RowWriter, _ texts: inout TextTable) {
    row.string(id)
    row.optional(parent)
    row.varint(texts.number(trace, 0))
    row.varint(texts.number(account.text, 1))
    row.varint(texts.number(region.text, 2))
    row.varint(texts.number(service, 3))
    row.varint(texts.number(action, 4))
    row.varint(texts.number(source, 5))
    row.varint(texts.number(target, 6))
    row.instant(at)
    row.int(duration.inMicroseconds)
    row.int(attempt)
    row.optional(reason)
    let (kind, place, time) = outcome.parts
    row.varint(kind.rawValue)
    if let place { row.varint(texts.number(place, 6)) }
    if let time { row.instant(time) }
  }

  fileprivate init(from row: inout RowReader, _ texts: [String]) throws {
    func text(_ row: inout RowReader) throws -> String {
      let number = Int(clamping: try row.varint())
      guard texts.indices.contains(number) else { throw StoreError.corrupt("a hop names a text that is not there") }
      return texts[number]
    }
    let (id, parent) = (try row.string(), try row.optionalString())
    let trace = try text(&row)
    guard let account = AccountID(try text(&row)), let region = Region(try text(&row)) else {
      throw StoreError.corrupt("a hop without an account or Region")
    }
    let (service, action, source, target) = (try text(&row), try text(&row), try text(&row), try text(&row))
    let (at, duration) = (try row.instant(), Duration.microseconds(try row.int64()))
    let (attempt, reason) = (try row.int(), try row.optionalString())
    guard let kind = OutcomeKind(rawValue: try row.varint()) else { throw StoreError.corrupt("a hop with an unknown outcome") }
    let outcome: HopOutcome =
      switch kind {
      case .accepted: .accepted
      case .delivered: .delivered
      case .retried: .retried(at: try row.instant())
      case .failed: .failed
      case .filtered: .filtered
      case .denied: .denied
      case .deadLettered: .deadLettered(to: try text(&row))
      case .dropped: .dropped
      }
    self.init(
      id: id, parent: parent, trace: trace, at: at, duration: duration, account: account, region: region, service: service, action: action,
      source: source, target: target, attempt: attempt, outcome: outcome, reason: reason)
  }
}

/// As it is written; numbers stay.
private enum OutcomeKind: UInt64 {
  case accepted, delivered, retried, failed, filtered, denied, deadLettered, dropped
}

extension HopOutcome {
  fileprivate var parts: (OutcomeKind, place: String?, time: Instant?) {
    switch self {
    case .accepted: (.accepted, nil, nil)
    case .delivered: (.delivered, nil, nil)
    case .retried(let time): (.retried, nil, time)
    case .failed: (.failed, nil, nil)
    case .filtered: (.filtered, nil, nil)
    case .denied: (.denied, nil, nil)
    case .deadLettered(let place): (.deadLettered, place, nil)
    case .dropped: (.dropped, nil, nil)
    }
  }
}
