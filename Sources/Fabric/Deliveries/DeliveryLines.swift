import Base

/// What of a delivery queue is in memory: for each target a line of deliveries that may be tried now. Pure: it says what to start and
/// what to read.
///
/// A line is as wide as its target is quick: each success widens it, each failure narrows it. So a target that does not answer holds a
/// few places, and everything else that waits for it stays in the store.
struct DeliveryLines: Sendable {
  struct Limits: Sendable {
    /// Attempts at the same time of all targets. A target that has none may go beyond it, up to eight times as many.
    var running = 512
    /// Attempts at the same time of one target: at the beginning, and at most.
    var firstWidth = 8
    var width = 64
    var leastWidth = 2
    /// Bytes in memory of all targets and of one; a target that has nothing in memory may go beyond.
    var bytes = 64 << 20
    var bytesOfTarget = 4 << 20
    /// Lines of targets for which nothing is to do that are remembered.
    var idleLines = 4096
  }

  /// What is to be read: up to so many that are ready for a target, behind a number.
  struct Load: Sendable {
    var target: String
    var after: Int64
    var limit: Int
  }

  private struct Line {
    var waiting: [Delivery] = []
    /// Where `waiting` begins; those before have started.
    var head = 0
    /// What is in memory: what waits, and what runs until its end is in the store.
    var known: Set<String> = []
    var running = 0
    var width: Int
    var bytes = 0
    /// There may be more in the store, behind `through`.
    var hasBacklog = false
    var isLoading = false
    /// The store was read up to this number: what it held is in memory, or over.
    var through: Int64 = 0
    var isInTurn = false

    var waitingCount: Int { waiting.count - head }
    var isIdle: Bool { known.isEmpty && !hasBacklog && !isLoading }
  }

  private let limits: Limits
  private var lines: [String: Line] = [:]
  /// The targets of which something may start, the next one first from `turnHead` on.
  private var turns: [String] = []
  private var turnHead = 0
  private var toLoad: [String] = []
  /// They would be read if there were room in memory.
  private var starved: Set<String> = []
  private(set) var running = 0
  private(set) var bytes = 0

  init(_ limits: Limits) { self.limits = limits }

  var waiting: Int { lines.values.reduce(0) { $0 + $1.waitingCount } }

  /// Deliveries that have become ready in the store: new ones, woken ones, and those whose lane has come to them.
  mutating func admit(_ delivery: Delivery) {
    // Behind another one of its lane.
    guard let token = delivery.token else { return }
    with(delivery.target) { line, limits, bytes in
      // The store was read since it became ready, so it is here already, or even over.
      guard token.number > line.through else { return }
      let hasRoom =
        line.known.isEmpty
        || line.waitingCount < 2 * line.width && line.bytes < limits.bytesOfTarget && bytes < limits.bytes
      guard !line.hasBacklog, hasRoom else { line.hasBacklog = true; return }
      Self.take(delivery, &line)
      bytes += delivery.byteCount
    }
  }

  /// Something may be ready for the target of which nobody has told: after a start, or now and then.
  mutating func suspect(_ target: String) { with(target) { line, _, _ in line.hasBacklog = true } }

  /// What to start now, each target in its turn.
  mutating func starts() -> [Delivery] {
    var starts: [Delivery] = []
    var left = turns.count - turnHead
    // Where there is no room, those that have nothing under way are found by and by.
    var looks = 8
    while left > 0, running < limits.running || looks > 0 {
      left -= 1
      if running >= limits.running { looks -= 1 }
      let target = turns[turnHead]
      turnHead += 1
      guard var line = lines[target] else { continue }
      line.isInTurn = false
      if line.waitingCount > 0, line.running < line.width {
        if running < limits.running || line.running == 0 && running < 8 * limits.running {
          let delivery = line.waiting[line.head]
          line.head += 1
          if line.head == line.waiting.count || line.head >= 64 {
            line.waiting.removeFirst(line.head)
            line.head = 0
          }
          line.running += 1
          running += 1
          starts.append(delivery)
        }
        if line.waitingCount > 0, line.running < line.width {
          line.isInTurn = true
          turns.append(target)
          if running < limits.running { left += 1 }
        }
      }
      lines[target] = line
      noteLoad(target, line)
    }
    if turnHead > 256 || turnHead == turns.count {
      turns.removeFirst(turnHead)
      turnHead = 0
    }
    return starts
  }

  /// What to read from the store now. Each must be answered by `loaded` or `failedToLoad`.
  mutating func loads() -> [Load] {
    var loads: [Load] = []
    for target in toLoad {
      guard var line = lines[target], isToLoad(line) else { continue }
      line.isLoading = true
      lines[target] = line
      // What is known is passed over, so a page of it would bring nothing.
      loads.append(Load(target: target, after: line.through, limit: 2 * line.width - line.waitingCount + line.known.count))
    }
    toLoad.removeAll()
    return loads
  }

  /// A page that was read from the store, before anything else was committed to it.
  mutating func loaded(_ page: DeliveryPage, of target: String) {
    with(target) { line, _, bytes in
      line.isLoading = false
      line.hasBacklog = page.isMore
      line.through = max(line.through, page.through)
      for delivery in page.deliveries where !line.known.contains(delivery.id) {
        Self.take(delivery, &line)
        bytes += delivery.byteCount
      }
    }
  }

  mutating func failedToLoad(_ target: String) { with(target) { line, _, _ in line.isLoading = false } }

  /// A started delivery has left what is ready: the store says so.
  mutating func ended(_ delivery: Delivery, succeeded: Bool) {
    with(delivery.target) { line, limits, bytes in
      guard line.known.remove(delivery.id) != nil else { return }
      line.running -= 1
      line.bytes -= delivery.byteCount
      bytes -= delivery.byteCount
      line.width = succeeded ? min(line.width + 1, limits.width) : max(line.width / 2, limits.leastWidth)
    }
    if bytes < limits.bytes, !starved.isEmpty {
      toLoad += starved
      starved.removeAll()
    }
  }

  /// Forgets what waits of an account.
  mutating func remove(_ account: AccountID) {
    for target in Array(lines.keys) {
      with(target) { line, _, bytes in
        for delivery in line.waiting[line.head...] where delivery.account == account {
          line.known.remove(delivery.id)
          line.bytes -= delivery.byteCount
          bytes -= delivery.byteCount
        }
        line.waiting = line.waiting[line.head...].filter { $0.account != account }
        line.head = 0
      }
    }
  }

  /// Forgets targets for which nothing is to do, when they have become many. Until then they keep what they know of the store.
  mutating func tidy() {
    guard lines.count > limits.idleLines else { return }
    for (target, line) in lines where line.isIdle && !line.isInTurn { lines[target] = nil }
  }

  private static func take(_ delivery: Delivery, _ line: inout Line) {
    line.waiting.append(delivery)
    line.known.insert(delivery.id)
    line.bytes += delivery.byteCount
  }

  private mutating func with(_ target: String, _ body: (inout Line, Limits, inout Int) -> Void) {
    var line = lines.removeValue(forKey: target) ?? Line(width: limits.firstWidth)
    let before = line.running
    body(&line, limits, &bytes)
    running += line.running - before
    if !line.isInTurn, line.waitingCount > 0, line.running < line.width {
      line.isInTurn = true
      turns.append(target)
    }
    lines[target] = line
    noteLoad(target, line)
  }

  private mutating func noteLoad(_ target: String, _ line: Line) {
    guard wantsLoad(line) else { return }
    if hasRoom(line) { toLoad.append(target) } else { starved.insert(target) }
  }

  private func isToLoad(_ line: Line) -> Bool { wantsLoad(line) && hasRoom(line) }
  private func wantsLoad(_ line: Line) -> Bool {
    line.hasBacklog && !line.isLoading && line.waitingCount * 2 <= line.width && line.bytes < limits.bytesOfTarget
  }
  private func hasRoom(_ line: Line) -> Bool { bytes < limits.bytes || line.known.isEmpty }
}
