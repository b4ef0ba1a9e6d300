/// HTTP header fields in their order. Names compare without case; they are kept in lower case.
public struct HeaderFields: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
  public struct Field: Sendable, Equatable {
    public var name: String
    public var value: String
  }
  public private(set) var fields: [Field] = []

  /// Marks what the server itself sends to endpoints of users. A request that comes back to it with this mark is a user's, and not
  /// one of this machine. Whoever adds the mark himself only loses by it, so it need not be secret.
  public static let outgoingMark = "x-dewpoint-outgoing"

  public init() {}
  public init(_ fields: [(String, String)]) { for (name, value) in fields { add(name, value) } }
  public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

  public mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }
  public mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name.lowercased(), value: value)) }
  /// For transports that already hold lower-case names.
  public mutating func add(lowercased name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

  /// The first value. Ask with a lower-case name.
  public subscript(name: String) -> String? {
    get { fields.first(where: { $0.name == name })?.value }
    set {
      fields.removeAll { $0.name == name }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
    }
  }
  public func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
  public func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }
}
