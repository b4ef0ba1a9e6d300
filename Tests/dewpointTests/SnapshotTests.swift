import Base
import Crypto
import Fabric
import Store
import StoreMemory
import Testing

@testable import dewpoint

struct SnapshotTests {
  private static let manifest = SnapshotManifest(
    version: "0.1.0", savedAt: Instant(seconds: 1_800_000_000), clock: .frozen(at: Instant(seconds: 1_900_000_000)))
  private static let blob = Array("the bytes of a package".utf8)
  private static var blobName: String { SHA256.hash(data: blob).map { $0 }.hex }
  private static let rows: [(key: Key, value: [UInt8])] = [
    (Key("q", AccountID.local, "orders"), [1]), (Key("q", AccountID.local, "returns"), []), (Key("r", 7), [UInt8](repeating: 9, count: 1000)),
  ]

  /// A whole snapshot.
  private static func bytes(_ rows: [(key: Key, value: [UInt8])] = rows) -> [UInt8] {
    var writer = SnapshotWriter()
    var contents = SnapshotContents()
    for row in rows { contents.count(row.key, row.value, [InventoryItem("queues", below: Key("q"))]) }
    (contents.blobs, contents.blobBytes) = (1, blob.count)
    return writer.start(manifest) + writer.rows(Array(rows.prefix(2))) + writer.rows(Array(rows.dropFirst(2)))
      + writer.blob(blobName, blob) + writer.end(contents)
  }

  private struct Found {
    var manifest: SnapshotManifest?
    var rows: [Key] = []
    var contents: SnapshotContents?
  }

  /// What the reader makes of bytes that come in pieces of a size.
  @discardableResult
  private static func read(_ bytes: [UInt8], piece: Int = 1 << 20) throws -> Found {
    var reader = SnapshotReader()
    var found = Found()
    for start in stride(from: 0, to: bytes.count, by: piece) {
      for item in try reader.feed(Array(bytes[start..<min(bytes.count, start + piece)])) {
        switch item {
        case .manifest(let manifest): found.manifest = manifest
        case .rows(let rows): found.rows += rows.map(\.key)
        case .blob, .file: break
        case .end(let contents): found.contents = contents
        }
      }
    }
    try reader.finish()
    return found
  }

  @Test(arguments: [1, 7, 64, 1 << 20])
  func `what is written is read again, however it arrives`(_ piece: Int) throws {
    let found = try Self.read(Self.bytes(), piece: piece)
    #expect(found.manifest == Self.manifest)
    #expect(found.rows == Self.rows.map(\.key))
    #expect(found.contents?.rows == 3)
    #expect(found.contents?.resources == ["000000000000": ["queues": 2]])
  }

  @Test func `a snapshot that is cut off anywhere is refused`() {
    let bytes = Self.bytes()
    for end in 0..<bytes.count {
      #expect(throws: SnapshotError.self) { try Self.read(Array(bytes[..<end])) }
    }
  }

  @Test func `a snapshot with one wrong byte anywhere is refused`() {
    let bytes = Self.bytes()
    for at in bytes.indices {
      var damaged = bytes
      damaged[at] ^= 0x41
      #expect(throws: SnapshotError.self) { try Self.read(damaged) }
    }
  }

  @Test func `foreign and newer files are told apart`() {
    #expect(throws: SnapshotError.foreign) { try Self.read(Array("PK\u{3}\u{4} a zip".utf8)) }
    #expect(throws: SnapshotError.foreign) { try Self.read([UInt8](repeating: 0, count: 100_000)) }
    #expect(throws: SnapshotError.newer("2")) { try Self.read(Array("dewpoint snapshot 2\n".utf8)) }
    #expect(throws: SnapshotError.truncated) { try Self.read([]) }
    #expect(throws: SnapshotError.damaged("something follows its end")) { try Self.read(Self.bytes() + [0]) }
  }

  @Test func `rows out of order, twice, or before the manifest are refused`() {
    #expect(throws: SnapshotError.damaged("its rows are not in order")) { try Self.read(Self.bytes(Self.rows.reversed())) }
    #expect(throws: SnapshotError.damaged("its rows are not in order")) { try Self.read(Self.bytes([Self.rows[0], Self.rows[0]])) }
    var writer = SnapshotWriter()
    let early = SnapshotFormat.magic + writer.rows(Self.rows)
    #expect(throws: SnapshotError.damaged("its manifest is not at its beginning")) { try Self.read(early) }
  }

  @Test func `a length beyond all limits is refused before its bytes come`() {
    let bytes = SnapshotFormat.magic + [SnapshotFormat.Kind.manifest.rawValue, 0xff, 0xff, 0xff, 0xff]
    #expect(throws: SnapshotError.self) { try Self.read(bytes) }
  }

  @Test func `a state is filled with what the snapshot holds`() async throws {
    let state = try OpenState(StateDirectory(path: "/nowhere"), inMemory: true)
    var loading = SnapshotLoading(into: state)
    for byte in Self.bytes() { try await loading.feed([byte]) }
    #expect(try loading.finish() == Self.manifest)
    let keys = try await state.store.read { try $0.entries(KeyRange(prefix: Key())).map(\.key) }
    #expect(keys == Self.rows.map(\.key))
    #expect(try await state.blobs.get(Self.blobName) == Self.blob)
    await state.store.close()
  }
}
