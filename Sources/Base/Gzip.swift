/// Decompresses gzip files (RFC 1952) of one member, which is what clients send as `Content-Encoding: gzip`.
public enum Gzip {
  /// - Parameter limit: bytes; a body that says it is larger is refused before anything is decompressed, and one that lies
  ///   about its size is malformed.
  /// - Throws: `InflateFailure`.
  public static func inflate(_ file: [UInt8], upTo limit: Int) throws -> [UInt8] {
    guard file.count >= 18, file[0] == 0x1f, file[1] == 0x8b, file[2] == 8, file[3] & 0xe0 == 0 else {
      throw InflateFailure.malformed("not a gzip file")
    }
    let end = file.count - 8
    let size = Int(number(file, end + 4))
    guard size <= limit else { throw InflateFailure.tooLarge }
    let start = try dataStart(file, flags: file[3], end: end)
    var out: [UInt8] = []
    out.reserveCapacity(size)
    try Inflater.inflate(file[start..<end], size: size) { out += $0 }
    guard CRC.crc32(out) == number(file, end) else { throw InflateFailure.malformed("wrong checksum") }
    return out
  }

  /// Behind the optional fields: extra, name, comment, checksum of the head.
  private static func dataStart(_ file: [UInt8], flags: UInt8, end: Int) throws -> Int {
    var at = 10
    if flags & 4 != 0 {
      guard at + 2 <= end else { throw InflateFailure.malformed("the head ends early") }
      at += 2 + Int(file[at]) + Int(file[at + 1]) << 8
    }
    for flag in [8, 16] as [UInt8] where flags & flag != 0 {
      while at < end, file[at] != 0 { at += 1 }
      at += 1
    }
    if flags & 2 != 0 { at += 2 }
    guard at <= end else { throw InflateFailure.malformed("the head ends early") }
    return at
  }

  /// Little-endian. The caller knows that the four bytes are there.
  private static func number(_ file: [UInt8], _ at: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(file[at + $1]) << UInt32($1 * 8) }
  }
}
