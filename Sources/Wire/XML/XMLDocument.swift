/// A parsed XML document: what S3's request bodies need of XML, and nothing of what makes XML dangerous.
public struct XMLDocument: Sendable, Equatable {
  public var root: XMLElement

  /// Reads a UTF-8 document in time linear in its length.
  ///
  /// A document type declaration is refused, so there are no entities but the five and character references.
  /// Fails beyond `XMLLimits`.
  public static func parse(_ bytes: [UInt8]) throws(XMLFailure) -> XMLDocument {
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(XMLFailure) in
        var parser = XMLParser(buffer)
        return XMLDocument(root: try parser.document())
      }
    }
    return try result.get()
  }
}

/// One element. Text is that of the element itself in one piece; of an element with children, only if it is no white space.
public struct XMLElement: Sendable, Equatable {
  public struct Attribute: Sendable, Equatable {
    /// Without its prefix.
    public var name: String
    public var namespace: String?
    public var value: String
  }
  /// Without its prefix.
  public var name: String
  public var namespace: String?
  /// Without the declarations of namespaces.
  public var attributes: [Attribute] = []
  public var children: [XMLElement] = []
  public var text = ""

  public static let schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

  public func children(named name: String) -> [XMLElement] { children.filter { $0.name == name } }
  public func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  /// By a name as AWS's models write it: `xsi:type` is `type` in the namespace of schema instances.
  public func attribute(_ name: String) -> String? {
    let isInstance = name.hasPrefix("xsi:")
    let local = isInstance ? String(name.dropFirst(4)) : name
    return attributes.first { $0.name == local && $0.namespace == (isInstance ? Self.schemaInstance : nil) }?.value
  }
}

/// What a document may have. The largest of S3's documents (10,000 parts with their checksums) has about 90,000 elements
/// and a depth of 3; its deepest has 8.
enum XMLLimits {
  static let depth = 64
  static let elements = 200_000
  static let attributes = 32
  /// Of all elements that are open.
  static let namespaces = 64
  static let nameBytes = 256
  static let attributeBytes = 8192
}

public struct XMLFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public var reason: String
  /// In bytes from the start.
  public var offset: Int
  public var description: String { "\(reason) at byte \(offset)" }
}
