import Base
import Fabric
import Store
import Synchronization

/// `/_dewpoint/snapshot`: GET streams the whole state out, POST takes one in and runs on with it.
///
/// Bytes go through the page rather than paths, so that files are read and written with the rights of whoever runs the command.
enum SnapshotPage {
  static func page(_ server: LateServer, refusal: String?) -> InternalPage {
    let isLoading = LoadingFlag()
    return InternalPage("snapshot", takesStream: true) { request in
      try request.require("GET", "POST")
      if let refusal { return .message(403, refusal) }
      let server = try server.get()
      guard request.method == "POST" else { return try await save(server) }
      guard isLoading.begin() else { return .message(409, "Another snapshot is being loaded.") }
      defer { isLoading.end() }
      do { return try await load(request, server) } catch let error as SnapshotError { return .message(400, "\(error)") }
    }
  }

  private static func save(_ server: Server) async throws -> PageAnswer {
    let world = server.current
    try await world.settle()
    let manifest = SnapshotManifest(version: Dewpoint.version, savedAt: server.clock.wallNow(), clock: server.clock.mode)
    // Until all is copied nothing is deleted that the rows name.
    let hold = world.holdFiles()
    // Rows first: a blob is there before the row that names it, and stays for a while after it.
    let rows = try await world.state.store.image()
    return PageAnswer(contentType: SnapshotFormat.contentType) { write in
      var writer = SnapshotWriter()
      var contents = SnapshotContents()
      try await write(writer.start(manifest))
      var last: Key?
      var image = Optional(rows)
      while let rows = image {
        let page = try await rows.entries(after: last, bytes: SnapshotFormat.rowBytes)
        guard let end = page.last else {
          image = nil
          break
        }
        for row in page { contents.count(row.key, row.value, world.inventory) }
        try await write(writer.rows(page))
        last = end.key
      }
      for name in try await world.state.blobs.list() {
        guard let bytes = try await world.state.blobs.get(name) else {
          throw AWSError("ServiceUnavailable", "A package went away during the copy. Try again.", status: 503)
        }
        contents.blobs += 1
        contents.blobBytes += bytes.count
        try await write(offLoop { writer.blob(name, bytes) })
      }
      for folder in 0..<ByteStoreID.folders {
        for id in try await world.state.objects.list(folder: folder) {
          try await copy(id, of: world.state.objects, &contents) { try await write(writer.file(id, $0)) }
        }
      }
      withExtendedLifetime(hold) {}
      guard server.current === world else {
        throw AWSError("ServiceUnavailable", "The state was exchanged during the copy. Try again.", status: 503)
      }
      try await write(writer.end(contents))
    }
  }

  /// One piece at least, so that an empty file is one.
  private static func copy(
    _ id: ByteStoreID, of store: any ByteStore, _ contents: inout SnapshotContents, _ write: ([UInt8]) async throws -> Void
  ) async throws {
    // An upload that was given up meanwhile is nobody's.
    guard let source = try await store.source(id) else { return }
    contents.files += 1
    contents.fileBytes += source.count
    var offset = 0
    repeat {
      let piece = try await source.read(at: offset, count: min(SnapshotFormat.rowBytes, source.count - offset))
      try await write(piece)
      offset += piece.count
    } while offset < source.count
  }

  private static func load(_ request: PageRequest, _ server: Server) async throws -> PageAnswer {
    let state = try server.makeState()
    do {
      var loading = SnapshotLoading(into: state)
      if !request.body.isEmpty { try await offLoop { try await loading.feed(request.body) } }
      while let piece = try await request.nextPiece() { try await offLoop { try await loading.feed(piece) } }
      let manifest = try loading.finish()
      try await server.exchanges.ask { (state, manifest.clock) }
      server.logger.notice("a snapshot was loaded", metadata: ["savedAt": "\(manifest.savedAt.iso8601Milliseconds)"])
      return .json(["status": "ok", "savedAt": .string(manifest.savedAt.iso8601Milliseconds)])
    } catch {
      // Whatever it is, the state that runs has not been touched.
      await server.discard(state)
      throw error
    }
  }
}

/// Digests and checks take their time; a page runs on the loop of its connection, whose other connections would wait for them.
private func offLoop<T>(_ work: () async throws -> T) async throws -> T {
  try await withTaskExecutorPreference(globalConcurrentExecutor) { try await work() }
}

private final class LoadingFlag: Sendable {
  private let isTaken = Atomic(false)
  func begin() -> Bool { isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged }
  func end() { isTaken.store(false, ordering: .releasing) }
}
