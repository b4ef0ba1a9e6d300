import Base

/// The file trees of images, named by digest, so that functions of the same image share one. A tree is only a cache: what is missing is
/// made again from the image, which has to be where it was.
///
/// Reading and unpacking happen on a thread of their own, so that a large image does not hold up zips.
struct ImageStore: Sendable {
  let library: ImageLibrary
  private let disk: PackageDisk

  /// - Parameter directory: made when missing; leftovers of an interrupted unpacking are removed.
  init(library: ImageLibrary, directory: String) {
    (self.library, disk) = (library, PackageDisk(root: directory, label: "dewpoint.images"))
  }

  /// Looks an image up and reads what it says of itself, but not its layers.
  /// - Throws: `AWSError` in AWS's words.
  func find(_ uri: String) async throws -> ImageManifest {
    do {
      return try await disk.run { Result { try library.find(uri).manifest } }.get()
    } catch let error as ImageError {
      throw LambdaError.badImage(uri, error)
    }
  }

  /// The directory with the tree, made again when it is missing.
  /// - Throws: `ImageError`, `PackageIOError`.
  func directory(for uri: String, digest: String) async throws -> String {
    try await disk.run {
      Result {
        if let path = disk.existing(digest) { return path }
        let found = try library.find(uri, digest: digest)
        return try disk.make(digest) { try ImageUnpacker(found: found, root: $0).unpack() }
      }
    }.get()
  }

  /// All trees that are kept.
  func digests() async -> [String] { await disk.run { disk.kept() } }

  func remove(_ digest: String) async throws { try await disk.run { Result { try disk.remove(digest) } }.get() }
}
