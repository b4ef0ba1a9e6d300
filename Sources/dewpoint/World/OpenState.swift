import Base
import Store
import StoreMemory
import StoreRocksDB

/// One state, open: rows, large bytes, and where the rest lies.
struct OpenState: Sendable {
  let directory: StateDirectory
  let store: any StoreBackend
  let blobs: any BlobStore

  init(_ directory: StateDirectory, inMemory: Bool) throws {
    self.directory = directory
    if inMemory {
      (store, blobs) = (MemoryStore(), MemoryBlobStore())
    } else {
      blobs = try FileBlobStore(directory: directory.blobs)
      store = try RocksDBStore(directory: directory.store)
    }
  }
}
