import Base

/// What a member may hold. Structures are referred to by shape, so that recursive models work.
public indirect enum ShapeType: Sendable {
  case boolean
  /// byte, short, integer and long alike.
  case integer
  /// float and double alike.
  case double
  case string
  case blob
  case timestamp
  /// Any JSON value.
  case document
  /// Any JSON object or array, as text: the service reads it by hand.
  case rawJSON
  case structure(StructureReference)
  case list(ElementShape)
  /// Keys are always strings.
  case map(key: ElementShape, value: ElementShape)
}

/// The element of a list, or the key or value of a map: its type, wire name and constraints.
public final class ElementShape: Sendable {
  public let type: ShapeType
  public let constraints: Constraints
  /// The XML or Query element name when the model gives one (`member`, `key` and `value` otherwise).
  public let wireName: String?
  public init(type: ShapeType, constraints: Constraints = .init(), wireName: String? = nil) {
    (self.type, self.constraints, self.wireName) = (type, constraints, wireName)
  }
}

/// What the model demands of a value beyond its type.
public struct Constraints: Sendable {
  public var minimum: Double?
  public var maximum: Double?
  public var pattern: String?
  public var allowed: [String]?
  public var isSensitive = false
  public init() {}
}

public enum TimestampFormat: Sendable { case epochSeconds, iso8601, httpDate }

/// Where a member travels in the REST protocols.
public enum MemberLocation: Sendable, Equatable {
  case body, header, prefixHeaders, query, queryMap, label, greedyLabel, statusCode, payload
}

/// One member of a structure.
public final class Member: Sendable {
  public let name: String
  /// The name on the wire for its location; the member's own name unless the model gives another.
  public let wireName: String
  /// The name that awsQuery uses, where it differs (queryName, flattened lists, SQS's older model).
  public let queryName: String
  public let type: ShapeType
  public let location: MemberLocation
  public let isRequired: Bool
  public let isFlattened: Bool
  public let isXMLAttribute: Bool
  public let isStreaming: Bool
  public let isIdempotencyToken: Bool
  public let timestampFormat: TimestampFormat?
  public let constraints: Constraints

  public init(
    name: String, wireName: String? = nil, queryName: String? = nil, type: ShapeType, location: MemberLocation = .body,
    isRequired: Bool = false, isFlattened: Bool = false, isXMLAttribute: Bool = false, isStreaming: Bool = false,
    isIdempotencyToken: Bool = false, timestampFormat: TimestampFormat? = nil, constraints: Constraints = .init()
  ) {
    self.name = name
    self.wireName = wireName ?? name
    self.queryName = queryName ?? wireName ?? name
    (self.type, self.location, self.isRequired, self.isFlattened) = (type, location, isRequired, isFlattened)
    (self.isXMLAttribute, self.isStreaming, self.isIdempotencyToken) = (isXMLAttribute, isStreaming, isIdempotencyToken)
    (self.timestampFormat, self.constraints) = (timestampFormat, constraints)
  }
}
