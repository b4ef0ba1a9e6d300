import Base
import Fabric
import Store
import Wire

/// Bytes that have been received and are durable, but are nobody's yet.
struct ReceivedBytes: Sendable {
  var digests: Digests.Result
  var content: Content

  var size: Int { digests.size }
  var eTag: String { digests.md5.hex }
  func checksum(_ algorithm: ChecksumAlgorithm) -> String { digests.checksum(algorithm).base64 }
}

extension S3Service {
  /// Reads a body to its end and keeps it: a small one for the row, a larger one in a file.
  ///
  /// What is received belongs to nobody until a transaction names it: then call `discard` if the transaction refuses.
  /// - Parameters:
  ///   - extra: computed beside what the client declares.
  ///   - mayInline: false for parts, whose bytes are joined without being read.
  ///   - isOpen: nobody knows how long it will be: a file within a form.
  func receive(
    _ body: IncomingBytes, _ declared: DeclaredBytes, and extra: ChecksumAlgorithm? = nil, mayInline: Bool = true, isOpen: Bool = false
  ) async throws -> ReceivedBytes {
    guard let length = declared.length ?? (isOpen ? S3Limits.objectBytes : nil) else { throw S3Error.missingContentLength }
    guard length <= S3Limits.objectBytes else { throw S3Error.entityTooLarge(length, maximum: S3Limits.objectBytes) }
    let digests = Digests(Set([declared.algorithm] + (extra.map { [$0] } ?? [])))
    if mayInline, length <= S3Limits.inlineBytes {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(length)
      while let piece = try await body.next() {
        guard bytes.count + piece.count <= length else { throw S3Error.entityTooLarge(bytes.count + piece.count, maximum: length) }
        bytes += piece
      }
      bytes.withUnsafeBytes(digests.update)
      try declared.check(digests.result)
      return ReceivedBytes(digests: digests.result, content: Content(inline: bytes))
    }
    let file = newFile()
    let sink = bytes.sink(file, tap: digests.update)
    while let piece = try await body.next() { try await sink.write(piece) }
    // Judged before the disk is waited for: what is wrong goes away with the sink.
    try await sink.drain()
    try declared.check(digests.result)
    try await sink.finish()
    let result = digests.result
    return ReceivedBytes(
      digests: result, content: Content(extents: [Extent(file: file, offset: 0, count: result.size)]))
  }

  /// A name that the collector does not take for an orphan of an earlier run.
  func newFile() -> ByteStoreID {
    guard let id = ByteStoreID(ambient.random.bytes(ByteStoreID.count - run.count) + run) else { preconditionFailure("16 bytes") }
    return id
  }
  func newContentID(_ content: Content) -> ContentID {
    ContentID(isInFiles: content.inline == nil, random: ambient.random.bytes(12))
  }

  /// Runs a transaction that is to give received bytes to somebody. When it refuses, they are removed; when nobody knows whether it
  /// happened, the next start finds out.
  func commit<T: Sendable>(
    _ received: ReceivedBytes, _ body: @escaping @Sendable (any Transaction) throws -> T
  ) async throws -> T {
    do {
      return try await store.transact(body)
    } catch let error as AWSError {
      for extent in received.content.extents { try? await bytes.delete(extent.file) }
      throw error
    }
  }
}
