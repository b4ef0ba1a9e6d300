import Base

/// The type of an attribute value, as the first byte of its encoding.
enum AttributeType: UInt8, Sendable {
  case string = 1, number, binary, `true`, `false`, null, stringSet, numberSet, binarySet, list, map

  /// As AWS writes it.
  var name: String {
    switch self {
    case .string: "S"
    case .number: "N"
    case .binary: "B"
    case .true, .false: "BOOL"
    case .null: "NULL"
    case .stringSet: "SS"
    case .numberSet: "NS"
    case .binarySet: "BS"
    case .list: "L"
    case .map: "M"
    }
  }
  var isSet: Bool { self == .stringSet || self == .numberSet || self == .binarySet }
  /// Of the elements of a set.
  var element: AttributeType? {
    switch self {
    case .stringSet: .string
    case .numberSet: .number
    case .binarySet: .binary
    default: nil
    }
  }
}

/// An attribute value in its stored form: a type byte and what it holds. Equal values have equal bytes.
///
/// Strings and binaries are their bytes, numbers as `Number` writes them. Sets are their elements in order, each after its length;
/// lists their values likewise; maps `Item.entries`: name and value, each after its length, in the order of the names.
struct AttributeValue: Equatable, Sendable {
  var bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }
  init(_ type: AttributeType, _ payload: some Collection<UInt8>) {
    var all: [UInt8] = []
    all.reserveCapacity(payload.count + 1)
    all.append(type.rawValue)
    all.append(contentsOf: payload)
    bytes = all[...]
  }
  init(string: String) { self.init(.string, string.utf8) }
  init(_ number: Number) { self.init(.number, number.bytes) }
  init(bool: Bool) { self.init(bool ? .true : .false, []) }

  /// What else is stored is a defect of the store; it reads as null.
  var type: AttributeType { bytes.first.flatMap(AttributeType.init) ?? .null }
  var payload: ArraySlice<UInt8> { bytes.dropFirst() }
  var typeName: String { type.name }

  /// The elements of a set (without type) or of a list (with theirs).
  var elements: Lengths { Lengths(payload) }
  /// The attribute of a map.
  subscript(name: some Collection<UInt8>) -> AttributeValue? {
    type == .map ? Item.find(name, in: payload).map(AttributeValue.init) : nil
  }

  /// What it counts towards the size of an item (DynamoDB Developer Guide, "Item sizes and formats").
  var size: Int {
    switch type {
    case .string, .binary: return payload.count
    case .number: return Number.size(payload)
    case .true, .false, .null: return 1
    case .stringSet, .binarySet: return elements.reduce(0) { $0 + $1.count }
    case .numberSet: return elements.reduce(0) { $0 + Number.size($1) }
    case .list: return elements.reduce(3) { $0 + 1 + AttributeValue($1).size }
    case .map:
      var total = 3
      Item.forEach(payload) { name, value in total += 1 + name.count + AttributeValue(value).size }
      return total
    }
  }

  /// Whether more maps and lists lie within each other than an item may have.
  var isTooDeep: Bool { isDeeper(than: DynamoDBLimits.nesting) }
  func isDeeper(than levels: Int) -> Bool {
    guard levels >= 0 else { return true }
    switch type {
    case .list: return elements.contains { AttributeValue($0).isDeeper(than: levels - 1) }
    case .map:
      var isDeeper = false
      Item.forEach(payload) { _, value in isDeeper = isDeeper || AttributeValue(value).isDeeper(than: levels - 1) }
      return isDeeper
    default: return false
    }
  }

  /// Smaller, equal or greater: only strings, numbers and binaries of one type have an order.
  func order(_ other: AttributeValue) -> Order? {
    guard type == other.type, type == .string || type == .number || type == .binary else { return nil }
    return Order(bytes, other.bytes)
  }
  enum Order {
    case less, equal, greater
    init(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) {
      self = a == b ? .equal : a.lexicographicallyPrecedes(b) ? .less : .greater
    }
  }
}

/// Pieces that each stand after their length: one byte below 255, or 255 and four bytes.
struct Lengths: Sequence, IteratorProtocol {
  private let bytes: ArraySlice<UInt8>
  private var at: Int
  init(_ bytes: ArraySlice<UInt8>) { (self.bytes, at) = (bytes, bytes.startIndex) }

  mutating func next() -> ArraySlice<UInt8>? { Self.read(bytes, &at) }

  /// The piece at a place, which moves behind it. Nil at the end, and where the bytes are cut off.
  @inline(__always) static func read(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> ArraySlice<UInt8>? {
    guard at < bytes.endIndex else { return nil }
    var count = Int(bytes[at])
    at += 1
    if count == 255 {
      guard at + 4 <= bytes.endIndex else { return nil }
      count = Int(bytes[at]) << 24 | Int(bytes[at + 1]) << 16 | Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
      at += 4
    }
    guard at + count <= bytes.endIndex else { return nil }
    defer { at += count }
    return bytes[at..<(at + count)]
  }

  static func append(_ piece: some Collection<UInt8>, to out: inout [UInt8]) {
    appendLength(piece.count, to: &out)
    out.append(contentsOf: piece)
  }
  static func appendLength(_ count: Int, to out: inout [UInt8]) {
    if count < 255 { return out.append(UInt8(count)) }
    out.append(255)
    for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }
  /// Sets the length, for which one byte was left at `start`, of what was appended behind it.
  static func close(_ start: Int, _ out: inout [UInt8]) {
    let count = out.count - start - 1
    if count < 255 { return out[start] = UInt8(count) }
    out[start] = 255
    out.insert(contentsOf: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }, at: start + 1)
  }
}
