/// The checksum of zip entries (polynomial 0xEDB88320), eight bytes a step.
struct CRC32 {
  private var state: UInt32 = 0xffff_ffff
  var value: UInt32 { ~state }

  /// `tables[k][b]` is the effect of byte `b` followed by `k` zero bytes.
  private static let tables: [[UInt32]] = {
    var first = [UInt32](repeating: 0, count: 256)
    for byte in 0..<256 {
      var c = UInt32(byte)
      for _ in 0..<8 { c = c & 1 == 1 ? (c >> 1) ^ 0xedb8_8320 : c >> 1 }
      first[byte] = c
    }
    var tables = [first]
    for k in 1..<8 { tables.append(tables[k - 1].map { ($0 >> 8) ^ first[Int($0 & 255)] }) }
    return tables
  }()

  mutating func update(_ bytes: ArraySlice<UInt8>) {
    let tables = Self.tables
    var crc = state
    bytes.withUnsafeBytes { bytes in
      var at = 0
      while at + 8 <= bytes.count {
        let low = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).littleEndian ^ crc
        let high = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self).littleEndian
        let a = tables[7][Int(low & 255)] ^ tables[6][Int(low >> 8 & 255)]
        let b = tables[5][Int(low >> 16 & 255)] ^ tables[4][Int(low >> 24)]
        let c = tables[3][Int(high & 255)] ^ tables[2][Int(high >> 8 & 255)]
        let d = tables[1][Int(high >> 16 & 255)] ^ tables[0][Int(high >> 24)]
        crc = a ^ b ^ c ^ d
        at += 8
      }
      while at < bytes.count {
        crc = crc >> 8 ^ tables[0][Int((crc ^ UInt32(bytes[at])) & 255)]
        at += 1
      }
    }
    state = crc
  }
}
