import Base
import Store

/// Puts a snapshot into a state that nobody uses yet.
struct SnapshotLoading {
  private let state: OpenState
  private var reader = SnapshotReader()
  private(set) var manifest: SnapshotManifest?
  private var isComplete = false
  private var file: (id: ByteStoreID, sink: any ByteSink)?

  init(into state: OpenState) { self.state = state }

  mutating func feed(_ bytes: [UInt8]) async throws {
    for item in try reader.feed(bytes) {
      switch item {
      case .manifest(let manifest): self.manifest = manifest
      case .rows(let rows): try await state.store.transact { tx in for row in rows { try tx.set(row.key, row.value) } }
      case .blob(let name, let bytes): try await state.blobs.put(name, bytes)
      case .file(let id, let bytes):
        if file?.id != id {
          try await finishFile()
          file = (id, state.objects.sink(id) { _ in })
        }
        try await file?.sink.write(bytes)
      case .end:
        try await finishFile()
        isComplete = true
      }
    }
  }

  private mutating func finishFile() async throws {
    try await file?.sink.finish()
    file = nil
  }

  /// Throws `SnapshotError` unless all of it has come.
  func finish() throws -> SnapshotManifest {
    try reader.finish()
    guard isComplete, let manifest else { throw SnapshotError.truncated }
    return manifest
  }
}
