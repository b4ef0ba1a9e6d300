import Base
import Fabric
import Store

/// Hops that were recorded at about the same time, in one row. Texts that come again are written once.
struct HopSegment: Sendable {
  var hops: [Hop]

  /// The time of the newest one.
  var newest: Instant { hops.map(\.at).max() ?? .epoch }
  var traces: Set<String> { Set(hops.map(\.trace)) }

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

  mutating func number(_ text: String) -> UInt64 {
    if let number = numbers[text] { return UInt64(number) }
    numbers[text] = all.count
    all.append(text)
    byteCount += text.utf8.count + 2
    return UInt64(all.count - 1)
  }
}

extension Hop {
  fileprivate func write(to row: inout RowWriter, _ texts: inout TextTable) {
    row.string(id)
    row.optional(parent)
    for text in [trace, account.text, region.text, service, action, source, target] { row.varint(texts.number(text)) }
    row.instant(at)
    row.int(duration.inMicroseconds)
    row.int(attempt)
    row.optional(reason)
    let (kind, place, time) = outcome.parts
    row.varint(kind.rawValue)
    if let place { row.varint(texts.number(place)) }
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
