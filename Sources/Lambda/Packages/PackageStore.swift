import Base
import Crypto
import Store
import Synchronization

/// The code of functions, unpacked on disk and named by the hash of the zip, so that equal packages share one directory.
///
/// The directories are only a cache: whatever is missing is unpacked again from the blob. Reading, hashing and unpacking
/// happen on a thread of their own, never on the cooperative pool.
struct PackageStore: Sendable {
  private let blobs: any BlobStore
  private let root: String
  private let disk: PackageDisk
  private let trees: LayerTrees
  private let images: ImageStore
  private let claims = Claims()

  /// - Parameters:
  ///   - blobs: for packages alone; what no function names any more is deleted from it.
  ///   - directory: made when missing; leftovers of an interrupted unpacking are removed.
  ///   - images: where the images of functions come from, and the directory for their trees.
  init(blobs: any BlobStore, directory: String, images: ImageStore) {
    (self.blobs, root, disk, self.images) = (blobs, directory, PackageDisk(root: directory), images)
    trees = LayerTrees(root: directory)
  }

  /// Checks and unpacks a zip and keeps it durably. Until `release` is called with the hash, the package is not removed.
  /// - Returns: also the sizes of the zip and of all its files in bytes.
  /// - Throws: `AWSError` in AWS's words for a zip that is too large or has a defect.
  func add(zip: [UInt8]) async throws -> (hash: String, size: Int, unzipped: Int) {
    guard zip.count <= LambdaLimits.unzippedBytes else { throw LambdaError.badPackage(PackageError.tooLarge) }
    let hash = await disk.run { SHA256.hash(data: zip).map { $0 }.hex }
    try claims.claim(hash)
    let unzipped: Int
    do {
      unzipped = try await disk.run { Result { try ZipArchive(zip).unzippedSize } }.get()
      _ = try await disk.run { Result { try disk.unpack(zip, hash: hash) } }.get()
      try await blobs.put(hash, zip)
    } catch let error as AWSError {
      claims.release(hash)
      throw error
    } catch {
      claims.release(hash)
      throw LambdaError.badPackage(error)
    }
    return (hash, zip.count, unzipped)
  }

  /// Looks up the image that a URI names. Until `release` is called with the digest, its tree is not removed.
  /// - Throws: `AWSError` in AWS's words.
  func add(image uri: String) async throws -> ImageManifest {
    let manifest = try await images.find(uri)
    try claims.claim(manifest.digest)
    return manifest
  }

  /// Looks up an image and keeps nothing.
  func check(image uri: String) async throws -> ImageManifest { try await images.find(uri) }

  /// The directory with the tree of an image, made again when it is missing.
  /// - Throws: `ImageError`, `PackageIOError`.
  func directory(for image: ImageSource, digest: String) async throws -> String {
    try await images.directory(for: image.uri, digest: digest)
  }

  /// The row that names the package has been written, or never will be.
  func release(_ hash: String) { claims.release(hash) }

  /// Checks a zip without keeping it.
  func check(zip: [UInt8]) async throws -> (hash: String, size: Int) {
    guard zip.count <= LambdaLimits.unzippedBytes else { throw LambdaError.badPackage(PackageError.tooLarge) }
    do {
      let hash = try await disk.run { Result { try disk.check(zip) } }.get()
      return (hash, zip.count)
    } catch {
      throw LambdaError.badPackage(error)
    }
  }

  /// The directory with the unpacked files, made again when it is missing.
  /// - Throws: `PackageMissing` when the bytes are gone, too.
  func directory(for hash: String) async throws -> String {
    if let path = await disk.run({ disk.existing(hash) }) { return path }
    let zip = try await zip(hash)
    return try await disk.run { Result { try disk.unpack(zip, hash: hash) } }.get()
  }

  /// A directory with the files of several packages, those of later ones over those of earlier ones. It stays until
  /// `release(directory:)`.
  /// - Throws: `PackageMissing` when the bytes of one are gone.
  func directory(merging hashes: [String]) async throws -> String {
    for hash in hashes { _ = try await directory(for: hash) }
    if hashes.count == 1 { return "\(root)/\(hashes[0])" }
    return try await disk.run { Result { try trees.tree(of: hashes) } }.get()
  }

  /// Who got the directory of merged packages needs it no longer.
  func release(directory: String) { trees.release(directory) }

  /// The bytes of the zip, for `GetFunction`'s location.
  func zip(_ hash: String) async throws -> [UInt8] {
    guard let zip = try await blobs.get(hash) else { throw PackageMissing(hash: hash) }
    return zip
  }

  /// All packages that are kept.
  func hashes() async throws -> [String] { try await blobs.list() + images.digests() }

  enum Removal { case removed, stillUsed, beingAdded }

  /// Removes files and bytes that no function needs.
  /// - Parameter isUsed: asked when nobody can add the same package any more, so that its answer stays true.
  func remove(_ hash: String, unless isUsed: () async throws -> Bool) async throws -> Removal {
    guard claims.beginRemoval(hash) else { return .beingAdded }
    defer { claims.endRemoval(hash) }
    if try await isUsed() { return .stillUsed }
    try await disk.run {
      Result {
        try trees.remove(with: hash)
        try disk.remove(hash)
      }
    }.get()
    try await blobs.delete(hash)
    try await images.remove(hash)
    return .removed
  }

  struct PackageMissing: Error { var hash: String }
}

/// Keeps adding and removing of one package apart.
private final class Claims: Sendable {
  /// in use: so many additions are under way. removing: to be followed by nothing.
  private enum Claim { case inUse(Int), removing }
  private let claims = Mutex<[String: Claim]>([:])

  /// - Throws: a retryable error in the moment in which an old, unused copy is being removed.
  func claim(_ hash: String) throws {
    try claims.withLock { claims in
      switch claims[hash] {
      case nil: claims[hash] = .inUse(1)
      case .inUse(let count): claims[hash] = .inUse(count + 1)
      case .removing:
        throw AWSError("ServiceException", "The package is being removed. Please try again.", status: 500, fault: .server)
      }
    }
  }
  func release(_ hash: String) {
    claims.withLock { claims in
      if case .inUse(let count) = claims[hash] { claims[hash] = count > 1 ? .inUse(count - 1) : nil }
    }
  }
  func beginRemoval(_ hash: String) -> Bool {
    claims.withLock { claims in
      guard claims[hash] == nil else { return false }
      claims[hash] = .removing
      return true
    }
  }
  func endRemoval(_ hash: String) { claims.withLock { $0[hash] = nil } }
}
