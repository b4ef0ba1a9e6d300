import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of an image: those of a directory, or of an archive that is read in place.
struct ImageFiles: Sendable {
  private enum Kind: Sendable {
    case directory(String)
    case archive(String, TarIndex)
  }
  private let kind: Kind

  init(directory: String) { kind = .directory(directory) }
  /// - Throws: `ImageError`.
  init(archive path: String) throws { kind = .archive(path, try TarIndex(path)) }

  func has(_ name: String) -> Bool {
    switch kind {
    case .directory(let path):
      var status = stat()
      return lstat("\(path)/\(name)", &status) == 0
    case .archive(_, let index): return index.find(name) != nil
    }
  }

  /// - Parameter name: a path below the root of the image that we made ourselves, or one that stands in an archive.
  /// - Throws: `ImageError.defect` when it is not there.
  func open(_ name: String) throws -> ImageFile {
    switch kind {
    case .directory(let path): return try ImageFile("\(path)/\(name)", range: nil)
    case .archive(let path, let index):
      guard let range = index.find(name) else { throw ImageError.defect("\(name) is missing in the archive") }
      return try ImageFile(path, range: range)
    }
  }

  /// A whole small file.
  func bytes(_ name: String) throws -> [UInt8] {
    let file = try open(name)
    guard file.size <= LambdaLimits.imageDocumentBytes else { throw ImageError.defect("\(name) is too large") }
    var all: [UInt8] = []
    while true {
      let piece = try file.next()
      if piece.isEmpty { return all }
      all += piece
    }
  }
}

/// A part of an open file, read from its beginning.
final class ImageFile {
  private static let pieceBytes = 256 << 10
  let size: Int
  private let descriptor: Int32
  private let path: String
  private var at: Int
  private let end: Int

  init(_ path: String, range: Range<Int>?) throws {
    // No link: what it named could lie outside of what may be read. No waiting for the other end of a pipe.
    descriptor = Self.open(path)
    self.path = path
    guard descriptor >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? ImageError.defect("\(path) is missing") : ImageError.accessDenied("\(path): errno \(errno)")
    }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    (at, end) = (range?.lowerBound ?? 0, range?.upperBound ?? Int(status.st_size))
    size = end - at
    guard isFile, end <= Int(status.st_size) else { throw ImageError.defect("\(path) is no file, or it has changed") }
  }

  deinit { close(descriptor) }

  private static func open(_ path: String) -> Int32 {
    #if canImport(Glibc)
      Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    #else
      Darwin.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    #endif
  }

  /// The next bytes; none at the end.
  func next(atMost limit: Int = ImageFile.pieceBytes) throws -> ArraySlice<UInt8> {
    let wanted = min(limit, end - at)
    guard wanted > 0 else { return [] }
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      repeat { count = pread(descriptor, buffer.baseAddress, wanted, off_t(at)) } while count < 0 && errno == EINTR
      filled = max(0, count)
    }
    guard count > 0 else { throw ImageError.accessDenied("\(path): errno \(count < 0 ? errno : 0)") }
    at += count
    return bytes[...]
  }

  func skip(_ count: Int) { at = min(end, at + count) }
}

/// Where the files of an archive lie in it.
struct TarIndex: Sendable {
  private var files: [String: Range<Int>] = [:]
  /// Names that stand for others: old versions of `docker save` store equal layers once.
  private var links: [String: String] = [:]

  /// Reads the headers and leaves the data out.
  /// - Throws: `ImageError`.
  init(_ path: String) throws {
    let file = try ImageFile(path, range: nil)
    var reader = TarReader()
    do {
      while true {
        let piece = try file.next(atMost: TarHeader.size)
        if piece.isEmpty { break }
        try reader.read(piece) { if case .entry(let entry) = $0 { try note(entry) } }
        file.skip(reader.skippable)
        reader.skip()
      }
      try reader.finish()
    } catch let PackageError.defect(reason) {
      throw ImageError.defect("\(path) is no archive: \(reason)")
    }
  }

  private mutating func note(_ entry: TarEntry) throws {
    guard files.count + links.count < LambdaLimits.imageArchiveFiles else { throw PackageError.defect("too many files") }
    guard let components = try? TarEntry.components(entry.name), !components.isEmpty else { return }
    let name = components.joined(separator: "/")
    switch entry.kind {
    case .file: files[name] = entry.dataOffset..<(entry.dataOffset + entry.size)
    case .hardLink(let target): links[name] = target
    case .symbolicLink(let target): links[name] = Self.join(components.dropLast(), target)
    case .directory, .other: break
    }
  }

  private static func join(_ directory: ArraySlice<String>, _ target: String) -> String {
    var parts = target.hasPrefix("/") ? [] : Array(directory)
    for part in target.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }

  func find(_ name: String) -> Range<Int>? { files[name] ?? links[name].flatMap { files[$0] } }
}
