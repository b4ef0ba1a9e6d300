import Base
import Testing
import Wire

/// Frames made by an independent encoder and read back by botocore.
@Suite struct EventStreamTests {
  private static let chunk =
    "0000006c0000005ab25efdcf0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74"
    + "656e742d747970650700186170706c69636174696f6e2f6f637465742d73747265616d6869314138e4"
  private static let allTypes =
    "0000005f0000004dd70cba5e017400016601016202ff017303fffe0169047fffffff016c05fffffffffffffffd017906000201020178070002c3bc0164080000018bcfe5"
    + "6800017509000102030405060708090a0b0c0d0e0f7b7d5bb90e9e"
  private static let frames: [(String, EventStreamMessage)] = [
    ("000000100000000005c248eb7d98c8ff", EventStreamMessage()),
    (chunk, .event("PayloadChunk", contentType: "application/octet-stream", Array("hi".utf8))),
    (
      allTypes,
      EventStreamMessage(
        headers: [
          .init("t", .bool(true)), .init("f", .bool(false)), .init("b", .int8(-1)), .init("s", .int16(-2)), .init("i", .int32(.max)),
          .init("l", .int64(-3)), .init("y", .bytes([1, 2])), .init("x", .string("ü")),
          .init("d", .timestamp(Instant(milliseconds: 1_700_000_000_000))), .init("u", .uuid(Array(0..<16))),
        ], payload: Array("{}".utf8))
    ),
  ]

  @Test func `messages have the bytes that others make and read`() throws {
    for (hex, message) in Self.frames {
      #expect(try message.encoded().hex == hex)
      var decoder = EventStreamDecoder()
      #expect(try decoder.feed((decodeHex(hex) ?? [])[...]) == [message])
      try decoder.finish()
    }
  }

  @Test(arguments: [1, 5, 100]) func `messages come out however the stream is cut`(pieces: Int) throws {
    let bytes = Self.frames.flatMap { decodeHex($0.0) ?? [] }
    var decoder = EventStreamDecoder()
    var found: [EventStreamMessage] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      found += try decoder.feed(bytes[start..<min(start + pieces, bytes.count)])
    }
    try decoder.finish()
    #expect(found == Self.frames.map(\.1))
  }

  @Test func `a stream that ends inside a message is truncated`() throws {
    let bytes = decodeHex(Self.chunk) ?? []
    for end in 1..<bytes.count {
      var decoder = EventStreamDecoder()
      #expect(try decoder.feed(bytes[..<end]) == [])
      #expect(throws: EventStreamFailure.truncated) { try decoder.finish() }
    }
  }

  @Test func `a changed byte ends the stream`() throws {
    let good = decodeHex(Self.allTypes) ?? []
    for place in good.indices {
      var bytes = good
      bytes[place] ^= 0x40
      var decoder = EventStreamDecoder()
      #expect(throws: EventStreamFailure.checksum, "byte \(place)") { try decoder.feed(bytes[...]) }
      #expect(throws: EventStreamFailure.checksum) { try decoder.feed(good[...]) }
    }
  }

  /// With right checksums, so that only the content can be at fault.
  private func frame(headers: [UInt8], payload: [UInt8] = [], total: Int? = nil, headerLength: Int? = nil) -> [UInt8] {
    func big(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
    var bytes = big(total ?? headers.count + payload.count + 16) + big(headerLength ?? headers.count)
    bytes += big(Int(CRC.crc32(bytes))) + headers + payload
    return bytes + big(Int(CRC.crc32(bytes)))
  }

  @Test func `what cannot be is refused`() {
    let cases: [([UInt8], EventStreamFailure)] = [
      (frame(headers: [], total: 15), .malformed("lengths")), (frame(headers: [], headerLength: 1), .malformed("lengths")),
      (frame(headers: [], total: 30 << 20), .tooLarge), (frame(headers: [], headerLength: 200_000), .tooLarge),
      (frame(headers: [0, 0]), .malformed("a header's name")), (frame(headers: [1, 97, 0, 1, 97, 0]), .malformed("a header's name")),
      (frame(headers: [1, 97, 10]), .malformed("a header's type")), (frame(headers: [1, 97]), .malformed("a length")),
      (frame(headers: [9, 97]), .malformed("a length")), (frame(headers: [1, 97, 7, 0, 5, 97]), .malformed("a length")),
      (frame(headers: [1, 97, 7, 0, 1, 255]), .malformed("a text")), (frame(headers: [1, 97, 6, 255, 255]), .tooLarge),
      (frame(headers: [1, 97, 5, 0]), .malformed("a length")),
    ]
    for (bytes, failure) in cases {
      var decoder = EventStreamDecoder()
      #expect(throws: failure) { try decoder.feed(bytes[...]) }
    }
    #expect(throws: EventStreamFailure.self) { try EventStreamMessage(headers: [.init("", .bool(true))]).encoded() }
    #expect(throws: EventStreamFailure.self) { try EventStreamMessage(headers: [.init("a", .uuid([1]))]).encoded() }
    #expect(throws: EventStreamFailure.tooLarge) {
      try EventStreamMessage(headers: [.init("a", .string(String(repeating: "x", count: 32_768)))]).encoded()
    }
  }

  @Test func `errors come as exceptions of the model or with a code`() throws {
    let modelled = EventStreamMessage.exception("InternalServerException", contentType: "application/json", Array("{}".utf8))
    #expect(modelled[":message-type"] == .string("exception"))
    #expect(modelled[":exception-type"] == .string("InternalServerException"))
    let other = EventStreamMessage.error(code: "Throttled", message: String(repeating: "x", count: 40_000))
    #expect(other.headers.map(\.name) == [":message-type", ":error-code", ":error-message"])
    #expect(try other.encoded().count < 33_000)
    #expect(EventStreamMessage.initialResponse(contentType: "application/json", [])[":event-type"] == .string("initial-response"))
  }
}
