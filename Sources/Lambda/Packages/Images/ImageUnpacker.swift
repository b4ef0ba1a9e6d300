import Base
import Crypto

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes the file tree of an image: its layers one over the other, each checked against its digests on the way.
struct ImageUnpacker {
  let found: ImageLibrary.Found
  /// A directory that nobody else knows yet.
  let root: String

  /// - Throws: `ImageError`, `PackageIOError`; the directory is then to be thrown away.
  func unpack() throws {
    var budget = ImageBudget()
    for layer in found.manifest.layers {
      do {
        try apply(layer, &budget)
      } catch let PackageError.defect(reason) {
        throw ImageError.defect("layer \(layer.diffID.prefix(12)): \(reason)")
      } catch let InflateFailure.malformed(reason) {
        throw ImageError.defect("layer \(layer.diffID.prefix(12)): \(reason)")
      } catch let error as PackageIOError where [ENAMETOOLONG, ELOOP, EINVAL, EMLINK].contains(error.errno) {
        throw ImageError.defect("layer \(layer.diffID.prefix(12)): \(error.step) \(error.path): errno \(error.errno)")
      }
    }
    try furnish()
  }

  private func apply(_ layer: ImageManifest.Layer, _ budget: inout ImageBudget) throws {
    let file = try found.files.open(layer.file)
    if let size = layer.size, size != file.size { throw ImageError.defect("\(layer.file) has not the size that the manifest says") }
    var whole = SHA256(), plain = SHA256(), count = 0
    var reader = TarReader(), writer = LayerWriter(root: ImageRoot(path: root))
    defer { writer.close() }
    let limit = budget.bytes
    func take(_ bytes: ArraySlice<UInt8>) throws {
      count += bytes.count
      guard count <= limit else { throw Self.tooLarge }
      plain.update(data: bytes)
      try reader.read(bytes) { try writer.apply($0, &budget) }
    }
    func next() throws -> ArraySlice<UInt8> {
      let piece = try file.next()
      whole.update(data: piece)
      return piece
    }
    let first = try next()
    if first.starts(with: [0x1f, 0x8b]) {
      try inflate(first, limit, next, take)
    } else {
      var piece = first
      while !piece.isEmpty {
        try take(piece)
        piece = try next()
      }
    }
    try reader.finish()
    guard layer.digest == nil || layer.digest == whole.finalize().map({ $0 }).hex else {
      throw ImageError.defect("\(layer.file) is not what its digest says")
    }
    guard plain.finalize().map({ $0 }).hex == layer.diffID else {
      throw ImageError.defect("layer \(layer.diffID.prefix(12)) is not what the configuration says")
    }
    budget.bytes -= count
  }

  private static let tooLarge = ImageError.defect("the layers are larger than \(LambdaLimits.imageBytes) bytes")

  private func inflate(
    _ first: ArraySlice<UInt8>, _ limit: Int, _ next: () throws -> ArraySlice<UInt8>, _ take: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    var failure: (any Error)?
    var pending: ArraySlice<UInt8>? = first
    do {
      try GzipStream.inflate(
        upTo: limit,
        from: {
          if let first = pending {
            pending = nil
            return first
          }
          do { return try next() } catch { failure = error }
          return []
        }, into: take)
    } catch InflateFailure.tooLarge { throw Self.tooLarge } catch { throw failure ?? error }
  }

  /// Places where a sandbox mounts something of its own. What an image has there would be hidden anyway.
  private func furnish() throws {
    for name in ["proc", "dev", "tmp"] { try makeDirectory("\(root)/\(name)") }
    guard let etc = try? ImageRoot(path: root).directory(["etc"], missing: .made), etc == "\(root)/etc" else {
      // A link: then programs see what the image has.
      return
    }
    for name in ["passwd", "group", "hosts", "resolv.conf"] { try makeFile("\(etc)/\(name)") }
  }

  private func makeDirectory(_ path: String) throws {
    var status = stat()
    if lstat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { return }
      try PackageDisk.removeTree(path)
    }
    try ImageRoot.makeDirectory(path)
  }

  private func makeFile(_ path: String) throws {
    var status = stat()
    if lstat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFREG { return }
      try PackageDisk.removeTree(path)
    }
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw PackageIOError(step: "open", path: path, errno: errno) }
    defer { close(file) }
    guard fchmod(file, 0o644) == 0 else { throw PackageIOError(step: "fchmod", path: path, errno: errno) }
  }
}
