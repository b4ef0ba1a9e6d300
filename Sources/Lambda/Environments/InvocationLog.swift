import Base
import Fabric

/// Gathers the log of an environment: platform lines, what the runtime wrote, and the tail of the running invocation.
struct InvocationLog: Sendable {
  /// The most that `LogType: Tail` returns (AWS: Invoke API).
  static let tailLimit = 4096

  /// Gets each line of the platform, too.
  private let echo: (@Sendable (String) -> Void)?
  private var splitter = OutputSplitter()
  private var pending: [LogLine] = []
  private var tail: [UInt8] = []

  init(echo: (@Sendable (String) -> Void)? = nil) { self.echo = echo }

  /// A line that the platform writes, if it does.
  mutating func platform(_ text: String?, at now: Instant) {
    guard let text else { return }
    append(text, now)
    echo?(text)
  }

  /// Begins the tail anew; START belongs to it.
  mutating func begin(_ text: String?, at now: Instant) {
    tail = []
    platform(text, at: now)
  }

  mutating func output(_ bytes: [UInt8], at now: Instant) {
    for message in splitter.feed(bytes) { append(message, now) }
  }

  /// What the runtime wrote without a line end counts as a message now.
  mutating func settle(at now: Instant) {
    for message in splitter.finish() { append(message, now) }
  }

  private mutating func append(_ text: String, _ now: Instant) {
    let message = text.hasSuffix("\n") ? text : text + "\n"
    pending.append(LogLine(time: now, message: message))
    tail += Array(message.utf8)
    if tail.count > 4 * Self.tailLimit { tail.removeFirst(tail.count - Self.tailLimit) }
  }

  /// The last 4 KB of the invocation's log.
  var tailBytes: [UInt8] { Array(tail.suffix(Self.tailLimit)) }

  /// The lines that have not been handed on yet.
  mutating func take() -> [LogLine] {
    defer { pending = [] }
    return pending
  }
}
