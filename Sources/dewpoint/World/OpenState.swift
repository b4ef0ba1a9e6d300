import Base
import Store
import StoreMemory
import StoreRocksDB

/// One state, open: rows, large bytes, and where the rest lies.
struct OpenState: Sendable {
  let directory: StateDirectory
  let store: any StoreBackend
  let blobs: any BlobStore
  /// The contents of S3's objects.
  let objects: any ByteStore

  init(_ directory: StateDirectory, inMemory: Bool) throws {
    self.directory = directory
    if inMemory {
      (store, blobs, objects) = (MemoryStore(), MemoryBlobStore(), MemoryByteStore())
    } else {
      blobs = try FileBlobStore(directory: directory.blobs)
      objects = try FileByteStore(directory: directory.objects)
      store = try RocksDBStore(directory: directory.store)
    }
  }
}
