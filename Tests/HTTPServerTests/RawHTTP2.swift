import Base
import NIOCore
import NIOHPACK

/// HTTP/2 frame by frame, so that tests see and send each of them.
final class RawHTTP2 {
  struct Frame {
    var type: Kind
    var flags: UInt8
    var stream: Int
    var payload: [UInt8]
    var endsStream: Bool { (type == .data || type == .headers) && flags & 1 == 1 }
  }
  enum Kind: UInt8 {
    case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
  }
  struct Reply: Equatable {
    var status = 0
    var headers = HeaderFields()
    var body: [UInt8] = []
    /// Of RST_STREAM; nil when the stream ended in good order.
    var reset: UInt32?
  }
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  let raw: RawClient
  private var hpack = HPACKDecoder(allocator: .init())

  /// - Parameter settings: pairs of identifier and value.
  init(port: Int, settings: [(UInt16, UInt32)] = []) async throws {
    raw = try RawClient(port: port)
    let payload = settings.flatMap { big($0.0) + big($0.1) }
    _ = try await raw.sendSome(Self.preface + Self.frame(.settings, payload: payload))
  }

  static func frame(_ type: Kind, flags: UInt8 = 0, stream: Int = 0, payload: [UInt8] = []) -> [UInt8] {
    Array(big(UInt32(payload.count)).dropFirst()) + [type.rawValue, flags] + big(UInt32(stream)) + payload
  }
  static func fields(_ list: [(String, String)]) -> [UInt8] {
    list.flatMap { [0] + text($0.0) + text($0.1) }
  }
  private static func text(_ text: String) -> [UInt8] {
    // Lengths from 127 on take more bytes.
    var (length, bytes) = (text.utf8.count, [UInt8]())
    if length < 127 { bytes = [UInt8(length)] } else {
      (bytes, length) = ([127], length - 127)
      while length >= 128 {
        bytes.append(UInt8(length % 128 + 128))
        length /= 128
      }
      bytes.append(UInt8(length))
    }
    return bytes + Array(text.utf8)
  }
  static func head(
    _ stream: Int, _ method: String = "GET", _ path: String = "/", more: [(String, String)] = [], end: Bool = true
  ) -> [UInt8] {
    let list = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a.example")] + more
    return frame(.headers, flags: end ? 5 : 4, stream: stream, payload: fields(list))
  }

  func send(_ frames: [UInt8]...) async throws {
    let bytes = frames.flatMap(\.self)
    guard try await raw.sendSome(bytes) == bytes.count else { throw RawClient.Failure(step: "send", errno: 0) }
  }

  /// The next frame, except acknowledged settings; nil when the connection has ended.
  func next() async throws -> Frame? {
    while true {
      guard let head = try await raw.bytes(9) else { return nil }
      let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      guard let payload = try await raw.bytes(count), let type = Kind(rawValue: head[3]) else { return nil }
      let frame = Frame(type: type, flags: head[4], stream: Int(word(head[5...])), payload: payload)
      if frame.type == .settings, frame.flags & 1 == 0 {
        // The server may have gone already, which the next frame tells.
        _ = try await raw.sendSome(Self.frame(.settings, flags: 1))
      }
      if frame.type != .settings { return frame }
    }
  }

  /// The next frame of one of these kinds.
  func next(_ kinds: Kind...) async throws -> Frame? {
    while let frame = try await next() { if kinds.contains(frame.type) { return frame } }
    return nil
  }

  /// The answers to these streams, in whatever order their frames come.
  func replies(_ streams: Set<Int>, credit: Bool = true) async throws -> [Int: Reply] {
    var (open, replies) = (streams, [Int: Reply]())
    while !open.isEmpty, let frame = try await next() {
      guard streams.contains(frame.stream) else { continue }
      switch frame.type {
      case .headers:
        var block = ByteBuffer(bytes: frame.payload)
        for (name, value, _) in try hpack.decodeHeaders(from: &block) {
          if name == ":status" { replies[frame.stream, default: .init()].status = Int(value) ?? 0 } else {
            replies[frame.stream, default: .init()].headers.add(name, value)
          }
        }
      case .data:
        replies[frame.stream, default: .init()].body += frame.payload
        if credit, !frame.payload.isEmpty {
          let size = big(UInt32(frame.payload.count))
          // The stream may have ended on the other side, which then takes no notice.
          try await send(Self.frame(.windowUpdate, payload: size), Self.frame(.windowUpdate, stream: frame.stream, payload: size))
        }
      case .rstStream:
        replies[frame.stream, default: .init()].reset = word(frame.payload[...])
        open.remove(frame.stream)
      default: break
      }
      if frame.endsStream { open.remove(frame.stream) }
    }
    return replies
  }
  func reply(_ stream: Int) async throws -> Reply { try await replies([stream])[stream] ?? .init() }

  /// The error code of the GOAWAY that ends the connection; nil when it ends without one.
  func goAway() async throws -> UInt32? {
    var code: UInt32?
    while let frame = try await next() { if frame.type == .goAway { code = word(frame.payload[4...]) } }
    return code
  }
}

func big<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
private func word(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
