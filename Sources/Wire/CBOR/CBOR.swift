/// A value of CBOR (RFC 8949), as far as AWS's protocols use it: maps have text keys.
public enum CBOR: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var key: String
    public var value: CBOR
    public init(_ key: String, _ value: CBOR) { (self.key, self.value) = (key, value) }
  }
  case unsigned(UInt64)
  /// -1 minus the number.
  case negative(UInt64)
  case bytes([UInt8])
  case text(String)
  case array([CBOR])
  /// Entries in their written order; a key may come twice.
  case map([Entry])
  indirect case tagged(UInt64, CBOR)
  case bool(Bool)
  case null
  case undefined
  /// Of any width.
  case double(Double)

  /// Reads one value that fills the bytes, in time linear in their length. Fails beyond `CBORLimits`.
  public static func parse(_ bytes: [UInt8]) throws(CBORFailure) -> CBOR {
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(CBORFailure) in
        var reader = CBORReader(buffer)
        let value = try reader.value()
        try reader.end()
        return value
      }
    }
    return try result.get()
  }

  /// In definite lengths and the shortest heads.
  public var encoded: [UInt8] {
    var writer = CBORWriter()
    writer.value(self)
    return writer.bytes
  }

  /// Null and undefined alike.
  public var isNull: Bool { self == .null || self == .undefined }

  /// The first value of the key in a map.
  public subscript(key: String) -> CBOR? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

enum CBORLimits {
  static let depth = 128
  /// Values in one document: about three times what the largest of AWS's requests (a thousand metrics of 150 values) has.
  static let values = 1_000_000
}

public struct CBORFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public var reason: String
  /// In bytes from the start.
  public var offset: Int
  public var description: String { "\(reason) at byte \(offset)" }
}
