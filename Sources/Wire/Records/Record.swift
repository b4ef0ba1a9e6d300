import Base

/// A value of any shape.
public enum Value: Sendable, Equatable {
  case bool(Bool)
  case integer(Int64)
  case double(Double)
  case string(String)
  case blob([UInt8])
  case timestamp(Instant)
  case document(JSON)
  case rawJSON(RawJSON)
  case list([Value])
  /// Entries in their written order.
  case map([MapEntry])
  case record(Record)
}

public struct MapEntry: Sendable, Equatable {
  public var key: String
  public var value: Value
  public init(_ key: String, _ value: Value) { (self.key, self.value) = (key, value) }
}

/// A structure's value: one slot for each member of its shape, empty where the member is absent.
public struct Record: Sendable, Equatable {
  public let shape: StructureShape
  public var slots: [Value?]

  public init(_ shape: StructureShape) {
    self.shape = shape
    slots = Array(repeating: nil, count: shape.members.count)
  }

  public static func == (a: Record, b: Record) -> Bool { a.shape === b.shape && a.slots == b.slots }

  /// By member name, for code that has no generated accessors (calls between services). An unknown name reads as nil;
  /// writing one is a programming error.
  public subscript(name: String) -> Value? {
    get { shape.place(of: name).flatMap { slots[$0] } }
    set {
      guard let place = shape.place(of: name) else { preconditionFailure("\(shape.name) has no member \(name)") }
      slots[place] = newValue
    }
  }
}

extension Value {
  public var string: String? { if case .string(let s) = self { s } else { nil } }
  public var integer: Int? { if case .integer(let n) = self { Int(n) } else { nil } }
  public var double: Double? { if case .double(let d) = self { d } else { nil } }
  public var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
  public var blob: [UInt8]? { if case .blob(let b) = self { b } else { nil } }
  public var timestamp: Instant? { if case .timestamp(let t) = self { t } else { nil } }
  public var document: JSON? { if case .document(let d) = self { d } else { nil } }
  public var list: [Value]? { if case .list(let l) = self { l } else { nil } }
  public var map: [MapEntry]? { if case .map(let m) = self { m } else { nil } }
  public var record: Record? { if case .record(let r) = self { r } else { nil } }
}

/// A typed face of a record. Generated for the shapes of the operations that we implement.
public protocol RecordView: WireValue, Equatable {
  static var shape: StructureShape { get }
  var record: Record { get set }
  init(_ record: Record)
}

extension RecordView {
  public init() { self.init(Record(Self.shape)) }

  @inlinable public init?(wireValue: Value) {
    guard case .record(let record) = wireValue else { return nil }
    self.init(record)
  }
  @inlinable public var wireValue: Value { .record(record) }
}
