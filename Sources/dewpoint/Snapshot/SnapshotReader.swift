import Base
import Crypto
import Store

/// Takes the bytes of a snapshot apart as they come, and trusts none of them.
struct SnapshotReader {
  enum Item {
    case manifest(SnapshotManifest)
    /// In order, and behind all rows before.
    case rows([(key: Key, value: [UInt8])])
    /// The name is the SHA-256 of the bytes.
    case blob(name: String, [UInt8])
    /// The next piece of a file; the first one of another id ends it.
    case file(ByteStoreID, [UInt8])
    /// The snapshot is whole: counts and digest are right.
    case end(SnapshotContents)
  }
  /// - magic becomes frames, with the manifest still missing
  /// - frames becomes digest, after the last frame
  /// - digest becomes complete
  private enum State {
    case magic
    case frames(hasManifest: Bool)
    case digest(SnapshotContents)
    case complete
  }

  private var state = State.magic
  private var buffer: [UInt8] = []
  private var hash = SHA256()
  private var lastKey: Key?
  private var seen = SnapshotContents()
  private var lastFile: ByteStoreID?

  init() {}

  /// What has become complete with these bytes. Throws `SnapshotError`; nothing may be fed after that.
  mutating func feed(_ bytes: [UInt8]) throws -> [Item] {
    buffer += bytes
    var items: [Item] = []
    var at = 0
    while let (item, used) = try next(buffer[at...]) {
      if let item { items.append(item) }
      at += used
    }
    if at > 0 { buffer.removeFirst(at) }
    return items
  }

  /// No more bytes will come.
  func finish() throws {
    if case .complete = state { return }
    if case .magic = state, !SnapshotFormat.magicStart.starts(with: buffer.prefix(SnapshotFormat.magicStart.count)) {
      throw SnapshotError.foreign
    }
    throw SnapshotError.truncated
  }

  /// Nil when more bytes are needed.
  private mutating func next(_ bytes: ArraySlice<UInt8>) throws -> (item: Item?, used: Int)? {
    switch state {
    case .magic: return try readMagic(bytes)
    case .frames(let hasManifest):
      guard bytes.count >= 5 else { return nil }
      let header = Array(bytes.prefix(5))
      let count = header[1...].reduce(0) { $0 << 8 | Int($1) }
      guard let kind = SnapshotFormat.Kind(rawValue: header[0]), count <= SnapshotFormat.maximumFrame else {
        throw SnapshotError.damaged("a part of it has no meaning")
      }
      guard bytes.count >= 5 + count else { return nil }
      let frame = bytes.prefix(5 + count)
      frame.withUnsafeBytes { hash.update(bufferPointer: $0) }
      return (try read(kind, Array(frame.dropFirst(5)), hasManifest: hasManifest), 5 + count)
    case .digest(let contents):
      guard bytes.count >= SnapshotFormat.digestBytes else { return nil }
      guard Array(hash.finalize()) == Array(bytes.prefix(SnapshotFormat.digestBytes)) else {
        throw SnapshotError.damaged("its checksum is wrong")
      }
      state = .complete
      return (.end(contents), SnapshotFormat.digestBytes)
    case .complete:
      if !bytes.isEmpty { throw SnapshotError.damaged("something follows its end") }
      return nil
    }
  }

  private mutating func readMagic(_ bytes: ArraySlice<UInt8>) throws -> (item: Item?, used: Int)? {
    let start = SnapshotFormat.magicStart
    guard bytes.prefix(start.count).elementsEqual(start.prefix(bytes.count)) else { throw SnapshotError.foreign }
    guard bytes.count >= SnapshotFormat.magic.count else { return nil }
    guard bytes.starts(with: SnapshotFormat.magic) else {
      throw SnapshotError.newer(bytes.dropFirst(start.count).prefix { $0 >= 0x20 && $0 < 0x7f }.prefix(10).map { $0 }.utf8Text)
    }
    hash.update(data: SnapshotFormat.magic)
    state = .frames(hasManifest: false)
    return (nil, SnapshotFormat.magic.count)
  }

  private mutating func read(_ kind: SnapshotFormat.Kind, _ payload: [UInt8], hasManifest: Bool) throws -> Item? {
    guard hasManifest != (kind == .manifest) else { throw SnapshotError.damaged("its manifest is not at its beginning") }
    switch kind {
    case .manifest:
      state = .frames(hasManifest: true)
      return .manifest(try SnapshotManifest(json: try Self.json(payload)))
    case .rows: return .rows(try rows(payload))
    case .blob:
      let name = payload.prefix(SnapshotFormat.blobNameBytes).map { $0 }.utf8Text
      let bytes = Array(payload.dropFirst(SnapshotFormat.blobNameBytes))
      guard SHA256.hash(data: bytes).map({ $0 }).hex == name else { throw SnapshotError.damaged("a blob is not what its name says") }
      seen.blobs += 1
      seen.blobBytes += bytes.count
      return .blob(name: name, bytes)
    case .file:
      guard let id = ByteStoreID(Array(payload.prefix(ByteStoreID.count))) else { throw SnapshotError.damaged("a file has no name") }
      let bytes = Array(payload.dropFirst(ByteStoreID.count))
      if id != lastFile { seen.files += 1 }
      lastFile = id
      seen.fileBytes += bytes.count
      return .file(id, bytes)
    case .end:
      let contents = try SnapshotContents(json: try Self.json(payload))
      guard (contents.rows, contents.bytes, contents.blobs, contents.blobBytes) == (seen.rows, seen.bytes, seen.blobs, seen.blobBytes),
        (contents.files, contents.fileBytes) == (seen.files, seen.fileBytes)
      else { throw SnapshotError.damaged("it holds something else than its table of contents says") }
      state = .digest(contents)
      return nil
    }
  }

  private static func json(_ payload: [UInt8]) throws -> JSON {
    guard let json = try? JSON.parse(payload) else { throw SnapshotError.damaged("a part of it cannot be read") }
    return json
  }

  private mutating func rows(_ payload: [UInt8]) throws -> [(key: Key, value: [UInt8])] {
    var rows: [(key: Key, value: [UInt8])] = []
    do {
      var reader = try RowReader(payload)
      while !reader.isAtEnd {
        let row = (key: Key(bytes: try reader.blob()), value: try reader.blob())
        if let lastKey, !(lastKey < row.key) { throw SnapshotError.damaged("its rows are not in order") }
        lastKey = row.key
        seen.count(row.key, row.value, [])
        rows.append(row)
      }
    } catch is StoreError {
      throw SnapshotError.damaged("a row is cut off")
    }
    return rows
  }
}
