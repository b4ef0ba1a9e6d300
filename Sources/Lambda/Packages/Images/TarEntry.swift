import Base

/// What an archive says of one of its members, before its data.
struct TarEntry: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case file, directory
    case hardLink(to: String)
    case symbolicLink(to: String)
    /// A device, a pipe, or what nobody knows: it has no place in a function.
    case other
  }

  /// As it is written in the archive.
  var name: String
  var kind: Kind
  /// Bytes of data that follow.
  var size: Int
  /// Permission bits.
  var mode: Int
  /// Seconds since 1970.
  var modified: Int
  /// Where in the archive its data begins.
  var dataOffset: Int
}

enum TarEvent: Sendable, Equatable {
  case entry(TarEntry)
  /// Some bytes of the entry that was read last.
  case data(ArraySlice<UInt8>)
  case endOfEntry
}

extension TarEntry {
  /// The path below the root as components: `./a`, `/a` and `a//b/` are what tools write for `a` and `a/b`. Empty for the root itself.
  /// - Throws: `PackageError` for a name that leads upwards or is too long.
  static func components(_ name: String) throws -> [String] {
    guard name.utf8.count <= LambdaLimits.imagePathBytes else { throw PackageError.defect("a path is too long") }
    let parts = name.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
    guard parts.count <= LambdaLimits.imagePathDepth, parts.allSatisfy({ $0 != ".." && $0.utf8.count <= 255 }) else {
      throw PackageError.defect("forbidden name: \(name)")
    }
    return parts
  }
}

/// One block of 512 bytes that begins a member (POSIX.1-1988 "ustar", with what GNU tar makes of it).
struct TarHeader {
  static let size = 512
  var type: UInt8
  var name: [UInt8]
  var linkName: [UInt8]
  var size: Int
  var mode: Int
  var modified: Int

  /// - Parameter block: 512 bytes that are not all zero.
  init(_ block: ArraySlice<UInt8>) throws {
    let start = block.startIndex
    func field(_ offset: Int, _ length: Int) -> ArraySlice<UInt8> { block[(start + offset)..<(start + offset + length)] }
    func text(_ offset: Int, _ length: Int) -> [UInt8] { Array(field(offset, length).prefix { $0 != 0 }) }
    try Self.check(block, stated: try Self.number(field(148, 8)))
    type = block[start + 156]
    (name, linkName) = (text(0, 100), text(157, 100))
    (size, mode) = (try Self.number(field(124, 12)), try Self.number(field(100, 8)) & 0o7777)
    // A wrong time harms nobody.
    modified = (try? Self.number(field(136, 12))) ?? 0
    // GNU tar uses the place of the prefix for other things.
    if field(257, 6).elementsEqual("ustar\0".utf8) {
      let prefix = text(345, 155)
      if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
    }
    // Before POSIX a directory was known by its name.
    if type == 0 || type == UInt8(ascii: "0"), name.last == UInt8(ascii: "/") { type = UInt8(ascii: "5") }
  }

  /// The sum of all bytes with blanks in the place of the sum itself; old tools counted with signed bytes.
  private static func check(_ block: ArraySlice<UInt8>, stated: Int) throws {
    var (unsigned, signed) = (0, 0)
    for (place, byte) in block.enumerated() {
      let value = (148..<156).contains(place) ? 32 : byte
      unsigned += Int(value)
      signed += Int(Int8(bitPattern: value))
    }
    guard stated == unsigned || stated == signed else { throw PackageError.defect("wrong checksum in a tar header") }
  }

  /// Octal digits between blanks, or GNU's binary form where the first bit is set.
  private static func number(_ field: ArraySlice<UInt8>) throws -> Int {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { throw PackageError.defect("a negative number in a tar header") }
      return try field.dropFirst().reduce(0) { sum, byte in
        guard sum < 1 << 52 else { throw PackageError.defect("a number in a tar header is too large") }
        return sum << 8 | Int(byte)
      }
    }
    let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
    return try digits.reduce(0) { sum, byte in
      guard (48...55).contains(byte) else { throw PackageError.defect("no number in a tar header") }
      return sum << 3 | Int(byte - 48)
    }
  }
}
