import Base
import Synchronization

/// A structure or union of a service model, with its members in the order of the schema.
public final class StructureShape: Sendable {
  public let name: String
  public let isUnion: Bool
  /// For modelled errors: the HTTP status, and the code where it differs from the shape name (awsQuery).
  public let errorStatus: Int?
  public let errorCode: String?
  public let isServerFault: Bool
  public let members: [Member]
  private let places: [String: Int]
  private let wirePlaces: [String: Int]

  public init(
    name: String, members: [Member], isUnion: Bool = false, errorStatus: Int? = nil, errorCode: String? = nil,
    isServerFault: Bool = false
  ) {
    (self.name, self.members, self.isUnion) = (name, members, isUnion)
    (self.errorStatus, self.errorCode, self.isServerFault) = (errorStatus, errorCode, isServerFault)
    places = Dictionary(members.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    wirePlaces = Dictionary(members.enumerated().map { ($1.wireName, $0) }, uniquingKeysWith: { a, _ in a })
  }

  /// The slot number of a member by its model name.
  public func place(of member: String) -> Int? { places[member] }
  /// The slot number of a member by its name in a JSON or XML body.
  public func place(ofWireName name: String) -> Int? { wirePlaces[name] }
}

/// A reference to a structure that is resolved when the whole schema has been read, so that shapes may be recursive.
public final class StructureReference: Sendable {
  public let name: String
  private let resolved = Mutex<StructureShape?>(nil)
  public init(_ name: String) { self.name = name }
  public init(_ shape: StructureShape) {
    name = shape.name
    resolved.withLock { $0 = shape }
  }
  public func resolve(_ shape: StructureShape) { resolved.withLock { $0 = shape } }
  public var shape: StructureShape {
    guard let shape = resolved.withLock({ $0 }) else { preconditionFailure("schema: shape \(name) is not defined") }
    return shape
  }
}
