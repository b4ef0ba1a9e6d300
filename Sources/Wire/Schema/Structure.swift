import Base
import Synchronization

/// A structure, union or modelled error of a service, with its members in the order of the schema.
///
/// A shape that comes from a schema text reads its members at first use: a server knows some thousand shapes at its
/// start and one run touches few of them.
public final class StructureShape: Sendable {
  public let name: String
  public let isUnion: Bool
  /// For modelled errors: the HTTP status, and the code where it differs from the shape name (awsQuery).
  public let errorStatus: Int?
  public let errorCode: String?
  public let isServerFault: Bool
  private let table = AtomicLazyReference<MemberTable>()
  private let readMembers: @Sendable () -> [Member]

  public convenience init(
    name: String, members: [Member], isUnion: Bool = false, errorStatus: Int? = nil, errorCode: String? = nil,
    isServerFault: Bool = false
  ) {
    self.init(
      name: name, isUnion: isUnion, errorStatus: errorStatus, errorCode: errorCode, isServerFault: isServerFault,
      readMembers: { members })
  }

  init(
    name: String, isUnion: Bool, errorStatus: Int?, errorCode: String?, isServerFault: Bool,
    readMembers: @escaping @Sendable () -> [Member]
  ) {
    (self.name, self.isUnion, self.readMembers) = (name, isUnion, readMembers)
    (self.errorStatus, self.errorCode, self.isServerFault) = (errorStatus, errorCode, isServerFault)
  }

  public var members: [Member] { memberTable.members }
  /// The slot number of a member by its model name.
  public func place(of member: String) -> Int? { memberTable.places[member] }
  /// The slot number of a member by its name in a JSON or XML body.
  public func place(ofWireName name: String) -> Int? { memberTable.place(ofWireName: name) }

  var memberTable: MemberTable { table.load() ?? table.storeIfNil(MemberTable(readMembers())) }
}

/// The members of a structure with their places by name.
final class MemberTable: Sendable {
  let members: [Member]
  let places: [String: Int]
  /// The places of members outside the body of a REST request.
  let unbodied: [Int]
  /// The places of required members.
  let required: [Int]
  /// The places of members that may hold structures, however deep.
  let composites: [Int]
  private let wireNames: [String]
  private let wirePlaces: [String: Int]

  init(_ members: [Member]) {
    self.members = members
    places = Dictionary(members.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    wirePlaces = Dictionary(members.enumerated().map { ($1.wireName, $0) }, uniquingKeysWith: { first, _ in first })
    wireNames = members.map(\.wireName)
    unbodied = members.indices.filter { members[$0].location != .body }
    required = members.indices.filter { members[$0].isRequired }
    composites = members.indices.filter { members[$0].type.holdsStructures }
  }

  /// Few names are quicker compared one by one than hashed.
  func place(ofWireName name: String) -> Int? {
    wireNames.count <= 12 ? wireNames.firstIndex(of: name) : wirePlaces[name]
  }
}

extension ShapeType {
  fileprivate var holdsStructures: Bool {
    switch self {
    case .structure: true
    case .list(let element), .map(_, let element): element.type.holdsStructures
    default: false
    }
  }
}

/// A reference to a structure that is resolved when the whole schema has been read, so that shapes may be recursive.
public final class StructureReference: Sendable {
  public let name: String
  private let resolved = AtomicLazyReference<StructureShape>()
  public init(_ name: String) { self.name = name }
  public init(_ shape: StructureShape) {
    name = shape.name
    _ = resolved.storeIfNil(shape)
  }
  /// Only the first call has an effect.
  public func resolve(_ shape: StructureShape) { _ = resolved.storeIfNil(shape) }
  public var shape: StructureShape {
    guard let shape = resolved.load() else { preconditionFailure("schema: shape \(name) is not defined") }
    return shape
  }
}
