/// A reflected cyclic redundancy check of 32 or 64 bits, eight bytes a step.
public struct CRC: Sendable {
  /// The tables of one polynomial; made once.
  public struct Polynomial: Sendable {
    /// `tables[k * 256 + b]` is the effect of byte `b` followed by `k` zero bytes.
    fileprivate let tables: [UInt64]
    fileprivate let mask: UInt64

    fileprivate init(reflected: UInt64, mask: UInt64) {
      self.mask = mask
      var tables = [UInt64](repeating: 0, count: 8 * 256)
      for byte in 0..<256 {
        var crc = UInt64(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ reflected : crc >> 1 }
        tables[byte] = crc
      }
      for place in 256..<tables.count { tables[place] = tables[place - 256] >> 8 ^ tables[Int(tables[place - 256] & 255)] }
      self.tables = tables
    }

    /// IEEE 802.3: zip, gzip, event streams, `x-amz-checksum-crc32`.
    public static let crc32 = Polynomial(reflected: 0xedb8_8320, mask: 0xffff_ffff)
    /// Castagnoli: `x-amz-checksum-crc32c`.
    public static let crc32c = Polynomial(reflected: 0x82f6_3b78, mask: 0xffff_ffff)
    /// NVM Express: `x-amz-checksum-crc64nvme`.
    public static let crc64nvme = Polynomial(reflected: 0x9a6c_9329_ac4b_c9b5, mask: .max)
  }

  private let polynomial: Polynomial
  private var state: UInt64

  public init(_ polynomial: Polynomial) { (self.polynomial, state) = (polynomial, polynomial.mask) }

  /// Of all bytes so far. The upper half is zero for the checks of 32 bits.
  public var value: UInt64 { state ^ polynomial.mask }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    polynomial.tables.withUnsafeBufferPointer { tables in
      var at = 0
      while at + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian ^ crc
        let a = tables[1792 + Int(word & 255)] ^ tables[1536 + Int(word >> 8 & 255)]
        let b = tables[1280 + Int(word >> 16 & 255)] ^ tables[1024 + Int(word >> 24 & 255)]
        let c = tables[768 + Int(word >> 32 & 255)] ^ tables[512 + Int(word >> 40 & 255)]
        let d = tables[256 + Int(word >> 48 & 255)] ^ tables[Int(word >> 56)]
        crc = a ^ b ^ c ^ d
        at += 8
      }
      while at < bytes.count {
        crc = crc >> 8 ^ tables[Int((crc ^ UInt64(bytes[at])) & 255)]
        at += 1
      }
    }
    state = crc
  }
  public mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil { update(Array(bytes)) }
  }

  /// The IEEE CRC-32 of the bytes.
  public static func crc32(_ bytes: some Collection<UInt8>) -> UInt32 {
    var crc = CRC(.crc32)
    crc.update(bytes)
    return UInt32(truncatingIfNeeded: crc.value)
  }
}
