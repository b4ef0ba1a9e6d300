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
    return root.matches(event)
  }
}

/// Why a text is no pattern. Services put it into their own error, such as `Event pattern is not valid. Reason: …`.
public struct PatternError: Error, Sendable, Equatable, CustomStringConvertible {
  public let reason: String
  init(_ reason: String) { self.reason = reason }
  public var description: String { reason }
}

/// The conditions on one object: all fields, and one alternative of each `$or`.
struct Level: Sendable, Equatable {
  indirect enum Field: Sendable, Equatable {
    case level(Level)
    case leaf([Matcher])
  }
  var fields: [(name: String, field: Field)] = []
  var alternatives: [[Level]] = []

  static func == (a: Level, b: Level) -> Bool {
    a.fields.elementsEqual(b.fields) { $0.name == $1.name && $0.field == $1.field } && a.alternatives == b.alternatives
  }

  /// - Parameter value: nil where the event has nothing. A list matches when an element does.
  func matches(_ value: JSON?) -> Bool {
    if case .array(let elements)? = value, !elements.isEmpty { return elements.contains { matches($0) } }
    let object = value?.object
    return fields.allSatisfy { name, field in
      let value = object?[name]
      return switch field {
      case .level(let level): level.matches(value)
      case .leaf(let matchers): matchers.contains { $0.matches(value) }
      }
    } && alternatives.allSatisfy { $0.contains { $0.matches(value) } }
  }
}
