import Base

/// Reads the structures of a zip (APPNOTE.TXT 6.3.10), zip64 included.
struct ZipReader {
  struct Directory { var offset: Int, end: Int, count: Int }
  struct CentralHeader {
    var flags: Int, method: Int, checksum: UInt32
    var compressedSize: Int, size: Int, localOffset: Int
    /// Unix mode bits; 0 when the archive was made on another system.
    var mode: Int
    var name: ArraySlice<UInt8>
  }

  let bytes: [UInt8]
  var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }


  private mutating func integer(_ width: Int) throws -> UInt64 {
    guard width <= bytes.count - at else { throw PackageError.defect("archive ends early") }
    var value: UInt64 = 0
    for i in 0..<width { value |= UInt64(bytes[at + i]) << UInt64(8 * i) }
    at += width
    return value
  }
  private mutating func u16() throws -> Int { Int(try integer(2)) }
  private mutating func u32() throws -> Int { Int(try integer(4)) }
  private mutating func u64() throws -> Int {
    guard let value = Int(exactly: try integer(8)) else { throw PackageError.defect("number is too large") }
    return value
  }
  private mutating func slice(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count <= bytes.count - at else { throw PackageError.defect("archive ends early") }
    defer { at += count }
    return bytes[at..<(at + count)]
  }
  private mutating func expect(_ signature: Int) throws {
    guard try u32() == signature else { throw PackageError.defect("wrong signature") }
  }
  private mutating func jump(_ offset: Int) throws {
    guard offset >= 0, offset <= bytes.count else { throw PackageError.defect("offset outside the archive") }
    at = offset
  }


  /// The end record is the last one whose comment reaches exactly to the end of the archive.
  private func endRecordOffset() throws -> Int {
    var offset = bytes.count - 22
    while offset >= 0, offset >= bytes.count - 22 - 0xffff {
      if bytes[offset] == 0x50, bytes[offset + 1] == 0x4b, bytes[offset + 2] == 5, bytes[offset + 3] == 6,
        offset + 22 + Int(bytes[offset + 20]) + Int(bytes[offset + 21]) << 8 == bytes.count
      {
        return offset
      }
      offset -= 1
    }
    throw PackageError.defect("no end of central directory")
  }

  mutating func findDirectory() throws -> Directory {
    let end = try endRecordOffset()
    try jump(end + 4)
    let disk = try u16(), directoryDisk = try u16(), countHere = try u16(), count = try u16()
    let size = try u32(), offset = try u32()
    if disk == 0xffff || directoryDisk == 0xffff || count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff {
      return try findZip64Directory(endRecord: end)
    }
    guard disk == 0, directoryDisk == 0, countHere == count else { throw PackageError.defect("archive of several disks") }
    return try checked(Directory(offset: offset, end: end, count: count), size: size)
  }

  private mutating func findZip64Directory(endRecord: Int) throws -> Directory {
    try jump(endRecord - 20)
    try expect(0x0706_4b50)
    let locatorDisk = try u32(), record = try u64(), disks = try u32()
    guard locatorDisk == 0, disks <= 1, record < endRecord - 20 else { throw PackageError.defect("archive of several disks") }
    try jump(record)
    try expect(0x0606_4b50)
    _ = try u64()
    _ = try u32()
    let disk = try u32(), directoryDisk = try u32(), countHere = try u64(), count = try u64()
    let size = try u64(), offset = try u64()
    guard disk == 0, directoryDisk == 0, countHere == count else { throw PackageError.defect("archive of several disks") }
    return try checked(Directory(offset: offset, end: record, count: count), size: size)
  }

  /// The directory must reach exactly to the record that describes it, and be long enough for its entries.
  private func checked(_ directory: Directory, size: Int) throws -> Directory {
    guard directory.offset <= directory.end, directory.end - directory.offset == size, directory.count <= size / 46 else {
      throw PackageError.defect("central directory is not where the archive says")
    }
    return directory
  }

  mutating func centralHeader() throws -> CentralHeader {
    try expect(0x0201_4b50)
    let madeBy = try u16()
    _ = try u16()
    let flags = try u16(), method = try u16()
    _ = try u32()
    let checksum = UInt32(try u32()), compressedSize = try u32(), size = try u32()
    let nameLength = try u16(), extraLength = try u16(), commentLength = try u16(), disk = try u16()
    _ = try u16()
    let attributes = try u32(), localOffset = try u32()
    let name = try slice(nameLength), extra = try slice(extraLength)
    _ = try slice(commentLength)
    guard disk == 0 || disk == 0xffff else { throw PackageError.defect("archive of several disks") }
    let isUnix = madeBy >> 8 == 3 || madeBy >> 8 == 19
    var header = CentralHeader(
      flags: flags, method: method, checksum: checksum, compressedSize: compressedSize, size: size, localOffset: localOffset,
      mode: isUnix ? attributes >> 16 : 0, name: name)
    if compressedSize == 0xffff_ffff || size == 0xffff_ffff || localOffset == 0xffff_ffff {
      try applyZip64(extra, to: &header)
    }
    guard header.size <= LambdaLimits.unzippedBytes else { throw PackageError.tooLarge }
    return header
  }

  /// The extra field 1 holds, in this order, only those numbers that did not fit.
  private func applyZip64(_ extra: ArraySlice<UInt8>, to header: inout CentralHeader) throws {
    var reader = ZipReader(bytes: Array(extra))
    while reader.at < reader.bytes.count {
      let id = try reader.u16(), length = try reader.u16()
      var field = ZipReader(bytes: Array(try reader.slice(length)))
      guard id == 1 else { continue }
      if header.size == 0xffff_ffff { header.size = try field.u64() }
      if header.compressedSize == 0xffff_ffff { header.compressedSize = try field.u64() }
      if header.localOffset == 0xffff_ffff { header.localOffset = try field.u64() }
      return
    }
    throw PackageError.defect("zip64 numbers are missing")
  }

  /// The bytes of an entry with its local header, which must tell the same as the central one.
  mutating func localSpan(of header: CentralHeader, before limit: Int) throws -> (whole: Range<Int>, data: Range<Int>) {
    let resume = at
    defer { at = resume }
    try jump(header.localOffset)
    try expect(0x0403_4b50)
    _ = try u16()
    let flags = try u16(), method = try u16()
    _ = try slice(16)
    let nameLength = try u16(), extraLength = try u16(), name = try slice(nameLength)
    _ = try slice(extraLength)
    guard method == header.method, flags & 0x2041 == header.flags & 0x2041, name == header.name else {
      throw PackageError.defect("local and central header differ")
    }
    guard header.compressedSize <= limit - at else { throw PackageError.defect("entry reaches into the directory") }
    let end = at + header.compressedSize
    return (header.localOffset..<end, at..<end)
  }
}
