import Store

/// Packages in the blob store that the whole server shares.
struct PackageBlobStore: PackageBlobs {
  let blobs: any BlobStore

  func save(_ bytes: [UInt8], hash: String) async throws { try await blobs.put(hash, bytes) }
  func load(hash: String) async throws -> [UInt8]? { try await blobs.get(hash) }
  func remove(hash: String) async throws { try await blobs.delete(hash) }
}
