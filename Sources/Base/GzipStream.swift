/// Decompresses gzip files (RFC 1952) of any number of members that come piece by piece, such as the layers of container images.
public enum GzipStream {
  /// - Parameters:
  ///   - limit: bytes that may come out.
  ///   - more: the next piece of the file; an empty one is its end.
  ///   - sink: gets the decompressed bytes piece by piece.
  /// - Throws: `InflateFailure`, and what the sink throws.
  public static func inflate(
    upTo limit: Int, from more: () -> ArraySlice<UInt8>, into sink: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    try withoutActuallyEscaping(more) { more in
      var input = BitReader([], more: more)
      var total = 0
      repeat {
        try skipHead(&input)
        var checksum = CRC(.crc32), size = 0
        try Inflater.inflate(&input, upTo: limit - total) { bytes in
          checksum.update(bytes)
          size += bytes.count
          try sink(bytes)
        }
        try input.alignToByte()
        guard try input.take(32) == Int(checksum.value) else { throw InflateFailure.malformed("wrong checksum") }
        guard try input.take(32) == size & 0xffff_ffff else { throw InflateFailure.malformed("wrong size") }
        total += size
      } while !input.isAtEnd
    }
  }

  /// The ten fixed bytes and the optional fields: extra, name, comment, checksum of the head.
  private static func skipHead(_ input: inout BitReader) throws {
    guard try input.take(8) == 0x1f, try input.take(8) == 0x8b, try input.take(8) == 8 else {
      throw InflateFailure.malformed("not a gzip file")
    }
    let flags = try input.take(8)
    guard flags & 0xe0 == 0 else { throw InflateFailure.malformed("unknown flags") }
    for _ in 0..<6 { _ = try input.take(8) }
    if flags & 4 != 0 {
      for _ in 0..<(try input.take(16)) { _ = try input.take(8) }
    }
    for flag in [8, 16] where flags & flag != 0 {
      while try input.take(8) != 0 {}
    }
    if flags & 2 != 0 { _ = try input.take(16) }
  }
}
