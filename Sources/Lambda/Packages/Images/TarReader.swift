import Base

/// Reads a tar archive that comes piece by piece: ustar, GNU's long names and large sizes, and the extended headers of POSIX.1-2001.
///
/// The archive comes from somebody else, so nothing in it is believed. What it holds in memory is one header or one record of
/// names at most, however large the archive.
struct TarReader {
  /// header may be followed by anything; data by padding or header; record by padding or header; padding by header; ended by nothing.
  private enum State {
    case header([UInt8])
    case data(left: Int, padding: Int)
    case record(type: UInt8, bytes: [UInt8], left: Int, padding: Int)
    case padding(Int)
    case ended
  }
  /// What records said of the member that comes next.
  private struct Overrides {
    var name: String?
    var linkName: String?
    var size: Int?
    var modified: Int?
  }

  private var state = State.header([])
  private var overrides = Overrides()
  private var offset = 0
  private var zeroBlocks = 0

  /// - Parameter sink: may throw, too.
  /// - Throws: `PackageError` when this is no archive; it must not be used any more then.
  mutating func read(_ bytes: ArraySlice<UInt8>, into sink: (TarEvent) throws -> Void) throws {
    var rest = bytes
    while !rest.isEmpty {
      switch state {
      case .header(var block):
        // The state must not hold the block meanwhile: it would be copied for each piece.
        state = .ended
        let piece = take(TarHeader.size - block.count, of: &rest)
        if block.isEmpty, piece.count == TarHeader.size {
          try begin(piece, sink)
        } else {
          block += piece
          if block.count == TarHeader.size { try begin(block[...], sink) } else { state = .header(block) }
        }
      case .data(let left, let padding):
        let piece = take(left, of: &rest)
        try sink(.data(piece))
        try advance(left - piece.count, padding, sink)
      case .record(let type, var bytes, let left, let padding):
        state = .ended
        let piece = take(left, of: &rest)
        bytes += piece
        if piece.count == left {
          try note(type, bytes)
          state = padding == 0 ? .header([]) : .padding(padding)
        } else {
          state = .record(type: type, bytes: bytes, left: left - piece.count, padding: padding)
        }
      case .padding(let left):
        let count = take(left, of: &rest).count
        state = count == left ? .header([]) : .padding(left - count)
      case .ended:
        offset += rest.count
        return
      }
    }
  }

  /// - Throws: `PackageError` when the archive ended in the middle. Without the two blocks of zeros it is whole all the same.
  func finish() throws {
    switch state {
    case .ended: return
    case .header(let block) where block.isEmpty: return
    case .header, .data, .record, .padding: throw PackageError.defect("the archive ends early")
    }
  }

  /// Bytes of data that come next and may be left out with `skip`, by who needs only the places.
  var skippable: Int {
    if case .data(let left, let padding) = state { left + padding } else { 0 }
  }

  mutating func skip() {
    offset += skippable
    state = .header([])
  }

  private mutating func take(_ count: Int, of rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let piece = rest.prefix(count)
    rest = rest.dropFirst(piece.count)
    offset += piece.count
    return piece
  }

  private mutating func advance(_ left: Int, _ padding: Int, _ sink: (TarEvent) throws -> Void) throws {
    guard left == 0 else { return state = .data(left: left, padding: padding) }
    try sink(.endOfEntry)
    state = padding == 0 ? .header([]) : .padding(padding)
  }

  private mutating func begin(_ block: ArraySlice<UInt8>, _ sink: (TarEvent) throws -> Void) throws {
    guard !block.allSatisfy({ $0 == 0 }) else {
      zeroBlocks += 1
      state = zeroBlocks == 2 ? .ended : .header([])
      return
    }
    zeroBlocks = 0
    let header = try TarHeader(block)
    switch header.type {
    case UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x"), UInt8(ascii: "g"):
      guard header.size <= LambdaLimits.tarRecordBytes else { throw PackageError.defect("a record of names is too long") }
      let padding = Self.padding(header.size)
      if header.size == 0 {
        state = .header([])
      } else {
        state = .record(type: header.type, bytes: [], left: header.size, padding: padding)
      }
    default: try beginEntry(header, sink)
    }
  }

  private mutating func beginEntry(_ header: TarHeader, _ sink: (TarEvent) throws -> Void) throws {
    let said = overrides
    overrides = Overrides()
    let kind = try kind(of: header, linkName: said.linkName)
    // Links and directories have no data, whatever the number says.
    let size = kind == .file || kind == .other ? said.size ?? header.size : 0
    let entry = TarEntry(
      name: try said.name ?? Self.text(header.name), kind: kind, size: size, mode: header.mode,
      modified: said.modified ?? header.modified, dataOffset: offset)
    try sink(.entry(entry))
    if size == 0 {
      try sink(.endOfEntry)
      state = .header([])
    } else {
      state = .data(left: size, padding: Self.padding(size))
    }
  }

  private func kind(of header: TarHeader, linkName: String?) throws -> TarEntry.Kind {
    switch header.type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
    case UInt8(ascii: "1"): .hardLink(to: try linkName ?? Self.text(header.linkName))
    case UInt8(ascii: "2"): .symbolicLink(to: try linkName ?? Self.text(header.linkName))
    case UInt8(ascii: "5"): .directory
    case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"): .other
    case UInt8(ascii: "S"): throw PackageError.defect("sparse files are not supported")
    default: .other
    }
  }

  private static func padding(_ size: Int) -> Int { (TarHeader.size - size % TarHeader.size) % TarHeader.size }

  private static func text(_ bytes: some Collection<UInt8>) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
      throw PackageError.defect("a name is not UTF-8")
    }
    return text
  }

  private mutating func note(_ type: UInt8, _ bytes: [UInt8]) throws {
    switch type {
    case UInt8(ascii: "L"): overrides.name = try Self.text(bytes.prefix { $0 != 0 })
    case UInt8(ascii: "K"): overrides.linkName = try Self.text(bytes.prefix { $0 != 0 })
    case UInt8(ascii: "x"): try noteExtended(bytes[...])
    // What counts for the whole archive is comments and the like.
    default: break
    }
  }

  /// Lines of `LENGTH NAME=VALUE`, where the length counts the whole line.
  private mutating func noteExtended(_ bytes: ArraySlice<UInt8>) throws {
    var rest = bytes
    while !rest.isEmpty, rest.first != 0 {
      let digits = rest.prefix { $0 != 32 }
      guard digits.count <= 8, let length = Int(digits.utf8Text), length > digits.count + 2, length <= rest.count,
        rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
      else { throw PackageError.defect("malformed extended header") }
      let line = rest.prefix(length - 1).dropFirst(digits.count + 1)
      rest = rest.dropFirst(length)
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { throw PackageError.defect("malformed extended header") }
      try noteExtended(line[..<equals], line[(equals + 1)...])
    }
  }

  private mutating func noteExtended(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws {
    switch name.utf8Text {
    case "path": overrides.name = try Self.text(value)
    case "linkpath": overrides.linkName = try Self.text(value)
    case "size":
      guard let size = Int(value.utf8Text), (0...(1 << 52)).contains(size) else { throw PackageError.defect("malformed size") }
      overrides.size = size
    case "mtime":
      // With a fraction, which is let go.
      overrides.modified = Int(value.prefix { $0 != UInt8(ascii: ".") }.utf8Text)
    case let name where name.hasPrefix("GNU.sparse."): throw PackageError.defect("sparse files are not supported")
    default: break
    }
  }
}
