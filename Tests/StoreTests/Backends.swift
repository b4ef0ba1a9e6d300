import Foundation
import Store
import StoreMemory
import StoreRocksDB
import Testing

/// Every backend that must keep the contract.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case memory, rocksDB
  var testDescription: String { rawValue }
}

/// Opens a fresh store, runs the body and closes it.
func withStore<T>(_ backend: Backend, _ body: (any Store) async throws -> T) async throws -> T {
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  let store: any Store
  switch backend {
  case .memory: store = MemoryStore()
  case .rocksDB: store = try RocksDBStore(directory: directory.path)
  }
  do {
    let value = try await body(store)
    await store.close()
    return value
  } catch {
    await store.close()
    throw error
  }
}

struct TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "dewpoint-store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
