import Base

/// What one entry of a zip becomes on disk.
struct ZipEntry: Sendable, Equatable {
  enum Kind: Sendable, Equatable { case directory, file(isExecutable: Bool), link }

  /// Path components, never empty, `.` or `..`.
  var path: [String]
  var kind: Kind
  var isCompressed: Bool
  var size: Int
  var checksum: UInt32
  /// Where its data lies in the archive.
  var data: Range<Int>
}

/// The table of contents of a zip, read from the central directory and checked against the local headers.
///
/// The archive comes from a client, so nothing in it is believed: every offset and length is checked before it is used,
/// entries may not share bytes, and names may only lead downwards.
struct ZipArchive {
  let bytes: [UInt8]
  let entries: [ZipEntry]
  /// Of all files together, in bytes.
  var unzippedSize: Int { entries.reduce(0) { $0 + $1.size } }

  /// - Throws: `PackageError`.
  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    var reader = ZipReader(bytes: bytes)
    let directory = try reader.findDirectory()
    guard directory.count <= LambdaLimits.packageEntries else { throw PackageError.defect("too many entries") }
    reader.at = directory.offset
    var entries: [ZipEntry] = []
    var spans: [Range<Int>] = []
    var total = 0
    entries.reserveCapacity(directory.count)
    for _ in 0..<directory.count {
      let header = try reader.centralHeader()
      guard reader.at <= directory.end else { throw PackageError.defect("central directory is longer than it says") }
      let span = try reader.localSpan(of: header, before: directory.offset)
      spans.append(span.whole)
      total += header.size
      guard total <= LambdaLimits.unzippedBytes else { throw PackageError.tooLarge }
      if let entry = try ZipEntry(header, data: span.data) { entries.append(entry) }
    }
    guard reader.at == directory.end else { throw PackageError.defect("central directory is shorter than it says") }
    spans.sort { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(spans, spans.dropFirst()) where a.upperBound > b.lowerBound {
      throw PackageError.defect("entries overlap")
    }
    try Self.checkTree(entries)
    self.entries = entries
  }

  /// No path twice, and nothing beneath a file or link.
  private static func checkTree(_ entries: [ZipEntry]) throws {
    var leaves: Set<String> = [], directories: Set<String> = []
    for entry in entries {
      var path = ""
      for component in entry.path.dropLast() {
        path += "/" + component
        directories.insert(path)
      }
      path += "/" + (entry.path.last ?? "")
      if entry.kind == .directory {
        directories.insert(path)
      } else if !leaves.insert(path).inserted {
        throw PackageError.defect("the path \(path) comes twice")
      }
      // At once: long paths would name many times more directories than there are entries, and take as much memory.
      guard leaves.count + directories.count <= LambdaLimits.packageEntries else { throw PackageError.defect("too many entries") }
    }
    guard leaves.isDisjoint(with: directories) else { throw PackageError.defect("a file is also a directory") }
  }
}

extension ZipEntry {
  /// Nil for an entry that names the root itself.
  init?(_ header: ZipReader.CentralHeader, data: Range<Int>) throws {
    guard header.flags & 0x2041 == 0 else { throw PackageError.defect("encrypted entry") }
    guard header.method == 0 || header.method == 8 else { throw PackageError.defect("unknown compression method") }
    guard header.method == 8 || header.size == data.count else { throw PackageError.defect("stored entry with two sizes") }
    (path, isCompressed, size) = (try Self.components(header.name), header.method == 8, header.size)
    (checksum, self.data) = (header.checksum, data)
    let endsWithSlash = header.name.last == UInt8(ascii: "/")
    switch header.mode & 0o170000 {
    case 0o040000: kind = .directory
    case 0o120000: kind = .link
    case 0o100000, 0: kind = endsWithSlash ? .directory : .file(isExecutable: header.mode & 0o111 != 0)
    default: throw PackageError.defect("entry is neither file, directory nor link")
    }
    if endsWithSlash, kind != .directory { throw PackageError.defect("file with the name of a directory") }
    if kind == .directory, size != 0 { throw PackageError.defect("directory with data") }
    if kind == .link, size > LambdaLimits.linkTargetBytes { throw PackageError.defect("link target is too long") }
    if path.isEmpty {
      guard kind == .directory else { throw PackageError.defect("entry without a name") }
      return nil
    }
  }

  /// Splits a name; `./a` and `a//b` are tolerated because common tools write them.
  private static func components(_ name: ArraySlice<UInt8>) throws -> [String] {
    guard !name.isEmpty, name.count <= LambdaLimits.packagePathBytes, name.first != UInt8(ascii: "/"),
      !name.contains(0), !name.contains(UInt8(ascii: "\\")), let text = String(validating: name, as: UTF8.self)
    else { throw PackageError.defect("forbidden name") }
    let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
    guard parts.count <= LambdaLimits.packagePathDepth, parts.allSatisfy({ $0 != ".." && $0.utf8.count <= 255 }) else {
      throw PackageError.defect("forbidden name")
    }
    return parts
  }
}
