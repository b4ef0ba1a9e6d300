import Base
import Fabric

/// Who wrote something into the log of an environment.
enum LogSource: Hashable, Sendable {
  case runtime
  case `extension`(String)
}

/// Gathers the log of an environment: platform lines, what the runtime and extensions wrote, and the tail of the running invocation.
struct InvocationLog: Sendable {
  /// The most that `LogType: Tail` returns (AWS: Invoke API).
  static let tailLimit = 4096

  private var splitters: [LogSource: OutputSplitter] = [:]
  private var pending: [LogLine] = []
  private var tail: [UInt8] = []
  private let filter: ApplicationLogFilter?

  /// Gets each line of the platform, too.
  private let echo: (@Sendable (String) -> Void)?

  init(_ function: FunctionVersion, echo: (@Sendable (String) -> Void)? = nil) {
    (filter, self.echo) = (ApplicationLogFilter(function), echo)
  }

  /// A line that the platform writes, if it does.
  mutating func platform(_ text: String?, at now: Instant) {
    guard let text else { return }
    append(text, now)
    echo?(text)
  }

  /// Begins the tail anew.
  mutating func begin() { tail = [] }

  /// - Parameter publish: is told of each message, for extensions that have subscribed.
  mutating func output(
    _ bytes: [UInt8], from source: LogSource, at now: Instant, _ publish: (TelemetryKind, String, Instant) -> Void
  ) {
    guard !bytes.isEmpty else { return }
    for message in splitters[source, default: OutputSplitter()].feed(bytes) { take(message, source, now, publish) }
  }

  /// What was written without a line end counts as a message now.
  mutating func settle(at now: Instant, _ publish: (TelemetryKind, String, Instant) -> Void) {
    for source in splitters.keys {
      for message in splitters[source]?.finish() ?? [] { take(message, source, now, publish) }
    }
  }

  private mutating func take(
    _ message: String, _ source: LogSource, _ now: Instant, _ publish: (TelemetryKind, String, Instant) -> Void
  ) {
    publish(source == .runtime ? .function : .extension, message, now)
    if source == .runtime, let filter, !filter.passes(message) { return }
    append(message, now)
  }

  private mutating func append(_ text: String, _ now: Instant) {
    let message = text.hasSuffix("\n") ? text : text + "\n"
    pending.append(LogLine(time: now, message: message))
    tail += Array(message.utf8)
    if tail.count > 4 * Self.tailLimit { tail.removeFirst(tail.count - Self.tailLimit) }
  }

  /// The last 4 KB of the invocation's log, beginning with a whole character.
  var tailBytes: [UInt8] { Array(tail.suffix(Self.tailLimit).drop { tail.count > Self.tailLimit && $0 & 0xC0 == 0x80 }) }

  /// The lines that have not been handed on yet.
  mutating func take() -> [LogLine] {
    defer { pending = [] }
    return pending
  }
}

/// Leaves records of function code out that are below the function's log level. Runtimes do it themselves for what goes through
/// their loggers; what a function writes as JSON with a level and a time is looked at here (AWS: "Log-level filtering").
struct ApplicationLogFilter: Sendable {
  private static let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
  private let threshold: Int

  /// Nil when everything passes.
  init?(_ function: FunctionVersion) {
    guard function.logFormat == .json, let level = function.applicationLogLevel, let index = Self.levels.firstIndex(of: level),
      index > 0
    else { return nil }
    threshold = index
  }

  func passes(_ message: String) -> Bool {
    guard message.utf8.first == UInt8(ascii: "{"), let record = try? JSON.parse(Array(message.utf8)),
      record["timestamp"] != nil, let name = record["level"]?.string?.uppercased(),
      let level = Self.levels.firstIndex(where: { name == $0 || (name == "WARNING" && $0 == "WARN") || (name == "CRITICAL" && $0 == "FATAL") })
    else { return true }
    return level >= threshold
  }
}
