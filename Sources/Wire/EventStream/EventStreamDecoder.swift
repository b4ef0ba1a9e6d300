import Base

/// Reads the messages of an event stream from bytes that may be cut anywhere.
///
/// Holds one message at most. After a failure the stream is over: every further call fails alike.
public struct EventStreamDecoder: Sendable {
  private var buffer: [UInt8] = []
  private var failure: EventStreamFailure?

  public init() {}

  /// The messages that are whole now.
  public mutating func feed(_ bytes: ArraySlice<UInt8>) throws(EventStreamFailure) -> [EventStreamMessage] {
    if let failure { throw failure }
    do throws(EventStreamFailure) {
      buffer += bytes
      var messages: [EventStreamMessage] = []
      var start = 0
      while let total = try Self.length(of: buffer[start...]), buffer.count - start >= total {
        messages.append(try Self.message(buffer[start..<(start + total)]))
        start += total
      }
      buffer.removeFirst(start)
      return messages
    } catch {
      failure = error
      throw error
    }
  }

  /// Says that the stream has ended. Fails inside a message.
  public mutating func finish() throws(EventStreamFailure) {
    if let failure { throw failure }
    guard buffer.isEmpty else { throw .truncated }
  }

  /// Nil until the prelude is there. Its checksum is judged before its lengths are believed.
  private static func length(of bytes: ArraySlice<UInt8>) throws(EventStreamFailure) -> Int? {
    guard bytes.count >= 12 else { return nil }
    var reader = ByteReader(bytes)
    let total = Int(try reader.number(UInt32.self)), headers = Int(try reader.number(UInt32.self))
    guard try reader.number(UInt32.self) == CRC.crc32(bytes.prefix(8)) else { throw .checksum }
    guard headers <= EventStreamMessage.maximumHeaders,
      total <= EventStreamMessage.maximumHeaders + EventStreamMessage.maximumPayload + EventStreamMessage.overhead
    else { throw .tooLarge }
    guard total >= headers + EventStreamMessage.overhead else { throw .malformed("lengths") }
    return total
  }

  /// - Parameter bytes: one whole message.
  private static func message(_ bytes: ArraySlice<UInt8>) throws(EventStreamFailure) -> EventStreamMessage {
    var end = ByteReader(bytes.suffix(4)), prelude = ByteReader(bytes.dropFirst(4))
    guard try end.number(UInt32.self) == CRC.crc32(bytes.dropLast(4)) else { throw .checksum }
    let headers = Int(try prelude.number(UInt32.self))
    let content = bytes.dropFirst(12).dropLast(4)
    return EventStreamMessage(headers: try self.headers(content.prefix(headers)), payload: Array(content.dropFirst(headers)))
  }

  private static func headers(_ bytes: ArraySlice<UInt8>) throws(EventStreamFailure) -> [EventStreamMessage.Header] {
    var reader = ByteReader(bytes)
    var headers: [EventStreamMessage.Header] = []
    var names: Set<String> = []
    while !reader.isAtEnd {
      let name = try reader.text(Int(try reader.number(UInt8.self)))
      guard !name.isEmpty, names.insert(name).inserted else { throw .malformed("a header's name") }
      headers.append(.init(name, try value(&reader)))
    }
    return headers
  }

  private static func value(_ reader: inout ByteReader) throws(EventStreamFailure) -> EventStreamMessage.HeaderValue {
    switch try reader.number(UInt8.self) {
    case 0: .bool(true)
    case 1: .bool(false)
    case 2: .int8(try reader.number())
    case 3: .int16(try reader.number())
    case 4: .int32(try reader.number())
    case 5: .int64(try reader.number())
    case 6: .bytes(Array(try reader.take(try length(&reader))))
    case 7: .string(try reader.text(try length(&reader)))
    case 8: .timestamp(Instant(milliseconds: try reader.number()))
    case 9: .uuid(Array(try reader.take(16)))
    default: throw .malformed("a header's type")
    }
  }
  private static func length(_ reader: inout ByteReader) throws(EventStreamFailure) -> Int {
    let length = Int(try reader.number(UInt16.self))
    guard length <= EventStreamMessage.maximumValue else { throw .tooLarge }
    return length
  }
}

/// Big-endian numbers and pieces of a message; every access is checked.
private struct ByteReader {
  private var rest: ArraySlice<UInt8>
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func take(_ count: Int) throws(EventStreamFailure) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw .malformed("a length") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(EventStreamFailure) -> Number {
    var number: UInt64 = 0
    for byte in try take(Number.bitWidth / 8) { number = number << 8 | UInt64(byte) }
    return Number(truncatingIfNeeded: number)
  }
  mutating func text(_ count: Int) throws(EventStreamFailure) -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else { throw .malformed("a text") }
    return text
  }
}
