import Base

/// Takes the framing off an `aws-chunked` body and verifies it: bytes in, decoded bytes out, in constant memory.
///
///     HEX;chunk-signature=64hex CRLF data CRLF … 0;chunk-signature=64hex CRLF [name:value CRLF …] CRLF
///
/// Pieces may be cut anywhere. The bytes of a chunk come out before its signature is known to be right: keep nothing of
/// them for good until `finish` has returned. After a failure every further call fails alike.
///
/// As lenient as AWS: a missing last line end, a bare line feed after a trailer and unknown chunk extensions are taken.
public struct ChunkedDecoder: Sendable {
  /// The line before a chunk; clients send about 90 bytes.
  static let maximumLine = 1024
  /// A checksum and its signature, and room for what is refused by name.
  static let maximumTrailers = 8
  /// All trailer lines together.
  static let maximumTrailerBytes = 8192

  private enum State: Sendable, Equatable {
    /// In the line that begins a chunk. Next: data, or trailer after the chunk of no bytes.
    case head
    /// So many bytes of the chunk are to come. Next: afterData.
    case data(Int)
    /// In the line end after the data. Next: head.
    case afterData
    /// In the lines after the last chunk. Next: end.
    case trailer(afterBareLineFeed: Bool)
    /// Only line ends may come.
    case end
    case failed(ChunkedFailure)
  }

  private let head: ChunkedHead
  private var state = State.head
  private var line: [UInt8] = []
  private var signature: [UInt8] = []
  private var received = 0
  private var signatures: ChunkSignatures?
  private var checksum: Checksum?
  private var trailerBytes = 0
  private var fields: [(name: String, value: String)] = []

  /// - Parameter verification: of the request's own signature. Nil when the key has no secret (local mode): the signatures
  ///   of the chunks must then be there, but say nothing.
  public init(_ head: ChunkedHead, verification: Verification?) {
    self.head = head
    if head.form.isSigned { signatures = verification.map(ChunkSignatures.init) }
    checksum = head.checksum.map(Checksum.init)
  }

  /// Decoded bytes so far.
  public var decodedCount: Int { received }

  /// Decodes the next piece and appends what comes out of it.
  public mutating func feed(_ bytes: ArraySlice<UInt8>, into out: inout [UInt8]) throws(ChunkedFailure) {
    if case .failed(let failure) = state { throw failure }
    do throws(ChunkedFailure) {
      var at = bytes.startIndex
      while at < bytes.endIndex { try step(bytes, &at, &out) }
    } catch {
      state = .failed(error)
      throw error
    }
  }
  public mutating func feed(_ bytes: [UInt8], into out: inout [UInt8]) throws(ChunkedFailure) { try feed(bytes[...], into: &out) }

  /// Says that the body has ended. Fails unless it was whole: length, trailer and checksum.
  public mutating func finish() throws(ChunkedFailure) -> ChunkedTrailer {
    switch state {
    case .failed(let failure): throw failure
    case .trailer, .end: break
    case .head, .data, .afterData: throw fail(.malformed("the last chunk is missing"))
    }
    if !line.isEmpty { try trailerLine() }
    guard received == head.decodedLength else { throw fail(.length(declared: head.decodedLength, received: received)) }
    return try trailer()
  }

  private mutating func fail(_ failure: ChunkedFailure) -> ChunkedFailure {
    state = .failed(failure)
    return failure
  }

  /// Takes at least one byte.
  private mutating func step(_ bytes: ArraySlice<UInt8>, _ at: inout Int, _ out: inout [UInt8]) throws(ChunkedFailure) {
    switch state {
    case .head:
      if try takeLine(bytes, &at, limit: Self.maximumLine) { try chunkLine() }
    case .data(let left):
      let piece = bytes[at..<(at + min(left, bytes.endIndex - at))]
      take(piece, &out)
      at = piece.endIndex
      state = piece.count == left ? .afterData : .data(left - piece.count)
      if piece.count == left { try closeChunk() }
    case .afterData:
      guard try takeLine(bytes, &at, limit: 1) else { return }
      guard withoutCarriageReturn(line).isEmpty else { throw .malformed("a chunk is longer than it says") }
      line = []
      state = .head
    case .trailer:
      if try takeLine(bytes, &at, limit: Self.maximumTrailerBytes) { try trailerLine() }
    case .end:
      trailerBytes += 1
      guard bytes[at] == 13 || bytes[at] == 10, trailerBytes <= Self.maximumTrailerBytes else {
        throw .malformedTrailer("bytes after the end")
      }
      at += 1
    case .failed(let failure): throw failure
    }
  }

  /// Whether `line` is whole now, without its line feed. `limit` is for the line without its ends.
  private mutating func takeLine(_ bytes: ArraySlice<UInt8>, _ at: inout Int, limit: Int) throws(ChunkedFailure) -> Bool {
    let room = limit + 2 - line.count
    let window = bytes[at..<min(bytes.endIndex, at + max(room, 0))]
    let end = window.firstIndex(of: 10)
    line += window[..<(end ?? window.endIndex)]
    at = end.map { $0 + 1 } ?? window.endIndex
    if end == nil, line.count >= limit + 2 {
      if case .trailer = state { throw .malformedTrailer("a line is too long") }
      throw .malformed(state == .head ? "the line before a chunk is too long" : "a chunk is longer than it says")
    }
    return end != nil
  }

  private mutating func chunkLine() throws(ChunkedFailure) {
    let parts = withoutCarriageReturn(line).split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
    line = []
    guard let size = parts.first.flatMap(chunkSize) else { throw .malformed("a chunk has no size") }
    guard size <= head.decodedLength - received else {
      let (sum, isOver) = received.addingReportingOverflow(size)
      throw .length(declared: head.decodedLength, received: isOver ? .max : sum)
    }
    if head.form.isSigned {
      let mark = Array("chunk-signature=".utf8)
      guard let part = parts.dropFirst().first(where: { $0.starts(with: mark) }) else { throw .malformed("a chunk has no signature") }
      signature = Array(part.dropFirst(mark.count))
      guard signature.count == 64, signature.allSatisfy({ hexValue($0) != nil }) else {
        throw .malformed("the signature of a chunk is not one")
      }
    }
    if size > 0 { return state = .data(size) }
    try closeChunk()
    state = .trailer(afterBareLineFeed: false)
  }

  private mutating func take(_ piece: ArraySlice<UInt8>, _ out: inout [UInt8]) {
    piece.withUnsafeBytes { data in
      signatures?.update(data)
      checksum?.update(data)
    }
    received += piece.count
    out += piece
  }

  private mutating func closeChunk() throws(ChunkedFailure) {
    if let mismatch = signatures?.closeChunk(provided: signature) { throw .chunkSignature(mismatch) }
  }

  private mutating func trailerLine() throws(ChunkedFailure) {
    let text = withoutCarriageReturn(line)
    let isBare = text.count == line.count
    trailerBytes += line.count + 1
    guard trailerBytes <= Self.maximumTrailerBytes, fields.count < Self.maximumTrailers else {
      throw fail(.malformedTrailer("it is too long"))
    }
    line = []
    guard !text.isEmpty else {
      // AWS's own example puts a line feed between the value and the line end.
      if case .trailer(afterBareLineFeed: true) = state { state = .trailer(afterBareLineFeed: false) } else { state = .end }
      return
    }
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex else {
      throw fail(.malformedTrailer("a line has no name"))
    }
    fields.append((text[..<colon].utf8Text.trimmed.lowercased(), text[(colon + 1)...].utf8Text.trimmed))
    state = .trailer(afterBareLineFeed: isBare)
  }

  private mutating func trailer() throws(ChunkedFailure) -> ChunkedTrailer {
    let signed = fields.filter { $0.name != "x-amz-trailer-signature" }
    let names = signed.map(\.name)
    guard names.sorted() == head.trailerNames.sorted() else {
      throw fail(.malformedTrailer("it has [\(names.joined(separator: ", "))], not [\(head.trailerNames.joined(separator: ", "))]"))
    }
    if head.form == .signedWithTrailer {
      let provided = fields.filter { $0.name == "x-amz-trailer-signature" }
      guard provided.count == 1, provided[0].value.utf8.count == 64 else {
        throw fail(.malformedTrailer("it has no signature"))
      }
      let text = signed.sorted { $0.name < $1.name }.map { "\($0.name):\($0.value)\n" }.joined()
      if let mismatch = signatures?.closeTrailer(text, provided: Array(provided[0].value.utf8)) {
        throw fail(.trailerSignature(mismatch))
      }
    }
    return ChunkedTrailer(fields: HeaderFields(signed.map { ($0.name, $0.value) }), checksum: try declaredChecksum(signed))
  }

  private mutating func declaredChecksum(_ fields: [(name: String, value: String)]) throws(ChunkedFailure) -> DeclaredChecksum? {
    guard let checksum, let field = fields.first(where: { $0.name == checksum.algorithm.fieldName }) else { return nil }
    guard let declared = DeclaredChecksum(checksum.algorithm, base64: field.value) else {
      throw fail(.malformedChecksum(field.name))
    }
    guard declared.bytes == checksum.bytes else { throw fail(.checksumMismatch(checksum.algorithm)) }
    return declared
  }
}

private func withoutCarriageReturn(_ line: [UInt8]) -> ArraySlice<UInt8> { line.last == 13 ? line.dropLast() : line[...] }

/// Hexadecimal in either case, at most 16 digits; nil for anything else and for what an Int cannot hold.
private func chunkSize(_ text: ArraySlice<UInt8>) -> Int? {
  guard !text.isEmpty, text.count <= 16 else { return nil }
  var size: UInt64 = 0
  for byte in text {
    guard let digit = hexValue(byte) else { return nil }
    size = size << 4 | UInt64(digit)
  }
  return Int(exactly: size)
}
