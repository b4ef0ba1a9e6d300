import Base

/// One frame of an event stream, as `InvokeWithResponseStream` and `SubscribeToShard` send them.
/// (https://smithy.io/2.0/aws/amazon-eventstream.html)
///
///     u32 total | u32 headers | u32 crc32(first 8) | headers | payload | u32 crc32(all before)      big-endian
public struct EventStreamMessage: Sendable, Equatable {
  public enum HeaderValue: Sendable, Equatable {
    case bool(Bool)
    case int8(Int8), int16(Int16), int32(Int32), int64(Int64)
    case bytes([UInt8])
    case string(String)
    case timestamp(Instant)
    /// 16 bytes.
    case uuid([UInt8])
  }
  public struct Header: Sendable, Equatable {
    public var name: String
    public var value: HeaderValue
    public init(_ name: String, _ value: HeaderValue) { (self.name, self.value) = (name, value) }
  }

  public static let contentType = "application/vnd.amazon.eventstream"
  public static let maximumPayload = 24 << 20
  public static let maximumHeaders = 128 << 10
  static let maximumValue = 32_767
  /// Prelude and both checksums.
  static let overhead = 16

  public var headers: [Header]
  public var payload: [UInt8]

  public init(headers: [Header] = [], payload: [UInt8] = []) { (self.headers, self.payload) = (headers, payload) }

  public subscript(name: String) -> HeaderValue? { headers.first { $0.name == name }?.value }

  /// - Parameter type: the name of the member of the stream's union.
  public static func event(_ type: String, contentType: String, _ payload: [UInt8]) -> EventStreamMessage {
    message("event", [(":event-type", type), (":content-type", contentType)], payload)
  }
  /// RPC protocols send the output that is no stream first, in this form; REST protocols have no such message.
  public static func initialResponse(contentType: String, _ payload: [UInt8]) -> EventStreamMessage {
    event("initial-response", contentType: contentType, payload)
  }
  /// A modelled error, by the name of its member. It ends the stream.
  public static func exception(_ type: String, contentType: String, _ payload: [UInt8]) -> EventStreamMessage {
    message("exception", [(":exception-type", type), (":content-type", contentType)], payload)
  }
  /// Any other error. It ends the stream.
  public static func error(code: String, message text: String) -> EventStreamMessage {
    message("error", [(":error-code", code), (":error-message", text.utf8.prefix(maximumValue).utf8Text)], [])
  }
  private static func message(_ type: String, _ more: [(String, String)], _ payload: [UInt8]) -> EventStreamMessage {
    EventStreamMessage(headers: [Header(":message-type", .string(type))] + more.map { Header($0.0, .string($0.1)) }, payload: payload)
  }

  /// Fails for what no reader would take: too long a payload, name or value, or a name that comes twice.
  public func encoded() throws(EventStreamFailure) -> [UInt8] {
    let headers = try encodedHeaders()
    guard payload.count <= Self.maximumPayload else { throw .tooLarge }
    var out: [UInt8] = []
    out.reserveCapacity(headers.count + payload.count + Self.overhead)
    out.appendBigEndian(UInt32(headers.count + payload.count + Self.overhead))
    out.appendBigEndian(UInt32(headers.count))
    out.appendBigEndian(CRC.crc32(out))
    out += headers
    out += payload
    out.appendBigEndian(CRC.crc32(out))
    return out
  }

  private func encodedHeaders() throws(EventStreamFailure) -> [UInt8] {
    var out: [UInt8] = []
    var names: Set<String> = []
    for header in headers {
      guard (1...255).contains(header.name.utf8.count), names.insert(header.name).inserted else { throw .malformed("a header's name") }
      out.append(UInt8(header.name.utf8.count))
      out += header.name.utf8
      try out.append(header.value)
    }
    guard out.count <= Self.maximumHeaders else { throw .tooLarge }
    return out
  }
}

public enum EventStreamFailure: Error, Sendable, Equatable {
  /// The bytes are not those that were sent.
  case checksum
  case malformed(String)
  case tooLarge
  /// The bytes ended inside a message.
  case truncated
}

extension [UInt8] {
  fileprivate mutating func append(_ value: EventStreamMessage.HeaderValue) throws(EventStreamFailure) {
    switch value {
    case .bool(let flag): append(flag ? 0 : 1)
    case .int8(let number): self += [2, UInt8(bitPattern: number)]
    case .int16(let number):
      append(3)
      appendBigEndian(number)
    case .int32(let number):
      append(4)
      appendBigEndian(number)
    case .int64(let number):
      append(5)
      appendBigEndian(number)
    case .bytes(let bytes): try append(6, bytes)
    case .string(let text): try append(7, Array(text.utf8))
    case .timestamp(let instant):
      append(8)
      appendBigEndian(instant.milliseconds)
    case .uuid(let bytes):
      guard bytes.count == 16 else { throw .malformed("a header's UUID") }
      append(9)
      self += bytes
    }
  }
  private mutating func append(_ type: UInt8, _ bytes: [UInt8]) throws(EventStreamFailure) {
    guard bytes.count <= EventStreamMessage.maximumValue else { throw .tooLarge }
    append(type)
    appendBigEndian(UInt16(bytes.count))
    self += bytes
  }
  fileprivate mutating func appendBigEndian<Number: FixedWidthInteger>(_ number: Number) {
    for place in (0..<(Number.bitWidth / 8)).reversed() { append(UInt8(truncatingIfNeeded: number >> Number(place * 8))) }
  }
}
