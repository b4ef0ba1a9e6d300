import Base

/// A compiled event pattern (AWS: "Amazon EventBridge event patterns").
public struct EventPattern: Sendable, Equatable {
  /// Which operators there are.
  public enum Dialect: Sendable {
    /// Rules of an event bus: all of them.
    case bus
    /// Filters of event source mappings and pipes: no `wildcard`, and `anything-but` only with values.
    case filter
  }
  /// Alternatives of all `$or` multiplied; one more is refused.
  public static let maximumCombinations = 1000

  let root: Level

  /// - Throws: `PatternError` with the reason that AWS gives.
  public init(_ text: String, dialect: Dialect = .bus) throws(PatternError) {
    let json: JSON
    do { json = try JSON.parse(text) } catch { throw PatternError("Event pattern is not valid JSON: \(error)") }
    try self.init(json, dialect: dialect)
  }

  public init(_ json: JSON, dialect: Dialect = .bus) throws(PatternError) {
    guard let object = json.object else { throw PatternError("Filter is not an object") }
    var compiler = PatternCompiler(dialect: dialect)
    root = try compiler.level(object)
  }

  /// - Parameter event: anything but an object matches nothing.
  public func matches(_ event: JSON) -> Bool {
    guard case .object = event else { return false }
    return root.matches(event.withNestedNames())
  }
}

/// Why a text is no pattern. Services put it into their own error, such as `Event pattern is not valid. Reason: …`.
public struct PatternError: Error, Sendable, Equatable, CustomStringConvertible {
  public let reason: String
  init(_ reason: String) { self.reason = reason }
  public var description: String { reason }
}
