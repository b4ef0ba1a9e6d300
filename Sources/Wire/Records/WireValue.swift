import Base

/// A Swift type that a slot of a record can be read as and written from.
public protocol WireValue: Sendable {
  /// Nil when the value has another type.
  init?(wireValue: Value)
  var wireValue: Value { get }
  /// How an array of this type travels: as a list, except that bytes are a blob.
  static func array(from value: Value) -> [Self]?
  static func value(of array: [Self]) -> Value
}

extension WireValue {
  @inlinable public static func array(from value: Value) -> [Self]? {
    guard case .list(let values) = value else { return nil }
    return values.compactMap { Self(wireValue: $0) }
  }
  @inlinable public static func value(of array: [Self]) -> Value { .list(array.map(\.wireValue)) }
}

extension String: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .string(let text) = wireValue else { return nil }
    self = text
  }
  @inlinable public var wireValue: Value { .string(self) }
}

extension Int: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .integer(let number) = wireValue else { return nil }
    self.init(exactly: number)
  }
  @inlinable public var wireValue: Value { .integer(Int64(self)) }
}

extension Double: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .double(let number) = wireValue else { return nil }
    self = number
  }
  @inlinable public var wireValue: Value { .double(self) }
}

extension Bool: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .bool(let flag) = wireValue else { return nil }
    self = flag
  }
  @inlinable public var wireValue: Value { .bool(self) }
}

extension Instant: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .timestamp(let instant) = wireValue else { return nil }
    self = instant
  }
  @inlinable public var wireValue: Value { .timestamp(self) }
}

extension JSON: WireValue {
  @inlinable public init?(wireValue: Wire.Value) {
    guard case .document(let json) = wireValue else { return nil }
    self = json
  }
  @inlinable public var wireValue: Wire.Value { .document(self) }
}

/// Only inside an array: the bytes of a blob.
extension UInt8: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard case .integer(let number) = wireValue else { return nil }
    self.init(exactly: number)
  }
  @inlinable public var wireValue: Value { .integer(Int64(self)) }
  @inlinable public static func array(from value: Value) -> [UInt8]? {
    guard case .blob(let bytes) = value else { return nil }
    return bytes
  }
  @inlinable public static func value(of array: [UInt8]) -> Value { .blob(array) }
}

extension Array: WireValue where Element: WireValue {
  @inlinable public init?(wireValue: Value) {
    guard let array = Element.array(from: wireValue) else { return nil }
    self = array
  }
  @inlinable public var wireValue: Value { Element.value(of: self) }
}

/// Written in the order of the keys, so that equal dictionaries make equal records.
extension Dictionary: WireValue where Key == String, Value: WireValue {
  @inlinable public init?(wireValue: Wire.Value) {
    guard case .map(let entries) = wireValue else { return nil }
    self.init(minimumCapacity: entries.count)
    for entry in entries { self[entry.key] = Value(wireValue: entry.value) }
  }
  @inlinable public var wireValue: Wire.Value {
    .map(self.sorted { $0.key < $1.key }.map { MapEntry($0.key, $0.value.wireValue) })
  }
}

extension Record {
  /// For generated accessors: the slot's value, nil when absent.
  @inlinable public func optional<T: WireValue>(_ place: Int) -> T? { slots[place].flatMap { T(wireValue: $0) } }

  /// For generated accessors of required members, which every decoder has refused to leave out.
  @inlinable public func required<T: WireValue>(_ place: Int) -> T {
    guard let value = slots[place], let typed = T(wireValue: value) else { missing(place) }
    return typed
  }

  @inlinable public mutating func set(_ place: Int, _ value: (some WireValue)?) { slots[place] = value?.wireValue }

  @usableFromInline func missing(_ place: Int) -> Never {
    preconditionFailure("\(shape.name).\(shape.members[place].name) is required and was read before it was set")
  }
}
