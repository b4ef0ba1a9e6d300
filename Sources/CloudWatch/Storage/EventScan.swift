import Base
import Store

/// Reads the events of a group or of a stream in the order of their positions, forwards or backwards.
///
/// Chunks are ordered by their first event but may overlap by up to `LogsLimits.chunkSpan`. So events wait in a small
/// sorted list until no chunk that is still to come can hold an earlier one.
struct EventScan {
  enum Streams {
    case all
    case one(Int64)
    case some(Set<Int64>)
  }
  /// Where a page begins.
  enum Start: Equatable {
    /// Forwards from the first event after the position; nil is the very first.
    case after(EventPosition?)
    /// Backwards from the last event before the position; nil is the very last.
    case before(EventPosition?)
  }

  var group: Int64
  var streams: Streams
  /// Both ends included.
  var from: Instant
  var through: Instant
  var start: Start
  var limit = LogsLimits.pageEvents
  /// How much may be looked at, and what a byte of message costs of it.
  var budget = LogsLimits.scanBytes
  var weight = 1
  var selects: (StoredEvent) -> Bool = { _ in true }

  struct Page {
    /// In the order of reading.
    var events: [StoredEvent] = []
    /// The names of the streams of the events.
    var names: [Int64: String] = [:]
    /// Where the next page begins; nil when everything was seen.
    var next: EventPosition?
  }

  private var isForward: Bool { if case .after = start { true } else { false } }

  func page(_ reader: any Reader) throws -> Page {
    var state = Reading(scan: self)
    guard from <= through else { return state.page }
    let lowest: Instant, highest: Instant
    switch start {
    case .after(let position): (lowest, highest) = (max(from, position?.time ?? from), through)
    case .before(let position): (lowest, highest) = (from, min(through, position?.time ?? through))
    }
    let (prefix, stream) = keys
    // Keys hold first times, so a chunk that begins a span earlier may still reach into the range.
    let range = KeyRange(
      prefix.appending(Instant(milliseconds: lowest.milliseconds - LogsLimits.chunkSpan.inMilliseconds)),
      prefix.appending(Instant(milliseconds: highest.milliseconds + 1)))
    try reader.scan(range, reverse: !isForward) { key, value in
      let position = try LogsKeys.position(of: key, stream: stream, in: prefix)
      guard state.deliver(upTo: position.time), state.mayContinue(at: position.time, from: lowest) else { return false }
      guard try state.includes(position.stream, reader) else { return true }
      let row = stream == nil ? try reader.get(LogsKeys.chunk(group, position)) : value
      if let row { state.add(try EventChunk(row: row, at: position)) }
      return true
    }
    state.finish()
    return state.page
  }

  private var keys: (prefix: Key, stream: Int64?) {
    if case .one(let stream) = streams { (LogsKeys.chunks(group, stream), stream) } else { (LogsKeys.chunksByTime(group), nil) }
  }

  fileprivate func isInRange(_ event: StoredEvent) -> Bool {
    guard event.position.time >= from, event.position.time <= through else { return false }
    switch start {
    case .after(let position): return position.map { event.position > $0 } ?? true
    case .before(let position): return position.map { event.position < $0 } ?? true
    }
  }

  /// The progress of one page.
  private struct Reading {
    let scan: EventScan
    var page = Page()
    /// Selected events that are not delivered yet, in the order of reading.
    private var pending: [StoredEvent] = []
    private var pageBytes = 0
    private var cost = 0
    /// reading → full when an event did not fit, or → exhausted when the scan became too dear.
    private var end = End.reading
    private enum End { case reading, full, exhausted }
    private var known: [Int64: String?] = [:]

    init(scan: EventScan) { self.scan = scan }

    /// Delivers the events that no chunk from here on can come before. False when the page is full.
    mutating func deliver(upTo time: Instant) -> Bool {
      let bound = scan.isForward ? time : time + LogsLimits.chunkSpan
      let ready = pending.prefix { scan.isForward ? $0.position.time < bound : $0.position.time > bound }.count
      return deliver(ready)
    }

    private mutating func deliver(_ count: Int) -> Bool {
      for event in pending.prefix(count) {
        guard page.events.count < scan.limit, page.events.isEmpty || pageBytes + event.size <= LogsLimits.pageBytes else {
          end = .full
          page.next = page.events.last?.position
          return false
        }
        pageBytes += event.size
        page.events.append(event)
      }
      pending.removeFirst(count)
      return true
    }

    /// False when enough was looked at. Each page gets at least one millisecond further than where it began.
    mutating func mayContinue(at time: Instant, from lowest: Instant) -> Bool {
      guard scan.isForward, cost >= scan.budget, time > lowest else { return true }
      end = .exhausted
      page.next = .before(time)
      return false
    }

    mutating func includes(_ stream: Int64, _ reader: any Reader) throws -> Bool {
      cost += 64
      if case .some(let wanted) = scan.streams, !wanted.contains(stream) { return false }
      if let name = known[stream] { return name != nil }
      let name = try reader.logStreamName(scan.group, stream)
      known[stream] = .some(name)
      page.names[stream] = name
      return name != nil
    }

    mutating func add(_ chunk: EventChunk) {
      cost += chunk.size * scan.weight
      let selected = chunk.storedEvents.filter { scan.isInRange($0) && scan.selects($0) }
      guard !selected.isEmpty else { return }
      pending += selected
      pending.sort { scan.isForward ? $0.position < $1.position : $0.position > $1.position }
      trim()
    }

    /// Forgets what cannot come onto this page, so that the list stays as small as a page.
    private mutating func trim() {
      var bytes = 0
      let most = scan.limit - page.events.count + 1
      let kept = pending.prefix(most).prefix { event in
        defer { bytes += event.size }
        return bytes <= LogsLimits.pageBytes
      }.count
      if kept < pending.count { pending.removeLast(pending.count - kept) }
    }

    mutating func finish() { if end == .reading { _ = deliver(pending.count) } }
  }
}
