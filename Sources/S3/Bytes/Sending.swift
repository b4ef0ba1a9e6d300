import Base
import Fabric
import Store
import Synchronization

/// Files that readers are about to open. A file is only deleted when nobody who has seen its row is still on the way to it.
final class ReadGuard: Sendable {
  private struct State {
    var next: UInt64 = 0
    var open: Set<UInt64> = []
    var isAwaited = false
  }
  private let state = Mutex(State())
  private let passed: Nudge

  /// - Parameter passed: who waits for readers.
  init(_ passed: Nudge) { self.passed = passed }

  /// A reader that has not read the row yet.
  func begin() -> UInt64 {
    state.withLock { state in
      state.next += 1
      state.open.insert(state.next)
      return state.next
    }
  }
  func end(_ ticket: UInt64) {
    let isAwaited = state.withLock { state in
      state.open.remove(ticket)
      defer { state.isAwaited = false }
      return state.isAwaited
    }
    if isAwaited { passed.nudge() }
  }

  /// All readers that begin from here on see what was committed before.
  func mark() -> UInt64 { state.withLock { $0.next } }
  /// Whether all who had begun at the mark have ended. If not, the end of one of them is told.
  func hasPassed(_ mark: UInt64) -> Bool {
    state.withLock { state in
      let hasPassed = state.open.allSatisfy { $0 > mark }
      if !hasPassed { state.isAwaited = true }
      return hasPassed
    }
  }
}

/// Holds the collector off until it goes away.
final class ReadTicket: Sendable {
  private let number: UInt64
  private let readers: ReadGuard
  init(_ readers: ReadGuard) { (self.readers, number) = (readers, readers.begin()) }
  deinit { readers.end(number) }
}

extension S3Service {
  /// While the ticket is kept, no content is deleted: for copies of the whole state.
  public func holdFiles() -> any Sendable & AnyObject { ReadTicket(readers) }

  /// The bytes of a range of an object, to be sent piece by piece. Nothing else of it is read.
  /// - Parameter ticket: begun before the row of the content was read.
  func outgoing(_ content: Content, _ range: Range<Int>, _ ticket: ReadTicket) async throws -> TransferOutput.Outgoing {
    if let inline = content.inline {
      let piece = range == inline.indices ? inline : Array(inline[range])
      return .init(count: range.count) { send in try await send(piece) }
    }
    let extents = content.extents(range)
    // The first file is opened now, so that an error can still be told; of many parts the others are opened when it is their turn, and
    // until then the collector waits.
    let first = try await open(extents)
    let ticket = extents.count > 1 ? ticket : nil
    return .init(count: range.count) { send in
      defer { withExtendedLifetime(ticket) {} }
      for (place, extent) in extents.enumerated() {
        let source: any ByteSource
        if place == 0, let first { source = first } else { source = try await self.source(extent) }
        try await Self.send(extent, of: source, send)
      }
    }
  }

  private func open(_ extents: [Extent]) async throws -> (any ByteSource)? {
    guard let extent = extents.first else { return nil }
    return try await source(extent)
  }

  func source(_ extent: Extent) async throws -> any ByteSource {
    guard let source = try await bytes.source(extent.file) else { throw StoreError.corrupt("the file of an object is not there") }
    return source
  }

  /// The next piece is read while one is sent.
  private static func send(_ extent: Extent, of source: any ByteSource, _ send: @escaping TransferOutput.Send) async throws {
    let end = extent.offset + extent.count
    func piece(at offset: Int) async throws -> [UInt8] {
      offset < end ? try await source.read(at: offset, count: min(S3Limits.pieceBytes, end - offset)) : []
    }
    var current = try await piece(at: extent.offset)
    var offset = extent.offset
    while !current.isEmpty {
      offset += current.count
      let from = offset
      async let next = piece(at: from)
      try await send(current)
      current = try await next
    }
  }

  /// Reads the bytes of a range, for digests.
  func read(_ content: Content, _ range: Range<Int>, _ ticket: ReadTicket, into digests: Digests) async throws {
    let outgoing = try await outgoing(content, range, ticket)
    try await outgoing.write { piece in piece.withUnsafeBytes(digests.update) }
  }
}
