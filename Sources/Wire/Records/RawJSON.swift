/// JSON text of a value that its service reads and writes by hand: it is passed through as it is.
///
/// A decoder has seen where it ends and nothing else: whoever reads it judges its grammar.
public struct RawJSON: Sendable, Equatable, WireValue {
  public var bytes: [UInt8]
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  @inlinable public init?(wireValue: Value) {
    guard case .rawJSON(let raw) = wireValue else { return nil }
    self = raw
  }
  @inlinable public var wireValue: Value { .rawJSON(self) }
}
